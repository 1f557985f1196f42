"""The ledger: what happened, in order, each entry bound to the one before.

One statement per entry. An entry shares the transaction of the act it tells of, and is appended last,
because the head of its chain stays locked until the commit.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import connection

from vault import subjects
from vault.keyring import Keyring, Unsealable

from . import names
from .entries import COLUMNS, Entry
from .events import EPOCH, FORM, Event, Unreadable, body_of, content_of, facets_of, read_body

log = structlog.get_logger(__name__)

SYSTEM_CHAIN = subjects.SYSTEM_SUBJECT
"""What happened to nobody in particular: anonymous sign-ins, keys, the house's own upkeep."""


class RecordedOutsideATransaction(RuntimeError):
    """A trace must share the fate of the act it tells of."""


class SealedUnderAnotherKey(RuntimeError):
    """A trace is sealed under its chain's key, else the house's: verification looks nowhere else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One entry, unsealed for a reader.

    One that is not `readable` was damaged, or written by somebody without the key: it keeps its position and
    its instant, and says nothing.
    """

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
    readable: bool = True


def appending(event: Event, keyring: Keyring) -> tuple[str, list[Any]]:
    """The SQL expression that appends this event and its parameters, for the caller's own SELECT."""
    return "audit_append(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", _sealed(event, keyring)


def refusing(event: Event, keyring: Keyring) -> tuple[str, list[Any]]:
    """The SQL expression that records a refusal or counts it; it is null when counted."""
    told = [event.chain, event.actor.get("id"), event.kind, event.detail.get("reason")]
    if event.detail.get("withheld"):  # not told to the holder: it must neither hide nor count one that is
        told.append("withheld")
    key = keyring.mac("audit.refusal", "|".join(map(str, told)).encode())
    parameters = [key, keyring.subject_id, *_sealed(event, keyring)]
    return "audit_refuse(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", parameters


def record(event: Event, keyring: Keyring) -> int:
    """Append an event, in the transaction of what it tells. The position it takes in its chain."""
    if not connection.in_atomic_block:
        raise RecordedOutsideATransaction(event.kind)
    return int(_selected(*appending(event, keyring)))


def refusal(event: Event, keyring: Keyring) -> bool:
    """Append a refusal, unless the same one was recorded less than an hour before; whether it was appended.

    The same: chain, actor, kind and reason, withheld or not. A repetition is counted, and `summarise_repeats`
    says later, in one event, how many there were.
    """
    return _selected(*refusing(event, keyring)) is not None


