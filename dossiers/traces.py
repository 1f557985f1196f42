"""Who looked at a dossier, and what they did: the holder's view of the ledger."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from access import gate
from access.policy import Action
from accounts.actors import Actor
from audit import ledger
from audit.ledger import Trace

from .things import DossierAtTheDoor

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TracePage:
    """Traces, newest first; `next` is the position to ask for after them, None at the end."""

    entries: tuple[Trace, ...]
    next: int | None


def traces(dossier_id: UUID, *, by: Actor, at: datetime, before: int | None = None) -> TracePage:
    """One page of what happened to the dossier, for its holder. Looking is itself an act, traced."""
    with gate.admitted(by, Action.TRACES, DossierAtTheDoor(dossier_id), at=at) as passage:
        entries = tuple(ledger.traces(dossier_id, passage.keyring, before=before, limit=PAGE + 1))
        more = len(entries) > PAGE
        return TracePage(entries=entries[:PAGE], next=entries[PAGE - 1].position if more else None)
