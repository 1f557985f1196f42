"""What an agent answers at a counter when everything is said and agreed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from access.waking import Chosen, Waking
from accounts import web_access
from accounts.actors import Actor
from accounts.contacts import Contact
from accounts.web_access import AccessState
from dossiers import counter, information
from dossiers.counter import AccessSheet, Answers, IdentityDocument, Wish
from vault import subjects


def open_here(
    visit_id: UUID,
    *,
    by: Actor,
    at: datetime,
    contact: Contact | None = None,
    agreed: bool = True,
    break_glass: bool = True,
    regulation: bool = True,
    representative: str = "",
    desk: str = "",
    **otherwise: Any,
) -> AccessSheet:
    """The dossier of who stands there, opened; `otherwise` changes an answer. With a contact, it was typed
    by the agent and its code never came back: the access sleeps."""
    given: dict[str, Any] = {
        "identity_document": IdentityDocument.ID_CARD,
        "information_version": information.VERSION,
        "answers": Answers(agreed, break_glass, regulation, representative),
        "wish": Wish(Chosen.TYPED, contact=contact) if contact else counter.NOTHING,
    }
    return counter.open_here(visit_id, by=by, at=at, desk=desk, **(given | otherwise))


def wake(dossier_id: UUID, *, at: datetime) -> None:
    """The web access of a dossier, awake as if its contact had been known."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', 'dmp_counter', true)")
        user_id = web_access.account_of(dossier_id)
        assert user_id is not None
        state = AccessState(awake=True, waking=Waking.NOTHING, asked_on=at.date())
        web_access.write(user_id, subjects.keyring(user_id), state)
        cursor.execute("SELECT set_config('role', 'none', true)")
