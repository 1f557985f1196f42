"""Whether the ledger is as it was written, and if not, where.

    GAP       positions are missing between two entries
    DELETED   the last entries of a chain are missing, or all of them
    LINK      an entry is not bound to the one before it
    HASH      an entry's hash is not that of what stands in it
    BODY      what is sealed is not what was committed to there, or no longer unseals
    INSTANT   an entry says an instant before that of the entry before it
    REPLAYED  an entry of the earlier form stands at two positions of its chain
    HEAD      the head of a chain is not where its entries end
    CUT       a chain ends before the place where the last verification signed that it ended
    REWRITTEN an entry is not the one that the last verification signed

Somebody who may write anywhere in the database, but has no key, is found whatever they change in an entry,
even after making every hash anew: the commitment is salted, and the salt is sealed. A chain of which the end
is cut together with its head is found by comparing with `audit.heads`, kept elsewhere.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from vault import subjects
from vault.keyring import Keyring, Unsealable
from vault.subjects import Wrapped

from . import events, form_1
from .entries import AT, COLUMNS, Entry
from .events import Unreadable
from .heads import SignedEnd

ROWS_AT_ONCE = 2000


class Fault(StrEnum):
    GAP = "GAP"
    DELETED = "DELETED"
    LINK = "LINK"
    HASH = "HASH"
    BODY = "BODY"
    INSTANT = "INSTANT"
    REPLAYED = "REPLAYED"
    HEAD = "HEAD"
    CUT = "CUT"
    REWRITTEN = "REWRITTEN"


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
class End:
    """The head of a chain as the database keeps it; `at` in microseconds, None in the earlier form."""

    position: int
    at: int | None
    previous: bytes
    hash: bytes


@dataclass(slots=True)
class Verification:
    """What was looked at, and what was found.

    `signed` is where chains ended at the last verification, in order of chain; `reached` is called with each
    chain that has entries, its last position and hash, in the same order.
    """

    signed: Iterable[tuple[UUID, SignedEnd]] = ()
    reached: Callable[[UUID, int, bytes], object] | None = None
    chains: int = 0
    entries: int = 0
    findings: int = 0

    def of_chain(
        self,
        chain: UUID,
        entries: Iterable[Entry],
        head: End | None,
        unseal: Callable[[bytes], bytes],
        signed: SignedEnd | None = None,
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
            if last and _goes_back(last, entry):
                yield self._found(Fault.INSTANT, chain, entry.position, "before the entry before it")
            if signed and entry.position == signed.position and entry.hash != signed.hash:
                yield self._found(Fault.REWRITTEN, chain, entry.position, "not the entry that was signed")
            expected, before, last = entry.position + 1, entry.hash, entry
        yield from self._of_end(chain, last, head)
        if signed and signed.position >= expected:
            yield self._found(Fault.CUT, chain, expected, f"it was signed until position {signed.position}")
        if last and self.reached:
            self.reached(chain, last.position, last.hash)

    def _of_entry(self, entry: Entry, unseal: Callable[[bytes], bytes]) -> Iterator[Finding]:
        chain, position = entry.chain, entry.position
        if not entry.is_hashed():
            yield self._found(Fault.HASH, chain, position, "its hash is not that of what stands in it")
        try:
            entry.read(unseal(entry.body))
        except Unsealable:
            yield self._found(Fault.BODY, chain, position, "its body does not unseal")
        except Unreadable:
            yield self._found(Fault.BODY, chain, position, "it does not say what was committed to here")

    def _of_end(self, chain: UUID, last: Entry | None, head: End | None) -> Iterator[Finding]:
        position, reached = (last.position, last.hash) if last else (0, events.genesis(chain))
        if head is None and last is None:
            return  # nothing is left of it: what was signed says the rest
        if head is None:
            yield self._found(Fault.HEAD, chain, position, "the head of the chain is missing")
        elif head.position > position and head.hash != reached:
            yield self._found(Fault.DELETED, chain, position + 1, f"nothing until the head, {head.position}")
        elif (head.position, head.hash) != (position, reached) or (last and head.previous != last.previous):
            yield self._found(Fault.HEAD, chain, position, f"the head says position {head.position}")
        elif last and head.at not in (None, last.at):
            yield self._found(Fault.HEAD, chain, position, "the head says another instant")

    def _found(self, fault: Fault, chain: UUID, position: int, says: str) -> Finding:
        self.findings += 1
        return Finding(fault, chain, position, says)

    def of_ledger(self, *, chain: UUID | None = None, using: str = "owner") -> Iterator[Finding]:
        """Each alteration of the whole ledger, or of one chain, as one instant of the database shows it.

        `using` is a connection that row-level security does not limit. Entries, heads, keys and what was
        signed are each read once, side by side: memory does not grow with the ledger.
        """
        connection = connections[using]
        with transaction.atomic(using=using), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            house = _keyrings_of_the_house(connection)
            streams = (
                groupby(_entries(connection, chain), key=lambda entry: entry.chain),
                _heads(connection, chain),
                iter(self.signed),
            )
            keys = _Along(_keys(connection, chain))
            for found, written, head, signed in _side_by_side(*streams):
                unseal = _unsealing(found, _unwrapped(found, keys.at(found)) + house)
                yield from self.of_chain(found, written or (), head, unseal, signed)
            for found, position, first in _replayed(connection, chain):
                yield self._found(Fault.REPLAYED, found, position, f"it is the entry of position {first}")


class _Along:
    """A stream of (chain, value) in order of chain, asked for one chain after another."""

    def __init__(self, stream: Iterator[tuple[UUID, Any]]) -> None:
        self._stream = stream
        self.next = next(stream, None)

    def at(self, chain: UUID) -> Any:
        """The value of this chain, None when it has none. Chains are asked for in order."""
        while self.next and self.next[0] < chain:
            self.next = next(self._stream, None)
        return self.next[1] if self.next and self.next[0] == chain else None

    def pass_by(self, chain: UUID) -> None:
        if self.next and self.next[0] == chain:
            self.next = next(self._stream, None)


def _side_by_side(
    *streams: Iterator[tuple[UUID, Any]],
) -> Iterator[tuple[UUID, Iterable[Entry] | None, End | None, SignedEnd | None]]:
    """Every chain that one of the streams knows, in order, with what each says of it, or None."""
    along = [_Along(stream) for stream in streams]
    while waiting := [each.next[0] for each in along if each.next]:
        chain = min(waiting)
        entries, head, signed = (each.at(chain) for each in along)
        yield chain, entries, head, signed
        for each in along:
            each.pass_by(chain)


def _unsealing(chain: UUID, keyrings: Iterable[Keyring]) -> Callable[[bytes], bytes]:
    """How the bodies of a chain are read: under the key of its subject, else under the house's."""

    def unseal(body: bytes) -> bytes:
        for keyring in keyrings:
            with suppress(Unsealable):
                return keyring.unseal_trail(chain, body)
        raise Unsealable

    return unseal


