from dataclasses import dataclass
from uuid import UUID

import pytest

from accounts.actors import Actor
from tests.dossiers.conftest import holder_of, open_at_the_counter, reading

__all__ = ["holder_of", "open_at_the_counter", "reading"]


@dataclass(frozen=True)
class Opened:
    dossier_id: UUID
    holder: Actor


@pytest.fixture
def opened(open_at_the_counter, holder_of):
    dossier_id = open_at_the_counter().dossier_id
    return Opened(dossier_id, holder_of(dossier_id))
