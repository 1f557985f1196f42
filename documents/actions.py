"""What a PDF does, by itself or when somebody presses: the standard's kinds of actions, with our verdicts.

ISO 32000-2 §12.6.4, tables 201 to 221. A file that would act by itself, or that holds what no health document
needs, is refused under a code; a jump inside the document is not an act.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pikepdf

from .pdfnames import name_of

NONE = ""
LINK = "pdf.link"  # leads out when somebody presses it: nobody does on our pages


@dataclass(frozen=True, slots=True)
class Verdict:
    """The codes of an action that comes by itself (the file opens, a page is turned), and of one pressed."""

    by_itself: str
    pressed: str


ALWAYS_OUT = Verdict("pdf.elsewhere", "pdf.elsewhere")
MEDIA = Verdict("pdf.media", "pdf.media")
HARMLESS = Verdict(NONE, NONE)
CHANGES = Verdict("pdf.changes", LINK)  # it would show something else than the pages as they are

KINDS: dict[str, Verdict] = {
    "/GoTo": HARMLESS,
    "/GoToR": ALWAYS_OUT,  # another file, local or remote
    "/GoToE": ALWAYS_OUT,  # a file inside this one, or inside another
    "/GoToDp": HARMLESS,
    "/Launch": Verdict("pdf.launch", "pdf.launch"),
    "/Thread": HARMLESS,  # ALWAYS_OUT when it names a file
    "/URI": Verdict("pdf.elsewhere", LINK),
    "/Sound": MEDIA,
    "/Movie": MEDIA,
    "/Hide": CHANGES,
    "/Named": Verdict("pdf.unknown", LINK),  # HARMLESS for the four names of the standard
    "/SubmitForm": Verdict("pdf.elsewhere", LINK),
    "/ResetForm": CHANGES,
    "/ImportData": Verdict("pdf.form", "pdf.form"),
    "/JavaScript": Verdict("pdf.script", "pdf.script"),
    "/SetOCGState": CHANGES,
    "/Rendition": MEDIA,
    "/Trans": HARMLESS,
    "/GoTo3DView": MEDIA,
    "/RichMediaExecute": MEDIA,
}
UNKNOWN = Verdict("pdf.unknown", LINK)
PAGES = frozenset({"/NextPage", "/PrevPage", "/FirstPage", "/LastPage"})

STARTS = frozenset({"/OpenAction", "/AA"})  # where what comes by itself is written
HOLDERS = STARTS | {"/A", "/PA"}
MOST = 1_000  # actions one after the other


def verdict(action: Any, *, by_itself: bool) -> str:
    """The code that one action calls for, empty when it is harmless."""
    kind = name_of(action.get("/S"))
    known = KINDS.get(kind, UNKNOWN)
    if kind == "/Thread" and "/F" in action:
        known = ALWAYS_OUT
    if kind == "/Named" and name_of(action.get("/N")) in PAGES:
        known = HARMLESS
    return known.by_itself if by_itself else known.pressed


def held_by(thing: Any, key: str) -> Iterator[str]:
    """The codes of the actions that this dictionary holds under one of HOLDERS."""
    yield from _chained(thing[key], by_itself=key in STARTS, several=key == "/AA")


def loose(thing: Any) -> str:
    """The code of a dictionary that looks like an action, wherever it is kept; unknown kinds are none."""
    return verdict(thing, by_itself=False) if name_of(thing.get("/S")) in KINDS else NONE


def _chained(first: Any, *, by_itself: bool, several: bool) -> Iterator[str]:
    """The codes of an action and of those that come next; of the actions of each event, when `several`."""
    pending = [first[key] for key in first.keys()] if several and _is_dictionary(first) else [first]  # noqa: SIM118
    seen = set()
    for _ in range(MOST):
        if not pending:
            return
        here = pending.pop()
        if isinstance(here, pikepdf.Array):  # of actions; a destination has none
            pending += [action for action in here if _is_dictionary(action) and "/S" in action]
        elif _is_dictionary(here) and "/S" in here:
            if here.is_indirect:
                if here.objgen in seen:
                    continue
                seen.add(here.objgen)
            if code := verdict(here, by_itself=by_itself):
                yield code
            if "/Next" in here:
                pending.append(here["/Next"])
    yield "pdf.too_complex"


def _is_dictionary(thing: Any) -> bool:
    return isinstance(thing, pikepdf.Dictionary | pikepdf.Stream)
