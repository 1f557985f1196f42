"""Whether this database is the one that wrote last, as far as it had come. If not, nobody is let in.

A database that was restored gives back what had been taken away since. It is recognised by what is kept
outside it: another system, another database, a time line that forked before what was seen, a log that went
back, a line of the journal that it does not have. The doors then stay shut, in every process, until
`after_restore`.

Asked at each new connection of the application and, since some last for days, every two seconds by each
process on a connection of its own: no page ever pays for it.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from threading import Lock
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from .journal import Line, Reached, Unwritable, journal

log = structlog.get_logger(__name__)

ASKED_EVERY_SECONDS = 2.0


class Shut(StrEnum):
    """Why nobody is let in."""

    ANOTHER_DATABASE = "another database than the one that wrote last"
    UNKNOWN_TIMELINE = "a time line that left before what was written last"
    WENT_BACK = "the database is not as far as it was"
    JOURNAL_AHEAD = "the journal has lines that the database lost"


class DoorsShut(OperationalError):
    """This database may give back what was taken away: it serves nobody until `manage.py after_restore`."""


@dataclass(slots=True)
class _Known:
    """What this process knows; replaced whole at each asking."""

    shut: Shut | None = None
    database: Reached | None = None
    asked_at: float = float("-inf")
    folder: str = ""
    stamp: tuple[str, int] | None = None
    settled: int = 0  # every line up to this number is in the database
    unsettled: tuple[Line, ...] = field(default_factory=tuple)


_known = _Known()
_asking = Lock()
_left_open = False


def shut_because() -> Shut | None:
    """Why the doors are shut, None when they are open. Costs a look at a clock, and now and then a statement.

    Raises OperationalError when the database does not answer.
    """
    if time.monotonic() - _known.asked_at > ASKED_EVERY_SECONDS and _asking.acquire(blocking=False):
        try:
            _known.asked_at = time.monotonic()  # a database that does not answer is not asked by every page
            with _own.cursor() as cursor:
                _look(cursor)
        except psycopg.Error as fault:
            _own.leave()
            raise OperationalError from fault
        finally:
            _asking.release()
    return _known.shut


def refuse_when_shut() -> None:
    """Raises DoorsShut."""
    if reason := shut_because():
        raise DoorsShut(reason)


def identity() -> Reached:
    """The database that this process is connected to."""
    if _known.database is not None:
        return _known.database
    with connection.cursor() as cursor:
        database = _described(cursor)
    if database is None:
        raise DoorsShut("a standby writes nothing")
    return database


def lost() -> tuple[Line, ...]:
    """The lines of the journal that are not in the database, but those whose act is still going on."""
    with connection.cursor() as cursor:
        return tuple(line for line, fate in _unsettled(cursor, journal().lines()) if fate != "in progress")


def not_committed() -> tuple[Line, ...]:
    """The lines whose act was rolled back, or died with its process, in a database that lost nothing."""
    if _known.shut:
        return ()
    with connection.cursor() as cursor:
        lines = journal().lines(after=_known.settled)
        return tuple(line for line, fate in _unsettled(cursor, lines) if fate == "aborted")


def accept() -> Reached:
    """From now on this database is the one that wrote last. Raises Unwritable."""
    with connection.cursor() as cursor:
        database = _described(cursor)
    assert database is not None
    journal().reach(database)
    forget()
    return database


class left_open:  # noqa: N801  reads as a sentence: `with left_open():`
    """For the length of a block, this process works behind shut doors: it is the one that mends."""

    def __enter__(self) -> None:
        global _left_open
        _left_open = True

    def __exit__(self, *_: object) -> None:
        global _left_open
        _left_open = False
        forget()


def refuse_a_database_that_went_back(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """At each new connection of the application. Closes it and raises DoorsShut."""
    if connection.alias != "default" or connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        _look(cursor)
    if _known.shut and not _left_open:
        connection.close()
        raise DoorsShut(_known.shut)


def forget() -> None:
    """Ask everything anew, as a process that begins."""
    global _known
    _own.leave()
    _known = _Known()


class _Own:
    """The connection on which this process asks: not that of a request, whose transaction it would be in."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._place: tuple[object, ...] = ()
        self._inherited: list[psycopg.Connection[Any]] = []

    def cursor(self) -> psycopg.Cursor[Any]:
        """Raises psycopg.Error."""
        described = connection.settings_dict
        place = (os.getpid(), *(described.get(part) for part in ("HOST", "PORT", "NAME", "USER")))
        if self._connection is None or self._connection.closed or place != self._place:
            self.leave()
            options = connection.get_connection_params() | {"connect_timeout": 2, "autocommit": True}
            self._connection, self._place = psycopg.connect(**options), place
        return self._connection.cursor()

    def leave(self) -> None:
        if self._connection is not None and self._place[0] == os.getpid():
            self._connection.close()
        elif self._connection is not None:  # our parent's: closing it would end the parent's conversation
            self._inherited.append(self._connection)
        self._connection = None


