"""Every row that decides a right: whether it is as it was written, and bound once for all when it is older.

A row written before there were bindings has none, and is believed by nobody until it is bound. That is done
once, when the tables are brought up to date; whoever empties `facts_mac` afterwards gains nothing by it.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from . import binding, subjects
from .binding import Binding
from .keyring import Keyring, Unsealable
from .subjects import Wrapped

ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Altered:
    """A row that does not hold: changed, or put there, by somebody without the key of its subject."""

    table: str
    row: str
    says: str

    def __str__(self) -> str:
        return f"ALTERED table={self.table} row={self.row}: {self.says}"


@dataclass(slots=True)
class RowVerification:
    """What was looked at. Memory does not grow with the tables."""

    rows: int = 0
    altered: int = 0

    def of_all(self, *, using: str = "owner") -> Iterator[Altered]:
        """Each row that does not hold, as one instant of the database shows it."""
        connection = connections[using]
        with transaction.atomic(using=using), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for bound in binding.declared():
                yield from self._of(connection, bound)

    def _of(self, connection: BaseDatabaseWrapper, bound: Binding) -> Iterator[Altered]:
        for batch in _batches(connection, bound):
            keyrings = _keyrings(connection, {subject for _, subject, _, _ in batch})
            for key, subject, mac, facts in batch:
                self.rows += 1
                if subject not in keyrings:
                    yield self._found(bound, key, "the key of its subject is missing, or was altered")
                elif mac is None:
                    yield self._found(bound, key, "nothing binds it to its row")
                elif not bound.agrees(keyrings[subject], mac, key, *facts):
                    yield self._found(bound, key, "what decides in it is not what was written")

    def _found(self, bound: Binding, key: Any, says: str) -> Altered:
        self.altered += 1
        return Altered(bound.table, key.hex() if isinstance(key, bytes) else str(key), says)


def unbound(*, using: str = "owner") -> dict[str, int]:
    """How many rows nothing binds, by table; those that have none are left out."""
    found = {}
    with connections[using].cursor() as cursor:
        for bound in binding.declared():
            cursor.execute(f"SELECT count(*) FROM {bound.table} WHERE facts_mac IS NULL")  # noqa: S608
            if count := cursor.fetchone()[0]:
                found[bound.table] = count
    return found


def bind_all(*, using: str = "owner") -> int:
    """Bind every row that nothing binds, a thousand at a time, each thousand committed: how many.

    May be stopped and begun again. A row whose subject has no key stays as it is.
    """
    return sum(_bind(connections[using], bound) for bound in binding.declared())


def _bind(connection: BaseDatabaseWrapper, bound: Binding) -> int:
    count, after = 0, None
    while True:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            where = "WHERE facts_mac IS NULL" + (f" AND {bound.key} > %s" if after is not None else "")
            cursor.execute(
                f"{_select(bound)} {where} ORDER BY {bound.key} LIMIT {ROWS_AT_ONCE} FOR UPDATE",
                [after] if after is not None else [],
            )
            rows = [_row(bound, values) for values in cursor.fetchall()]
            if not rows:
                return count
            keyrings = _keyrings(connection, {subject for _, subject, _, _ in rows})
            made = [
                (bound.mac(keyrings[subject], key, *facts), key)
                for key, subject, _, facts in rows
                if subject in keyrings
            ]
            cursor.executemany(
                f"UPDATE {bound.table} SET facts_mac = %s WHERE {bound.key} = %s",  # noqa: S608
                made,
            )
            count, after = count + len(made), rows[-1][0]


Row = tuple[Any, UUID, bytes | None, list[Any]]


def _select(bound: Binding) -> str:
    columns = ", ".join(f'"{name}"' for name in bound.columns)
    return f"SELECT {bound.key}, {bound.subject or 'NULL'}, facts_mac, {columns} FROM {bound.table}"  # noqa: S608


def _row(bound: Binding, values: tuple[Any, ...]) -> Row:
    key, subject, mac, *facts = values
    key = bytes(key) if isinstance(key, memoryview) else key
    return key, subject or subjects.SYSTEM_SUBJECT, mac, binding.raw(bound, facts)


def _batches(connection: BaseDatabaseWrapper, bound: Binding) -> Iterator[list[Row]]:
    with connection.connection.cursor(name=f"rows_of_{bound.table}") as cursor:
        cursor.execute(f"{_select(bound)} ORDER BY {bound.key}")
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield [_row(bound, values) for values in rows]


def _keyrings(connection: BaseDatabaseWrapper, subject_ids: Iterable[UUID]) -> dict[UUID, Keyring]:
    """The keyrings of these subjects, in one statement; none for whose key is missing or was altered."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject_id, kind, version, kek_version, wrapped FROM vault_subjectkey"
            " WHERE subject_id = ANY(%s)",
            [list(subject_ids)],
        )
        rows = cursor.fetchall()
    found = {}
    for subject_id, *wrapped in rows:
        with suppress(Unsealable):
            found[subject_id] = subjects.unwrap(subject_id, Wrapped(*wrapped))
    return found


__all__ = ["Altered", "RowVerification", "bind_all", "unbound"]
