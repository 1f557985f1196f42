"""What a cell shows as deleted or added, when whoever wrote the statement revised it.

A cell is plain text. Around revised words stand four control characters, which no XML document can hold:
they cannot come from outside. Who shows a cell turns them into words; who understands it reads `current`.
"""

from collections.abc import Iterator
from enum import StrEnum

MARKS = {"delete": ("\x0e", "\x0f"), "insert": ("\x10", "\x11")}
_BEGINS = {begin: kind for kind, (begin, _) in MARKS.items()}
_ENDS = {end for _, end in MARKS.values()}


class Revision(StrEnum):
    NONE = ""
    DELETED = "delete"
    ADDED = "insert"


def parts(cell: str) -> Iterator[tuple[Revision, str]]:
    """The words of a cell in order, each with what became of them. Deleted wins over added."""
    under: list[str] = []
    words: list[str] = []
    for character in cell:
        if character not in _BEGINS and character not in _ENDS:
            words.append(character)
            continue
        if words:
            yield _kind(under), "".join(words)
            words.clear()
        if character in _BEGINS:
            under.append(_BEGINS[character])
        elif under:
            under.pop()
    if words:
        yield _kind(under), "".join(words)


def _kind(under: list[str]) -> Revision:
    return Revision.DELETED if Revision.DELETED in under else Revision(under[-1] if under else "")


def revised(cell: str) -> bool:
    return any(begin in cell for begin in _BEGINS)


def current(cell: str) -> str:
    """What the cell says now: without what was deleted."""
    if not revised(cell):
        return cell
    return "".join(words for kind, words in parts(cell) if kind is not Revision.DELETED)


def without_empty(text: str) -> str:
    """The same, without the revisions that hold no word."""
    for begin, end in MARKS.values():
        while begin + end in text:
            text = text.replace(begin + end, "")
    return text