def summarise_repeats(
    *, entering: Callable[[UUID], AbstractContextManager[None]], at: datetime, limit: int = 500
) -> int:
    """One event for each refusal that was repeated within its hour, once it is over; how many events.

    `entering` opens the transaction in which one chain, and no other, shows what was counted there
    (`access.gate.upkeep`). The event is the refusal's own, dated of the last repetition, with `times` in its
    detail. A refusal that cannot be read has nothing to summarise: it must not keep the others from being
    told.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_chains_with_repeats(%s, %s)", [at, limit])
        chains = [chain for (chain,) in cursor.fetchall()]
    count = 0
    for chain in chains:
        with entering(chain):
            with connection.cursor() as cursor:
                cursor.execute("SELECT * FROM audit_take_repeats(%s, %s)", [chain, at])
                due = cursor.fetchall()
            keyrings = _readable_keyrings({row[0] for row in due})
            # Who was forgotten meanwhile has no key any more, and nothing to be told.
            count += sum(_summarise(keyrings[row[0]], row) for row in due if row[0] in keyrings)
    return count


def traces(
    chain: UUID,
    keyring: Keyring,
    *,
    before: int | None = None,
    limit: int = 50,
    capacities: Collection[str] = (),
    kinds: Collection[str] = (),
    but_capacities: Collection[str] = (),
    but_kinds: Collection[str] = (),
) -> list[Trace]:
    """The last entries of a chain before a position, newest first; none unless the chain is pinned.

    `capacities` and `kinds`, unless empty, are what the actor and the act must be; `but_capacities` and
    `but_kinds` leave some out. An entry that cannot be read, or that is not what was committed to at its
    place, is in the list as such.
    """
    which = "".join(
        f" AND {facet} {condition} ({_literal(words)})"
        for facet, condition, words in (
            ("capacity", "= ANY", capacities),
            ("kind", "= ANY", kinds),
            ("capacity", "<> ALL", but_capacities),
            ("kind", "<> ALL", but_kinds),
        )
        if words
    )
    found = _found(
        keyring,
        f"WHERE chain = %s AND position < %s{which} ORDER BY position DESC LIMIT %s",
        [chain, before if before is not None else 2**63 - 1, limit],
    )
    return _dated(found)


def last(chain: UUID, keyring: Keyring, *, capacity: str, kind: str, before: datetime) -> Trace | None:
    """The last act of this kind, by somebody of this capacity, before an instant.

    None without any that can be read, and unless the chain is pinned.
    """
    found = _found(
        keyring,
        f"WHERE chain = %s AND at < %s AND capacity = ANY ({_literal([capacity])})"
        f" AND kind = ANY ({_literal([kind])}) ORDER BY position DESC LIMIT 1",
        [chain, before],
    )
    return found[0] if found and found[0].readable else None


def _found(keyring: Keyring, which: str, parameters: list[Any]) -> list[Trace]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM audit_event {which}", parameters)  # noqa: S608 our own words
        found = [_unsealed(keyring, Entry.of(row)) for row in cursor.fetchall()]
    if unreadable := sum(not trace.readable for trace in found):
        log.error("trace unreadable", count=unreadable)
    return found


_WORD = re.compile(r"[a-z_]+(\.[a-z_]+)*")


def _literal(words: Collection[str]) -> str:
    """Words of the code, in the statement itself: the planner compares them with the conditions of indexes.
    They are never what somebody typed."""
    ever = names.ever(words)
    if not all(_WORD.fullmatch(word) for word in ever):
        raise ValueError(ever)
    return "'{" + ",".join(ever) + "}'::text[]"


def _sealed(event: Event, keyring: Keyring) -> list[Any]:
    if keyring.subject_id not in (event.chain, subjects.SYSTEM_SUBJECT):
        raise SealedUnderAnotherKey(event.kind)
    body = body_of(event)
    return [
        FORM,
        event.chain,
        event.at,
        *facets_of(event),
        keyring.seal_trail(event.chain, body),
        content_of(body),
    ]


def _selected(expression: str, parameters: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + expression, parameters)
        return cursor.fetchone()[0]


def _readable_keyrings(subject_ids: Collection[UUID]) -> dict[UUID, Keyring]:
    """The keyrings of these subjects, but those whose key was altered."""
    try:
        return subjects.keyrings(subject_ids)
    except Unsealable:
        if len(subject_ids) == 1:
            log.error("key unreadable", count=1)
            return {}
    return {found: key for one in subject_ids for found, key in _readable_keyrings([one]).items()}


def _summarise(keyring: Keyring, row: tuple[Any, ...]) -> bool:
    _, times, since, last_at, chain, kind, channel, capacity, profession, document_class, structure, body = (
        row
    )
    try:
        refusal = read_body(keyring.unseal_trail(chain, bytes(body)))
    except (Unsealable, Unreadable):
        log.error("trace unreadable", count=1)
        return False
    summary = Event(
        chain=chain,
        kind=kind,
        at=last_at,
        actor=refusal.actor,
        detail={**refusal.detail, "times": times, "since": since.isoformat(), "last": last_at.isoformat()},
        channel=channel,
        capacity=capacity,
        profession=profession,
        document_class=document_class,
        structure=structure,
    )
    return record(summary, keyring) > 0


def _unsealed(keyring: Keyring, entry: Entry) -> Trace:
    kind, channel, capacity, profession, document_class, structure = map(names.today, entry.facets)
    at = EPOCH + timedelta(microseconds=entry.at) if entry.at is not None else EPOCH
    try:
        payload = entry.read(keyring.unseal_trail(entry.chain, bytes(entry.body)))
    except (Unsealable, Unreadable):
        # Nothing in clear may be believed either.
        return Trace(
            position=entry.position,
            kind="",
            at=at,
            actor={},
            detail={},
            channel="",
            capacity="",
            profession="",
            document_class="",
            structure="",
            readable=False,
        )
    return Trace(
        position=entry.position,
        kind=kind,
        at=at,
        actor=payload.actor,
        detail=payload.detail,
        channel=channel,
        capacity=capacity,
        profession=profession,
        document_class=document_class,
        structure=structure,
    )


def _dated(found: Iterable[Trace]) -> list[Trace]:
    """The same, newest first; what cannot be read takes its instant from the entry before it in the chain,
    since its own may be anything."""
    dated: list[Trace] = []
    before = EPOCH
    for trace in reversed(list(found)):
        before = trace.at if trace.readable else before
        dated.append(trace if trace.readable else replace(trace, at=before))
    after = next((trace.at for trace in dated if trace.readable), EPOCH)
    return [replace(trace, at=after) if trace.at == EPOCH else trace for trace in reversed(dated)]
