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


LONGEST_LINE = 1 << 16  # bytes: a hundred parts have one of four thousand


def understood(output: bytes) -> Inspection:
    """What a child told. Raises ValueError, KeyError, TypeError or RecursionError on anything else."""
    end = output.find(b"\n", 0, LONGEST_LINE)
    if end < 0:
        raise ValueError("a child begins with one short line")
    head = json.loads(output[:end])
    parts, at = [], end + 1
    for name, size in head["parts"]:
        if type(size) is not int or size < 0:
            raise ValueError("a size is a number")
        parts.append((str(name), output[at : at + size]))
        at += size
    if at != len(output):
        raise ValueError("a child tells exactly what it announces")
    page_count, pages_in_all = head["page_count"], head["pages_in_all"]
    if type(page_count) is not int or type(pages_in_all) is not int or pages_in_all >= 1 << 31:
        raise ValueError("a count is a number")
    return Inspection(str(head["refusal"]), page_count, pages_in_all, tuple(parts))
