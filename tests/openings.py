"""What an agent answers at a counter when everything is said and agreed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.actors import Actor
from dossiers import counter, information
from dossiers.counter import AccessSheet, IdentityDocument

SAID_YES: dict[str, Any] = {
    "identity_document": IdentityDocument.ID_CARD,
    "agreed": True,
    "break_glass": True,
    "regulation": True,
    "contact": None,
    "information_version": information.VERSION,
}


def open_here(visit_id: UUID, *, by: Actor, at: datetime, **otherwise: Any) -> AccessSheet:
    """The dossier of who stands there, opened; `otherwise` changes an answer."""
    return counter.open_here(visit_id, by=by, at=at, **(SAID_YES | otherwise))
