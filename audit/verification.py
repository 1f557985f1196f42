"""Whether the ledger is as it was written, and if not, where.

    GAP      positions are missing between two entries
    DELETED  the last entries of a chain are missing, or all of them
    LINK     an entry is not bound to the one before it
    HASH     an entry's hash is not that of what stands in it
    BODY     what is sealed is not what was committed to, or no longer unseals
    HEAD     the head of a chain is not where its entries end

Somebody who may write anywhere in the database, but has no key, is found whatever they change in an entry,
even after making every hash anew: the commitment is salted, and the salt is sealed. A chain of which the end
is cut together with its head is found only by comparing with what was kept elsewhere.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from vault import subjects
from vault.keyring import Keyring, Unsealable
from vault.subjects import Wrapped

from . import events

ROWS_AT_ONCE = 2000


class Fault(StrEnum):
    GAP = "GAP"
    DELETED = "DELETED"
    LINK = "LINK"
    HASH = "HASH"
    BODY = "BODY"
    HEAD = "HEAD"


@dataclass(frozen=True, slots=True)
class Finding:
    """One alteration. `position` is the first concerned when there are several in a row."""

    fault: Fault
    chain: UUID
    position: int
    says: str

    def __str__(self) -> str:
        return f"{self.fault} chain={self.chain} position={self.position}: {self.says}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger as the database keeps it."""

    chain: UUID
    position: int
    at: datetime
    facets: tuple[str, ...]
    body: bytes
    commitment: bytes
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The head of a chain as the database keeps it."""

    position: int
    previous: bytes
    hash: bytes


@dataclass(slots=True)
class Verification:
    """What was looked at, and what was found."""

    chains: int = 0
    entries: int = 0
    findings: int = 0

    def of_chain(
        self, chain: UUID, entries: Iterable[Entry], head: End | None, unseal: Callable[[bytes], bytes]
    ) -> Iterator[Finding]:
        """Each alteration of one chain, in order. `unseal` raises Unsealable."""
        self.chains += 1
        expected, before, last = 1, events.genesis(chain), None
        for entry in entries:
            self.entries += 1
            if entry.position != expected:
                yield self._found(Fault.GAP, chain, expected, f"nothing until position {entry.position}")
            elif entry.previous != before:
                yield self._found(Fault.LINK, chain, entry.position, "not bound to the entry before it")
            yield from self._of_entry(entry, unseal)
            expected, before, last = entry.position + 1, entry.hash, entry
        yield from self._of_end(chain, last, head)

    def _of_entry(self, entry: Entry, unseal: Callable[[bytes], bytes]) -> Iterator[Finding]:
        chain, position = entry.chain, entry.position
        clear = events.facets(entry.at, *entry.facets)
        if events.entry_hash(entry.previous, position, chain, clear, entry.commitment) != entry.hash:
            yield self._found(Fault.HASH, chain, position, "its hash is not that of what stands in it")
        try:
            if events.commitment(chain, clear, unseal(entry.body)) != entry.commitment:
                yield self._found(Fault.BODY, chain, position, "it does not say what was committed to")
        except Unsealable:
            yield self._found(Fault.BODY, chain, position, "its body does not unseal")

    def _of_end(self, chain: UUID, last: Entry | None, head: End | None) -> Iterator[Finding]:
        position, reached = (last.position, last.hash) if last else (0, events.genesis(chain))
        if head is None:
            yield self._found(Fault.HEAD, chain, position, "the head of the chain is missing")
        elif head.position > position and head.hash != reached:
            yield self._found(Fault.DELETED, chain, position + 1, f"nothing until the head, {head.position}")
        elif (head.position, head.hash) != (position, reached) or (last and head.previous != last.previous):
            yield self._found(Fault.HEAD, chain, position, f"the head says position {head.position}")

    def _found(self, fault: Fault, chain: UUID, position: int, says: str) -> Finding:
        self.findings += 1
        return Finding(fault, chain, position, says)

    def of_ledger(self, *, chain: UUID | None = None, using: str = "owner") -> Iterator[Finding]:
        """Each alteration of the whole ledger, or of one chain, as one instant of the database shows it.

        `using` is a connection that row-level security does not limit. Memory does not grow with the ledger.
        """
        connection = connections[using]
        with transaction.atomic(using=using), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            entries = groupby(_entries(connection, chain), key=lambda entry: entry.chain)
            house = _keyrings(connection, subjects.SYSTEM_SUBJECT)
            for found, written, head in _side_by_side(entries, _heads(connection, chain)):
                unseal = _unsealing(found, _keyrings(connection, found) + house)
                yield from self.of_chain(found, written, head, unseal)


def _side_by_side(
    entries: Iterable[tuple[UUID, Iterable[Entry]]], heads: Iterable[tuple[UUID, End]]
) -> Iterator[tuple[UUID, Iterable[Entry], End | None]]:
    """Chains with their head, chains without one, heads without a chain: both come in order of chain."""
    waiting = iter(heads)
    head = next(waiting, None)
    for chain, written in entries:
        while head and head[0] < chain:
            yield head[0], (), head[1]
            head = next(waiting, None)
        if head and head[0] == chain:
            yield chain, written, head[1]
            head = next(waiting, None)
        else:
            yield chain, written, None
    while head:
        yield head[0], (), head[1]
        head = next(waiting, None)


def _unsealing(chain: UUID, keyrings: Iterable[Keyring]) -> Callable[[bytes], bytes]:
    """How the bodies of a chain are read: under the key of its subject, else under the house's."""

    def unseal(body: bytes) -> bytes:
        for keyring in keyrings:
            with suppress(Unsealable):
                return keyring.unseal_trail(chain, body)
        raise Unsealable

    return unseal


def _keyrings(connection: BaseDatabaseWrapper, subject_id: UUID) -> list[Keyring]:
    """The keyring of a subject; none when its key is missing, or was altered."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, version, kek_version, wrapped FROM vault_subjectkey WHERE subject_id = %s",
            [subject_id],
        )
        rows = cursor.fetchall()
    with suppress(Unsealable):
        return [subjects.unwrap(subject_id, Wrapped(*row)) for row in rows]
    return []


def _entries(connection: BaseDatabaseWrapper, chain: UUID | None) -> Iterator[Entry]:
    rows = _streamed(
        connection,
        "ledger_entries",
        "SELECT chain, position, at, kind, channel, capacity, profession, document_class, structure,"
        " body, commitment, previous, hash FROM audit_event",
        "ORDER BY chain, position",
        chain,
    )
    for found, position, at, *facets, body, committed, previous, hashed in rows:
        yield Entry(found, position, at, tuple(facets), body, committed, previous, hashed)


def _heads(connection: BaseDatabaseWrapper, chain: UUID | None) -> Iterator[tuple[UUID, End]]:
    columns = "SELECT chain, position, previous, hash FROM audit_head"
    for found, position, previous, hashed in _streamed(
        connection, "ledger_heads", columns, "ORDER BY chain", chain
    ):
        yield found, End(position, previous, hashed)


def _streamed(
    connection: BaseDatabaseWrapper, name: str, select: str, order: str, chain: UUID | None
) -> Iterator[Any]:
    """The rows of a statement, a few thousand at a time, from a cursor of the server."""
    where, values = (" WHERE chain = %s ", [chain]) if chain else (" ", [])
    with connection.connection.cursor(name=name) as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(select + where + order, values)
        yield from cursor