_own = _Own()


def _look(cursor: Any) -> None:
    global _known
    folder = str(settings.DMP_JOURNAL)
    before = _known if _known.folder == folder else _Known(folder=folder)
    # Read before the database is asked: others go on writing how far it has come, and what is asked for first
    # would seem to have gone back.
    reached = journal().reached()
    database = _described(cursor)
    if database is None:  # a standby, or a database that `prepare` has not made yet
        _known = replace(before, shut=None, database=None, asked_at=time.monotonic())
        return
    if before.database is None or not before.database.is_of(database):
        before = _Known(folder=folder)
    after = _compared(cursor, database, before, reached)
    if after.shut and after.shut != before.shut:
        log.error("doors shut", code=after.shut.name.lower())
    _known = after


def _compared(cursor: Any, database: Reached, before: _Known, reached: Reached | None) -> _Known:
    kept = journal()
    after = replace(before, database=database, asked_at=time.monotonic(), shut=None)
    stamp = kept.stamp()
    if stamp != before.stamp or before.unsettled or before.shut:
        _compare_lines(cursor, after)
        after.stamp = stamp
    reached = reached or _reached_by(kept.lines(after=max(kept.last() - 1, 0)))
    after.shut = after.shut or _elsewhere(cursor, database, reached)
    if after.shut is None and database != reached:
        try:
            kept.reach(database)
        except Unwritable:
            log.error("journal unwritable", code="database")
    return after


def _compare_lines(cursor: Any, after: _Known) -> None:
    found = _unsettled(cursor, journal().lines(after=after.settled))
    after.unsettled = tuple(line for line, _ in found)
    if any(fate not in ("aborted", "in progress") for _, fate in found):
        after.shut = Shut.JOURNAL_AHEAD
    after.settled = after.unsettled[0].number - 1 if found else journal().last()


def _unsettled(cursor: Any, lines: Iterable[Line]) -> list[tuple[Line, str]]:
    """The lines that are not in the database, and what became of the transaction of each."""
    wanted = {line.number: line for line in lines}
    missing = wanted.keys() - _settled(cursor, wanted)
    if not missing:
        return []
    database = _described(cursor)
    fates = {number: _fate(cursor, wanted[number], database) for number in missing}
    # One that committed between the two questions is there when it is asked for again.
    missing -= _settled(cursor, missing)
    return [(wanted[number], fates[number]) for number in sorted(missing)]


def _settled(cursor: Any, numbers: Iterable[int]) -> set[int]:
    cursor.execute("SELECT number FROM revocation_line WHERE number = ANY(%s::bigint[])", [list(numbers)])
    return {number for (number,) in cursor.fetchall()}


def _fate(cursor: Any, line: Line, database: Reached | None) -> str:
    if database is None or (line.origin.system, line.origin.database) != (database.system, database.database):
        return "elsewhere"
    cursor.execute("SELECT revocation_fate(%s::xid8)", [line.origin.transaction])
    return str(cursor.fetchone()[0])


def _described(cursor: Any) -> Reached | None:
    """What this database is and how far it has come. None on a standby, or before `prepare`."""
    cursor.execute("SELECT to_regprocedure('public.revocation_described()') IS NOT NULL")
    if not cursor.fetchone()[0]:
        return None
    cursor.execute("SELECT system, timeline, database, wal FROM revocation_described()")
    system, *others = cursor.fetchone()
    return Reached(system, *others) if system else None


def _reached_by(lines: Iterable[Line]) -> Reached | None:
    """What the last line says of the database that wrote it: how far it had come is not known."""
    for line in lines:
        return Reached(line.origin.system, line.origin.timeline, line.origin.database, 0)
    return None


def _elsewhere(cursor: Any, database: Reached, reached: Reached | None) -> Shut | None:
    """Whether this is another database than the one that wrote last, or the same one, earlier."""
    if reached is None:
        return None
    if (reached.system, reached.database) != (database.system, database.database):
        return Shut.ANOTHER_DATABASE
    if reached.timeline == database.timeline:
        return Shut.WENT_BACK if database.wal < reached.wal else None
    left_at = _fork(cursor, reached.timeline, database.timeline)
    # A promotion that lost nothing: it left the time line where that one had ended, or later.
    return None if left_at is not None and left_at >= reached.wal else Shut.UNKNOWN_TIMELINE


def _fork(cursor: Any, ancestor: int, timeline: int) -> int | None:
    """Where the present time line left this one, in bytes. None when it never was on it."""
    cursor.execute("SELECT to_regprocedure('public.dmp_timeline_history(bigint)') IS NOT NULL")
    if not cursor.fetchone()[0]:  # made by `prepare` as a superuser, which some hosts do not give
        return None
    cursor.execute("SELECT dmp_timeline_history(%s::bigint)", [timeline])
    history = cursor.fetchone()[0] or ""
    for line in history.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == str(ancestor):
            high, _, low = words[1].partition("/")
            return (int(high, 16) << 32) + int(low, 16)
    return None
