"""Hands a file to the checker, and believes of its answer only what can be seen to be true."""

import json
import re

from django.conf import settings

from jail import client
from jail.wire import Ending

from . import inert_html
from .inspection import Inspection, understood

MOST_TOLD = 64 << 20  # bytes
MOST_WORDS = 16 << 20  # bytes
MOST_PAGES = 80
IMAGES = (b"\x89PNG\r\n\x1a\n", b"RIFF")
REFUSAL = re.compile(r"[a-z]+\.[a-z_]+")


class ChildFailed(RuntimeError):
    """The child ended before its answer, for a reason that need not be the file's: to be tried again.

    `code` says what happened: `checks.killed` (by the system, or with the checker), `checks.stalled`,
    `checks.crashed` (the reader fell over), `checks.unconfined` (its jail could not be closed),
    `checks.garbled` (its answer is none).
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class CheckerAway(RuntimeError):
    """Nobody answers: no file was looked at. To be tried again, as often as it takes."""


def inspect(content: bytes, media_type: str) -> Inspection:
    """What the checker says of the file. One that spent its budget of time, memory or words is refused.

    Raises ChildFailed, CheckerAway.
    """
    try:
        answer = client.ask(settings.DMP_CHECKER_SOCKET, media_type, content, at_most=MOST_TOLD)
    except client.Unreachable:
        raise CheckerAway from None
    except client.Lost:
        raise ChildFailed("checks.killed") from None
    ending = answer.ending
    if len(answer.output) > MOST_TOLD or ending.out_of_time or ending.out_of_memory:
        return Inspection("checks.exhausted", 0, 0, ())
    if failure := _failure(ending):
        raise ChildFailed(failure)
    try:
        inspection = understood(answer.output)
        _refuse_what_no_child_says(inspection)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ChildFailed("checks.garbled") from None
    return inspection


def _failure(ending: Ending) -> str:
    if ending.unconfined:
        return "checks.unconfined"
    if ending.stalled:
        return "checks.stalled"
    if ending.killed_by in (9, 15):
        return "checks.killed"
    return "checks.crashed" if ending.killed_by or ending.status else ""


def _refuse_what_no_child_says(inspection: Inspection) -> None:
    """A child that a file has taken over may say anything: a script, a page too many, another kind of file.

    Raises ValueError.
    """
    parts = dict(inspection.parts)
    _expect(0 <= inspection.page_count <= MOST_PAGES)
    if inspection.refusal:
        _expect(REFUSAL.fullmatch(inspection.refusal) and not parts)
        return
    pages = [f"page/{number}" for number in range(1, inspection.page_count + 1)]
    _expect(pages or "narrative" in parts)
    _expect(inspection.page_count <= inspection.pages_in_all)
    _expect(
        [name for name, _ in inspection.parts if name != "narrative"] == (["texts", *pages] if pages else [])
    )
    _expect(all(parts[page].startswith(IMAGES) for page in pages))
    if pages:
        _expect(len(parts["texts"]) <= MOST_WORDS)
        words = json.loads(parts["texts"])
        _expect(isinstance(words, list) and len(words) == len(pages))
        _expect(all(isinstance(of_a_page, str) for of_a_page in words))
    narrative = parts.get("narrative", b"").decode()
    _expect(inert_html.is_inert(narrative))


def _expect(true: object) -> None:
    if not true:
        raise ValueError
