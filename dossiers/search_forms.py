"""Dossiers that an earlier release opened: they are given the search tokens of today.

For the upkeep of tables, on the owner's connection. Meanwhile they are found by what they have.
"""

from typing import Any
from uuid import UUID

import structlog
from django.db import connections, transaction

from accounts import name_search
from vault import subjects
from vault.keyring import Unsealable
from vault.subjects import Wrapped

from . import identity
from .finding import tokens_of

log = structlog.get_logger(__name__)

AT_ONCE = 500


def complete(*, using: str = "owner") -> int:
    """Give each of them its tokens, five hundred at a time, each five hundred committed: how many.

    May be stopped and begun again. One that cannot be read stays as it is.
    """
    count, after = 0, UUID(int=0)
    while rows := _of_an_earlier_form(using, after):
        with transaction.atomic(using=using):
            count += _write(using, rows)
        after = rows[-1][0]
    return count


def _of_an_earlier_form(using: str, after: UUID) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT d.id, d.sealed_identity, k.kind, k.version, k.kek_version, k.wrapped"
            " FROM dossiers_dossier d JOIN vault_subjectkey k ON k.subject_id = d.id"
            " WHERE d.search_form < %s AND d.id > %s ORDER BY d.id LIMIT %s",
            [name_search.FORM, after, AT_ONCE],
        )
        return cursor.fetchall()


def _write(using: str, rows: list[tuple[Any, ...]]) -> int:
    tokens, owners = [], []
    read = []
    for dossier_id, sealed, *wrapped in rows:
        try:
            keyring = subjects.unwrap(dossier_id, Wrapped(*wrapped))
            made = tokens_of(identity.unseal(bytes(sealed), dossier_id, keyring).traits)
        except Unsealable:
            log.error("cell.altered", kind="search_form", row=str(dossier_id))
            continue
        read.append(dossier_id)
        tokens += made
        owners += [dossier_id] * len(made)
    with connections[using].cursor() as cursor:
        cursor.execute(
            "INSERT INTO dossiers_searchtoken (token, dossier_id)"
            " SELECT * FROM unnest(%s::bytea[], %s::uuid[]) ON CONFLICT DO NOTHING",
            [tokens, owners],
        )
        cursor.execute(
            "UPDATE dossiers_dossier SET search_form = %s WHERE id = ANY(%s)", [name_search.FORM, read]
        )
    return len(read)
