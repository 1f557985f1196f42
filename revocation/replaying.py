"""Doing again what the journal says was taken away and the database does not have."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import structlog

from . import acts, doors, journalling
from .journal import Line, journal

log = structlog.get_logger(__name__)


class LinesMissing(Exception):
    """The journal begins after what this database has: what was taken away in between is not known."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__(first, last)
        self.first, self.last = first, last


class NoReplay(LookupError):
    """The journal has a kind of act that this release does not know."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What was done again, and what was ended."""

    replayed: int
    ended: int


def after_restore(*, at: datetime, although_lines_are_missing: bool = False) -> Mended:
    """Replay what was lost, end every visit and token, and make this database the one that counts.

    May be run again, or interrupted. Raises LinesMissing, NoReplay, Unwritable.
    """
    with doors.left_open():
        if not although_lines_are_missing:
            _refuse_a_hole()
        lost = doors.lost()
        for line in lost:
            replay(line)
        ended = sum(ending(at) for ending in acts.endings())
        doors.accept()
    return Mended(len(lost), ended)


def replay_what_did_not_commit() -> int:
    """The holder asked, the line was written, and the process died or failed before the act was kept: it is
    done now. How many."""
    lines = doors.not_committed()
    for line in lines:
        replay(line)
    return len(lines)


def replay(line: Line) -> None:
    """Raises NoReplay."""
    again = acts.replay_of(line.kind)
    if again is None:
        raise NoReplay(line.kind)
    again(line)
    log.warning("act replayed", kind=line.kind, count=line.number)


def _refuse_a_hole() -> None:
    """Numbers follow each other: a backup older than the oldest line kept cannot be mended by replaying."""
    have = journalling.last_settled()
    missing = [line.number for line in journal().lines(after=have)]
    if missing and missing[0] > have + 1:
        raise LinesMissing(have + 1, missing[0] - 1)
    for number, following in pairwise(missing):
        if following != number + 1:
            raise LinesMissing(number + 1, following - 1)
