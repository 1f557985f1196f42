"""A dossier in a real database, and what happens to databases: restored, promoted, swapped."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import pytest
from django.db import connection, connections
from django.utils import timezone

from accounts.actors import Actor
from dossiers import sharing
from revocation import doors
from tests.cast import LEFEVRE
from tests.dossiers.conftest import holder_of, open_at_the_counter, own_codes, reading, the_insurer

__all__ = ["holder_of", "open_at_the_counter", "own_codes", "reading", "the_insurer"]


@dataclass(frozen=True)
class World:
    """Camille's dossier, and her doctor."""

    dossier_id: UUID
    camille: Actor
    database: object
    granted: list[tuple] = field(default_factory=list)

    def grant(self) -> UUID:
        grant_id = sharing.declare_agreement(self.dossier_id, by=LEFEVRE, at=timezone.now()).grant_id
        with self.database.superuser() as server:
            row = "SELECT until, facts_mac, id FROM dossiers_grant WHERE id = %s"
            self.granted.append(server.execute(row, [grant_id]).fetchone())
        return grant_id

    def withdraw(self, grant_id: UUID, at: datetime | None = None) -> None:
        sharing.withdraw(self.dossier_id, grant_id, by=self.camille, at=at or timezone.now())

    def in_force(self) -> int:
        with self.database.superuser() as server:
            return server.execute("SELECT count(*) FROM dossiers_grant WHERE until > now()").fetchone()[0]

    def lose(self, number: int) -> None:
        """As a restore does: the act of this line is no longer in the database."""
        with self.database.superuser() as server:
            server.execute("DELETE FROM revocation_line WHERE number = %s", [number])
            for row in self.granted:
                server.execute("UPDATE dossiers_grant SET until = %s, facts_mac = %s WHERE id = %s", row)
        ask_again()


@pytest.fixture
def world(real_database, open_at_the_counter, holder_of, reading):
    doors.forget()
    now = timezone.now()
    dossier_id = open_at_the_counter(at=now, reading=replace(reading, read_at=now)).dossier_id
    yield World(dossier_id, holder_of(dossier_id), real_database)
    connections.close_all()
    doors.forget()


def ask_again() -> None:
    """As two seconds later."""
    doors._known.asked_at = float("-inf")
    doors._known.stamp = None
    doors._known.settled = 0
    connection.close()