def _keyrings_of_the_house(connection: BaseDatabaseWrapper) -> list[Keyring]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, version, kek_version, wrapped FROM vault_subjectkey WHERE subject_id = %s",
            [subjects.SYSTEM_SUBJECT],
        )
        row = cursor.fetchone()
    return _unwrapped(subjects.SYSTEM_SUBJECT, Wrapped(*row) if row else None)


def _unwrapped(subject_id: UUID, wrapped: Wrapped | None) -> list[Keyring]:
    """The keyring of a subject; none when its key is missing, or was altered."""
    with suppress(Unsealable):
        return [subjects.unwrap(subject_id, wrapped)] if wrapped else []
    return []


def _keys(connection: BaseDatabaseWrapper, chain: UUID | None) -> Iterator[tuple[UUID, Wrapped]]:
    columns = "SELECT subject_id, kind, version, kek_version, wrapped FROM vault_subjectkey"
    for subject_id, *row in _streamed(
        connection, "ledger_keys", columns, "ORDER BY subject_id", chain, column="subject_id"
    ):
        yield subject_id, Wrapped(*row)


def _replayed(connection: BaseDatabaseWrapper, chain: UUID | None) -> Iterator[tuple[UUID, int, int]]:
    """Entries of the earlier form that carry the commitment of another: chain, position, first position."""
    yield from _streamed(
        connection,
        "ledger_replayed",
        "SELECT chain, unnest((array_agg(position ORDER BY position))[2:]), min(position)"
        " FROM audit_event WHERE form = 1",
        "GROUP BY chain, commitment HAVING count(*) > 1",
        chain,
        where="AND",
    )


def _goes_back(last: Entry, entry: Entry) -> bool:
    """The earlier form let the clocks of two webs cross each other; this one does not."""
    if form_1.FORM in (last.form, entry.form) or last.at is None or entry.at is None:
        return False
    return entry.at < last.at


def _entries(connection: BaseDatabaseWrapper, chain: UUID | None) -> Iterator[Entry]:
    select = f"SELECT {COLUMNS} FROM audit_event"  # noqa: S608 constants
    for row in _streamed(connection, "ledger_entries", select, "ORDER BY chain, position", chain):
        yield Entry.of(row)


def _heads(connection: BaseDatabaseWrapper, chain: UUID | None) -> Iterator[tuple[UUID, End]]:
    select = f"SELECT chain, position, {AT}, previous, hash FROM audit_head"  # noqa: S608 constants
    for found, *end in _streamed(connection, "ledger_heads", select, "ORDER BY chain", chain):
        yield found, End(*end)


def _streamed(
    connection: BaseDatabaseWrapper,
    name: str,
    select: str,
    order: str,
    chain: UUID | None,
    *,
    column: str = "chain",
    where: str = "WHERE",
) -> Iterator[Any]:
    """The rows of a statement, a few thousand at a time, from a cursor of the server."""
    limited, values = (f" {where} {column} = %s ", [chain]) if chain else (" ", [])
    with connection.connection.cursor(name=name) as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(select + limited + order, values)
        yield from cursor
