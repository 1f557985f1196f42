"""What the sealed cells of a dossier say of rows beside it: for who verifies the tables.

The digest of a number is keyed, so that nobody without the key makes one; moved from one person to another,
it would have an opening, or a card read at a counter, meet somebody else's dossier. An objection is a row,
which somebody may delete; the consent has sealed to what the holder objected.
"""

from collections.abc import Iterator
from uuid import UUID

from django.db import connections, transaction

from accounts.people import ins_macs
from vault import subjects
from vault.keyring import Unsealable
from vault.rows import Altered
from vault.subjects import Wrapped

from . import identity
from .opening import OBJECTED

AT_ONCE = 500
PERSONS, CONSENTS = "accounts_person", "dossiers_consent"


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
                if bytes(mac) not in _digests(dossier_id, sealed, Wrapped(*wrapped)):
                    yield Altered(PERSONS, str(person_id), "its number is not that of its dossier")


def unobjected(*, using: str = "owner") -> Iterator[Altered]:
    """Each consent that says of an objection which no row keeps, not even one that ended.

    Those of 0.1 say nothing of objections, and are passed over.
    """
    with transaction.atomic(using=using), connections[using].connection.cursor(name="consents") as cursor:
        cursor.execute(
            "SELECT c.id, c.dossier_id, c.sealed, k.kind, k.version, k.kek_version, k.wrapped,"
            ' ARRAY(SELECT o."to"::text FROM dossiers_objection o WHERE o.dossier_id = c.dossier_id)'
            " FROM dossiers_consent c JOIN vault_subjectkey k ON k.subject_id = c.dossier_id"
        )
        while rows := cursor.fetchmany(AT_ONCE):
            for consent_id, dossier_id, sealed, *wrapped, kept in rows:
                try:
                    keyring = subjects.unwrap(dossier_id, Wrapped(*wrapped))
                    captured = keyring.unseal_json("dossiers_consent", "sealed", consent_id, bytes(sealed))
                except Unsealable:
                    yield Altered(CONSENTS, str(consent_id), "its sealed cell was altered")
                    continue
                if set(captured.get(OBJECTED, ())) - set(kept):
                    yield Altered(CONSENTS, str(consent_id), "an objection made with it is missing")


def _digests(dossier_id: UUID, sealed: bytes, wrapped: Wrapped) -> list[bytes]:
    try:
        known = identity.unseal(sealed, dossier_id, subjects.unwrap(dossier_id, wrapped))
    except Unsealable:
        return []
    return ins_macs(known.ins)
