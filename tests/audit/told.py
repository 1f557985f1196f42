"""What the tests of the ledger tell: Dr Lefèvre and Nadia in Camille's dossier."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from audit import ledger
from audit.events import Event
from vault import subjects
from vault.keyring import Keyring
from vault.subjects import SubjectKind

NOON = datetime(2024, 5, 6, 12, 0, 0, 123456, tzinfo=UTC)
LEFEVRE = {"capacity": "professional", "id": "5d8a2b9c-2d5e-4d3e-9a51-0a9c1a52c001", "name": "Dr Lefèvre"}
NADIA = {"capacity": "professional", "id": "5d8a2b9c-2d5e-4d3e-9a51-0a9c1a52c002", "name": "Nadia Benali"}
SURGERY = "7c0e4f0e-9a53-4d9f-8a51-3c1b6b0f1a10"


def event(chain: UUID, **facts: Any) -> Event:
    told: dict[str, Any] = {
        "kind": "document.read",
        "at": NOON,
        "actor": LEFEVRE,
        "detail": {"reason": "granted", "title": "Compte rendu d’hospitalisation"},
        "channel": "web",
        "capacity": "professional",
        "profession": "10",
        "document_class": "11",
        "structure": SURGERY,
    }
    return Event(chain=chain, **(told | facts))


def dossier(*, entries: int = 0) -> tuple[UUID, Keyring]:
    """A dossier with this many entries in its chain, a minute apart."""
    chain = uuid4()
    keyring = subjects.create(chain, SubjectKind.DOSSIER, at=NOON)
    for number in range(entries):
        with transaction.atomic():
            ledger.record(event(chain, at=NOON + timedelta(minutes=number)), keyring)
    return chain, keyring


def enter(role: str, pin: object = "") -> None:
    """Take a role and a pin, as the gate does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', %s, true), set_config('dmp.pin', %s, true)", [role, str(pin)]
        )
