"""The checking child: reads one hostile file from its input, says what it is on its output, and dies.

Run as `python -m documents.inspection MEDIA_TYPE` by `documents.checking`, under limits of memory, processor
time and files. It knows neither the database nor any key, and imports no Django.

Output: one line of JSON, then the parts one after the other, their sizes being in the line.
"""

import json
import resource
import sys
from dataclasses import dataclass

from . import cda, narrative, pdf
from .xmlguard import Rejected

PDF = "application/pdf"
CDA = "text/xml"

MEMORY = 512 << 20
SECONDS = 10
DRAWING_SECONDS = 6.0
EXHAUSTED = 3  # the exit code of a child that ran out of memory


@dataclass(frozen=True, slots=True)
class Inspection:
    """`refusal` is a code, empty when the document may be shown through its parts.

    Parts: `narrative` (HTML), `texts` (JSON, the words of each page), `page/1`… (PNG or WebP).
    """

    refusal: str
    page_count: int
    pages_in_all: int
    parts: tuple[tuple[str, bytes], ...]


def inspect(content: bytes, media_type: str) -> Inspection:
    """What the file is, and what may be shown of it."""
    try:
        return _inspect(content, media_type)
    except (Rejected, pdf.Unreadable) as refusal:
        return Inspection(refusal.code, 0, 0, ())


def _inspect(content: bytes, media_type: str) -> Inspection:
    html = ""
    files: tuple[bytes, ...] = (content,)
    if media_type == CDA:
        rendered = narrative.rendering(cda.read(content))
        html, files = rendered.html, rendered.files
    pages: list[pdf.Page] = []
    in_all = 0
    for file in files:
        if code := pdf.acts(pdf.findings(file)):
            return Inspection(code, 0, 0, ())
        left = pdf.MOST_PAGES - len(pages)
        if left > 0:
            count, drawn = pdf.pages(file, at_most=left, seconds=DRAWING_SECONDS / len(files))
            in_all += count
            pages += drawn
    parts = [("narrative", html.encode())] if html else []
    if pages:
        parts.append(("texts", json.dumps([page.words for page in pages], ensure_ascii=False).encode()))
        parts += [(f"page/{number}", page.image) for number, page in enumerate(pages, 1)]
    return Inspection("", len(pages), in_all, tuple(parts))


def told(inspection: Inspection) -> bytes:
    line = {
        "refusal": inspection.refusal,
        "page_count": inspection.page_count,
        "pages_in_all": inspection.pages_in_all,
        "parts": [[name, len(content)] for name, content in inspection.parts],
    }
    return json.dumps(line).encode() + b"\n" + b"".join(content for _, content in inspection.parts)


def understood(output: bytes) -> Inspection:
    """What a child told. Raises ValueError, KeyError or TypeError on anything else."""
    line, _, rest = output.partition(b"\n")
    head = json.loads(line)
    parts, at = [], 0
    for name, size in head["parts"]:
        parts.append((str(name), rest[at : at + size]))
        at += size
    if at != len(rest):
        raise ValueError("a child tells exactly what it announces")
    return Inspection(str(head["refusal"]), int(head["page_count"]), int(head["pages_in_all"]), tuple(parts))


def main(media_type: str) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        sys.stdout.buffer.write(told(inspect(sys.stdin.buffer.read(), media_type)))
    except MemoryError:
        return EXHAUSTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
