"""Whether each person is found by the number that their dossier has sealed: for who verifies the tables.

The digest of a number is keyed, so that nobody without the key makes one; moved from one person to another,
it would have an opening, or a card read at a counter, meet somebody else's dossier.
"""

from collections.abc import Iterator
from uuid import UUID

from django.db import connections, transaction

from accounts.people import ins_mac
from vault import subjects
from vault.keyring import Unsealable
from vault.rows import Altered
from vault.subjects import Wrapped

from . import identity

AT_ONCE = 500
TABLE = "accounts_person"


def misnamed(*, using: str = "owner") -> Iterator[Altered]:
    """Each holder whose digest is not that of the identity in their dossier, or who cannot be compared."""
    with transaction.atomic(using=using), connections[using].connection.cursor(name="holders") as cursor:
        cursor.execute(
            "SELECT p.id, p.ins_mac, d.id, d.sealed_identity, k.kind, k.version, k.kek_version, k.wrapped"
            " FROM dossiers_dossier d JOIN accounts_person p ON p.id = d.holder_id"
            " JOIN vault_subjectkey k ON k.subject_id = d.id"
        )
        while rows := cursor.fetchmany(AT_ONCE):
            for person_id, mac, dossier_id, sealed, *wrapped in rows:
                if _digest(dossier_id, sealed, Wrapped(*wrapped)) != bytes(mac):
                    yield Altered(TABLE, str(person_id), "its number is not that of its dossier")


def _digest(dossier_id: UUID, sealed: bytes, wrapped: Wrapped) -> bytes | None:
    try:
        known = identity.unseal(sealed, dossier_id, subjects.unwrap(dossier_id, wrapped))
    except Unsealable:
        return None
    return ins_mac(known.ins)
