"""Agreements of before places were kept: where each was declared, told by its sealed cell.

The cell has the name of the place; it is looked for among those where the professional practises. Where it
is not found, or cannot be read, the agreement ends: it would serve nowhere.
For the upkeep of tables, on the owner's connection.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from vault import subjects
from vault.keyring import Unsealable
from vault.subjects import Wrapped

AT_ONCE = 500


def complete(*, at: datetime, using: str = "owner") -> int:
    """Give each agreement in force that nothing binds yet its place; how many were looked at."""
    count, after = 0, UUID(int=0)
    while rows := _unplaced(using, after, at):
        with transaction.atomic(using=using):
            for grant_id, dossier_id, grantee_id, sealed, *wrapped in rows:
                try:
                    keyring = subjects.unwrap(dossier_id, Wrapped(*wrapped))
                    name = keyring.unseal_json("dossiers_grant", "sealed", grant_id, bytes(sealed))[
                        "structure"
                    ]
                except Unsealable:
                    _end(using, grant_id, at)
                    continue
                if not name:
                    continue  # declared by who practises in no place
                if place_id := _place_named(using, grantee_id, name):
                    _put(using, grant_id, place_id)
                else:
                    _end(using, grant_id, at)
        count, after = count + len(rows), rows[-1][0]
    return count


def _unplaced(using: str, after: UUID, at: datetime) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT g.id, g.dossier_id, g.grantee_id, g.sealed, k.kind, k.version, k.kek_version, k.wrapped"
            " FROM dossiers_grant g JOIN vault_subjectkey k ON k.subject_id = g.dossier_id"
            " WHERE g.facts_mac IS NULL AND g.structure_id IS NULL AND g.until > %s AND g.id > %s"
            " ORDER BY g.id LIMIT %s",
            [at, after, AT_ONCE],
        )
        return cursor.fetchall()


def _place_named(using: str, professional_id: UUID, name: str) -> UUID | None:
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT s.id, s.sealed, k.kind, k.version, k.kek_version, k.wrapped"
            " FROM accounts_practice p JOIN accounts_structure s ON s.id = p.structure_id"
            " JOIN vault_subjectkey k ON k.subject_id = s.id WHERE p.professional_id = %s",
            [professional_id],
        )
        places = cursor.fetchall()
    named = [
        place_id
        for place_id, sealed, *wrapped in places
        if _name_of(place_id, bytes(sealed), Wrapped(*wrapped)) == name
    ]
    return named[0] if len(named) == 1 else None


def _name_of(place_id: UUID, sealed: bytes, wrapped: Wrapped) -> str:
    """The name of a place; empty when it cannot be read."""
    try:
        row = subjects.unwrap(place_id, wrapped).unseal_json("accounts_structure", "sealed", place_id, sealed)
    except Unsealable:
        return ""
    return str(row["name"])


def _put(using: str, grant_id: UUID, place_id: UUID) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("UPDATE dossiers_grant SET structure_id = %s WHERE id = %s", [place_id, grant_id])


def _end(using: str, grant_id: UUID, at: datetime) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("UPDATE dossiers_grant SET until = greatest(since, %s) WHERE id = %s", [at, grant_id])
