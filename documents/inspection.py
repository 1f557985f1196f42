"""What the checker says of a file, and the form in which it says it.

One line of JSON, then the parts one after the other, their sizes being in the line.
"""

import json
from dataclasses import dataclass

PDF = "application/pdf"
CDA = "text/xml"


@dataclass(frozen=True, slots=True)
class Inspection:
    """`refusal` is a code, empty when the document may be shown through its parts.

    Parts: `narrative` (HTML), `texts` (JSON, the words of each page), `page/1`… (PNG or WebP).
    """

    refusal: str
    page_count: int
    pages_in_all: int
    parts: tuple[tuple[str, bytes], ...]


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
