"""The ledger: what happened, in order, each entry bound to the one before.

One statement per entry. An entry shares the transaction of the act it tells of, and is appended last,
because the head of its chain stays locked until the commit.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from vault import subjects
from vault.keyring import Keyring

from .events import Event, body_of, commitment, facets_of, told_in

SYSTEM_CHAIN = subjects.SYSTEM_SUBJECT
"""What happened to nobody in particular: anonymous sign-ins, keys, the house's own upkeep."""


class RecordedOutsideATransaction(RuntimeError):
    """A trace must share the fate of the act it tells of."""


class SealedUnderAnotherKey(RuntimeError):
    """A trace is sealed under its chain's key, else the house's: verification looks nowhere else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One entry, unsealed for a reader."""

    position: int
    kind: str
    at: datetime
    actor: Mapping[str, Any]
    detail: Mapping[str, Any]
    channel: str
    capacity: str
    profession: str
    document_class: str
    structure: str


def appending(event: Event, keyring: Keyring) -> tuple[str, list[Any]]:
    """The SQL expression that appends this event and its parameters, for the caller's own SELECT."""
    return "audit_append(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", _sealed(event, keyring)


def refusing(event: Event, keyring: Keyring) -> tuple[str, list[Any]]:
    """The SQL expression that records a refusal or counts it; it is null when counted."""
    told = [event.chain, event.actor.get("id"), event.kind, event.detail.get("reason")]
    key = keyring.mac("audit.refusal", "|".join(map(str, told)).encode())
    parameters = [key, keyring.subject_id, *_sealed(event, keyring)]
    return "audit_refuse(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", parameters


def record(event: Event, keyring: Keyring) -> int:
    """Append an event, in the transaction of what it tells. The position it takes in its chain."""
    if not connection.in_atomic_block:
        raise RecordedOutsideATransaction(event.kind)
    return int(_selected(*appending(event, keyring)))


def refusal(event: Event, keyring: Keyring) -> bool:
    """Append a refusal, unless the same one was recorded less than an hour before; whether it was appended.

    The same: chain, actor, kind and reason. A repetition is counted, and `summarise_repeats` says later, in
    one event, how many there were.
    """
    return _selected(*refusing(event, keyring)) is not None


def summarise_repeats(*, at: datetime, limit: int = 500) -> int:
    """One event for each refusal that was repeated within its hour, once it is over; how many events.

    The event is the refusal's own, dated of the last repetition, with `times` in its detail.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM audit_take_repeats(%s, %s)", [at, limit])
            due = cursor.fetchall()
        keyrings = subjects.keyrings({row[0] for row in due})
        # Who was forgotten meanwhile has no key any more, and nothing to be told.
        written = [_summarise(keyrings[row[0]], row) for row in due if row[0] in keyrings]
    return len(written)


def traces(
    chain: UUID,
    keyring: Keyring,
    *,
    before: int | None = None,
    limit: int = 50,
    but_capacities: Collection[str] = (),
    but_kinds: Collection[str] = (),
) -> list[Trace]:
    """The last entries of a chain before a position, newest first; none unless the chain is pinned.

    `but_capacities` and `but_kinds` leave out what certain actors did, and certain acts.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT position, at, kind, channel, capacity, profession, document_class, structure, body"
            " FROM audit_event WHERE chain = %s AND position < %s"
            " AND capacity <> ALL (%s::text[]) AND kind <> ALL (%s::text[])"
            " ORDER BY position DESC LIMIT %s",
            [
                chain,
                before if before is not None else 2**63 - 1,
                list(but_capacities),
                list(but_kinds),
                limit,
            ],
        )
        return [_unsealed(chain, keyring, row) for row in cursor.fetchall()]


def _sealed(event: Event, keyring: Keyring) -> list[Any]:
    if keyring.subject_id not in (event.chain, subjects.SYSTEM_SUBJECT):
        raise SealedUnderAnotherKey(event.kind)
    body = body_of(event)
    return [
        event.chain,
        event.at,
        event.kind,
        event.channel,
        event.capacity,
        event.profession,
        event.document_class,
        event.structure,
        keyring.seal_trail(event.chain, body),
        commitment(event.chain, facets_of(event), body),
    ]


def _selected(expression: str, parameters: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + expression, parameters)
        return cursor.fetchone()[0]


def _summarise(keyring: Keyring, row: tuple[Any, ...]) -> int:
    _, times, since, last_at, chain, kind, channel, capacity, profession, document_class, structure, body = (
        row
    )
    actor, detail = told_in(keyring.unseal_trail(chain, bytes(body)))
    summary = Event(
        chain=chain,
        kind=kind,
        at=last_at,
        actor=actor,
        detail=detail | {"times": times, "since": since.isoformat()},
        channel=channel,
        capacity=capacity,
        profession=profession,
        document_class=document_class,
        structure=structure,
    )
    return record(summary, keyring)


def _unsealed(chain: UUID, keyring: Keyring, row: tuple[Any, ...]) -> Trace:
    position, at, kind, channel, capacity, profession, document_class, structure, body = row
    actor, detail = told_in(keyring.unseal_trail(chain, bytes(body)))
    return Trace(
        position=position,
        kind=kind,
        at=at,
        actor=actor,
        detail=detail,
        channel=channel,
        capacity=capacity,
        profession=profession,
        document_class=document_class,
        structure=structure,
    )
