"""Wrapping again, under the newest KEK, what was wrapped under an older one: so that an old version can die.

Everything that is wrapped lies in `vault_subjectkey`, and in the columns that other packages announce here.
Run as the owner of the tables: no login of the running system may change a wrapped key. Stopped anywhere, it
goes on where it stopped; beside it, the service goes on reading and making keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from . import subjects
from .keyfile import KeyName
from .providers import CannotUnwrap, WrapContext, provider

ROWS_AT_ONCE = 1000
# Every process has noticed a new version, and finished what it had begun under the former one.
NOTICED_AFTER = timedelta(minutes=10)


class StillInUse(Exception):
    """Keys are wrapped under this version."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class CannotRetire(Exception):
    """This version is the one in use, was never registered, or the newest has served too short a time."""


@dataclass(frozen=True, slots=True)
class EphemeralColumn:
    """A column of keys wrapped beside what they seal (`subjects.wrap_ephemeral`), one for each row."""

    table: str
    row_id: str
    column: str


_ephemeral: list[EphemeralColumn] = []


def announce(column: EphemeralColumn) -> None:
    """Have the keys of this column counted, and wrapped again, with the others."""
    if column not in _ephemeral:
        _ephemeral.append(column)


def rewrap(connection: BaseDatabaseWrapper) -> Iterator[int]:
    """Wrap again batch by batch, each in a transaction of its own; yields how many keys each batch held.

    A row that somebody else holds is met again at the next batch. What cannot be unwrapped is left as it is
    and counted by `in_use`: a key that was altered keeps its version alive until somebody has looked.
    """
    yield from _rewrap_subjects(connection)
    for column in _ephemeral:
        yield from _rewrap_ephemeral(connection, column)


def in_use(connection: BaseDatabaseWrapper) -> dict[int, int]:
    """How many keys are wrapped under each version of the KEK."""
    counted: dict[int, int] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT kek_version, count(*) FROM vault_subjectkey GROUP BY kek_version")
        rows = cursor.fetchall()
        for each in _ephemeral:
            cursor.execute(
                f"SELECT {_version_of(each.column)}, count(*) FROM {each.table} GROUP BY 1"  # noqa: S608
            )
            rows += cursor.fetchall()
    for version, count in rows:
        counted[version] = counted.get(version, 0) + count
    return counted


def retire(connection: BaseDatabaseWrapper, version: int, *, after: timedelta = NOTICED_AFTER) -> None:
    """Let the key file lose this version, once a newer one has served for so long. Raises StillInUse or
    CannotRetire."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(bool_or(version = %s), false), coalesce(bool_or(version > %s"
            " AND coalesce(registered_at, '-infinity') <= statement_timestamp() - %s::interval), false)"
            " FROM vault_kekcheck WHERE name = %s",
            [version, version, after, KeyName.KEK.value],
        )
        known, replaced = cursor.fetchone()
        if not known or not replaced:
            raise CannotRetire(version)
        # Nobody makes a key while it is counted.
        cursor.execute("LOCK TABLE vault_subjectkey IN SHARE MODE")
        if count := in_use(connection).get(version, 0):
            raise StillInUse(count)
        cursor.execute(
            "UPDATE vault_kekcheck SET retired_at = statement_timestamp()"
            " WHERE name = %s AND version = %s AND retired_at IS NULL",
            [KeyName.KEK.value, version],
        )


def _rewrap_subjects(connection: BaseDatabaseWrapper) -> Iterator[int]:
    after = UUID(int=0)
    while True:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(
                "SELECT subject_id, kind, version, kek_version, wrapped FROM vault_subjectkey"
                " WHERE kek_version < %s AND subject_id > %s ORDER BY subject_id LIMIT %s"
                " FOR UPDATE SKIP LOCKED",
                [_newest(connection), after, ROWS_AT_ONCE],
            )
            rows = cursor.fetchall()
            if not rows:
                return
            done = 0
            for subject_id, kind, version, kek_version, wrapped in rows:
                context = WrapContext(kind, subject_id, version)
                if (again := _again(context, kek_version, bytes(wrapped))) is not None:
                    cursor.execute(
                        "UPDATE vault_subjectkey SET kek_version = %s, wrapped = %s WHERE subject_id = %s",
                        [*again, subject_id],
                    )
                    done += 1
            after = rows[-1][0]
        yield done


def _rewrap_ephemeral(connection: BaseDatabaseWrapper, each: EphemeralColumn) -> Iterator[int]:
    after = UUID(int=0)
    while True:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {each.row_id}, {each.column} FROM {each.table}"  # noqa: S608  names of ours
                f" WHERE {_version_of(each.column)} < %s AND {each.row_id} > %s"
                f" ORDER BY {each.row_id} LIMIT %s FOR UPDATE SKIP LOCKED",
                [_newest(connection), after, ROWS_AT_ONCE],
            )
            rows = cursor.fetchall()
            if not rows:
                return
            done = 0
            for row_id, wrapped in rows:
                kek_version, sealed = subjects.split_ephemeral(bytes(wrapped))
                context = WrapContext(subjects.EPHEMERAL, row_id, 1)
                if (again := _again(context, kek_version, sealed)) is not None:
                    cursor.execute(
                        f"UPDATE {each.table} SET {each.column} = %s WHERE {each.row_id} = %s",  # noqa: S608
                        [subjects.join_ephemeral(*again), row_id],
                    )
                    done += 1
            after = rows[-1][0]
        yield done


def _again(context: WrapContext, kek_version: int, wrapped: bytes) -> tuple[int, bytes] | None:
    keys = provider()
    try:
        return keys.wrap(keys.unwrap(wrapped, context, kek_version), context)
    except CannotUnwrap:
        return None


def _newest(connection: BaseDatabaseWrapper) -> int:
    """The newest version that is registered and in the key file."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT version FROM vault_kekcheck WHERE name = %s AND retired_at IS NULL", [KeyName.KEK.value]
        )
        registered = {version for (version,) in cursor.fetchall()}
    return max(registered & set(provider().versions(KeyName.KEK)))


def _version_of(column: str) -> str:
    """The first four bytes, big-endian, of a key wrapped beside what it seals."""
    return "(" + " | ".join(f"(get_byte({column}, {n})::bigint << {8 * (3 - n)})" for n in range(4)) + ")"
