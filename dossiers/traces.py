"""Who looked at a dossier, and what they did: the holder's view of the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from access import gate
from access.policy import Action
from accounts.actors import Actor
from audit import ledger
from audit.ledger import Trace

from .identity import HolderBanner, holder_of
from .things import DossierAtTheDoor

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TracePage:
    """Traces, newest first; `next` is the position to ask for after them, None at the end."""

    holder: HolderBanner
    entries: tuple[Trace, ...]
    next: int | None


def traces(dossier_id: UUID, *, by: Actor, at: datetime, before: int | None = None) -> TracePage:
    """One page of what happened to the dossier, for its holder. Looking is itself an act, traced.

    What was done with a document still withheld from the holder is not in it: they will hear of that in
    a consultation, not from a log.
    """
    with gate.admitted(by, Action.TRACES, DossierAtTheDoor(dossier_id), at=at) as passage:
        entries = ledger.traces(dossier_id, passage.keyring, before=before, limit=PAGE + 1)
        more = len(entries) > PAGE
        return TracePage(
            holder=holder_of(passage),
            entries=told_to_the_holder(entries[:PAGE]),
            next=entries[PAGE - 1].position if more else None,
        )


def told_to_the_holder(entries: Iterable[Trace]) -> tuple[Trace, ...]:
    # CSP art. R. 1111-53: nothing tells the holder of it before it is announced.
    return tuple(trace for trace in entries if not trace.detail.get("withheld"))
