"""Knocking at the wrong door: refused like anything else, and traced where it matters."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from access import gate
from access.policy import Action
from accounts.actors import Actor, Capacity

from .things import DossierAtTheDoor, Space


def knock(audience: Iterable[Capacity], *, by: Actor, at: datetime, dossier_id: UUID | None = None) -> None:
    """Ask to enter a space made for others. Raises Refused for whom it does not serve.

    When the address names a dossier, its holder sees who tried.
    """
    if dossier_id is not None:
        with gate.admitted(by, Action.VISIT, DossierAtTheDoor(dossier_id), at=at):
            pass
    with gate.admitted(by, Action.ENTER, Space(frozenset(audience)), at=at):
        pass
