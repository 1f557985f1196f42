"""Writing in the journal what an act takes away, within the act's own transaction."""

import json
from datetime import datetime
from uuid import uuid4

import structlog
from django.db import connection, transaction

from . import doors
from .journal import Journal, Origin, Unwritable, journal

log = structlog.get_logger(__name__)

WRITTEN_AT_ONCE = 200


class OutsideATransaction(RuntimeError):
    """A line must share the fate of the act it tells of."""


def take_away(kind: str, *, at: datetime, **what: object) -> None:
    """Write a line, then its number beside the act: identifiers and ends only.

    The line is on the disk before the act commits: if the act does not, the line is replayed. A journal that
    cannot be written does not keep what the holder decided from being done: the line waits in the database.
    """
    if not connection.in_atomic_block:
        raise OutsideATransaction(kind)
    payload = {"kind": kind, "what": {name: _said(value) for name, value in what.items()}}
    with connection.cursor() as cursor:
        origin, last = _origin(cursor)
        try:
            number = _append(journal(), payload, at=at, origin=origin, after=last)
        except Unwritable:
            log.error("journal unwritable", kind=kind)
            cursor.execute(
                "INSERT INTO revocation_line (id, number, at, payload)"
                " VALUES (%s::uuid, NULL, %s::timestamptz, jsonb_build_object('kind', %s::text, 'what',"
                " jsonb_object(%s::text[], %s::text[])))",
                [uuid4(), at, kind, list(payload["what"]), list(payload["what"].values())],
            )
            return
        _settle(cursor, number, at)


def settle(number: int, *, at: datetime) -> None:
    """Say, in the transaction that replays it, that the act of this line is in the database."""
    with connection.cursor() as cursor:
        _settle(cursor, number, at)


def refuse_unless_writable() -> None:
    """Before giving something that one may have to take back. Raises Unwritable."""
    journal().refuse_unless_writable()


def last_settled() -> int:
    """The greatest number committed in this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(number) FROM revocation_line")
        return cursor.fetchone()[0] or 0


def unwritten() -> int:
    """How many lines wait for the journal to be writable again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM revocation_line WHERE number IS NULL")
        return cursor.fetchone()[0]


def write_what_waits() -> int:
    """Write the lines that could not be; how many. Raises Unwritable when they still cannot."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, at, payload FROM revocation_line WHERE number IS NULL"
            " ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED",
            [WRITTEN_AT_ONCE],
        )
        waiting = cursor.fetchall()
        for line_id, at, payload in waiting:
            origin, last = _origin(cursor)
            number = _append(journal(), _loaded(payload), at=at, origin=origin, after=last)
            cursor.execute(
                "UPDATE revocation_line SET number = %s, payload = NULL WHERE id = %s", [number, line_id]
            )
    return len(waiting)


def _append(where: Journal, payload: dict, *, at: datetime, origin: Origin, after: int) -> int:
    return where.append(payload["kind"], payload["what"], at=at, origin=origin, after=after)


def _settle(cursor, number: int, at: datetime) -> None:
    cursor.execute(
        "INSERT INTO revocation_line (id, number, at) VALUES (%s::uuid, %s::bigint, %s::timestamptz)"
        " ON CONFLICT DO NOTHING",
        [uuid4(), number, at],
    )


def _origin(cursor) -> tuple[Origin, int]:
    """The database and the transaction we are in, and the last number committed here."""
    database = doors.identity()
    cursor.execute("SELECT pg_current_xact_id()::text, (SELECT max(number) FROM revocation_line)")
    transaction_id, last = cursor.fetchone()
    return Origin(database.system, database.timeline, database.database, transaction_id), last or 0


def _loaded(payload: object) -> dict:
    return json.loads(payload) if isinstance(payload, str) else payload


def _said(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
