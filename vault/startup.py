"""No work under a wrong key: what the database expects, compared before anything is sealed.

The database keeps the check value of each version of each key. `migrate` registers those it does not know;
every process compares them on its first connection, and a connection under a wrong key is closed at once. A
version of the file that the database does not know yet is ignored until it is registered; one that was
retired may be missing.
"""

from collections.abc import Collection, Iterator
from typing import Any

from django.apps import AppConfig
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from . import subjects
from .keyfile import KeyName
from .providers import KeyProvider, Registered, fresh_provider, provider

_compared: set[tuple[object, ...]] = set()


class WrongKey(Exception):
    """The keys of the provider are not those this database was written under."""


def faults(registered: Registered, retired: Collection[tuple[str, int]], keys: KeyProvider) -> Iterator[str]:
    """What is wrong with these keys for this database. More versions than it knows are no fault."""
    known = {(name.value, version) for name in KeyName for version in keys.versions(name)}
    for name, version in sorted(registered):
        if (name, version) in known:
            if keys.check_value(KeyName(name), version) != registered[name, version]:
                yield f"version {version} of the key “{name}” is not the one this database was written under"
        elif (name, version) not in retired:
            yield f"version {version} of the key “{name}” is missing from the key file"


def refuse_a_wrong_key(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Compare on the first connection of a process to a database. Closes it and raises WrongKey."""
    described = connection.settings_dict
    database = (connection.alias, *(described.get(part) for part in ("HOST", "PORT", "NAME", "USER")))
    if connection.vendor != "postgresql" or database in _compared:
        return
    found: list[str] = []
    registered, retired = _registered(connection)
    if registered:
        found = list(faults(registered, retired, provider()))
    if found:
        connection.close()
        raise WrongKey("; ".join(found))
    if registered:
        provider().compared_with(registered)
        _compared.add(database)


def fault_of_the_keys_at_hand(connection: BaseDatabaseWrapper) -> str:
    """What a process that started now would find wrong with its keys; empty when nothing is.

    Raises UnusableKeys when it could not read them.
    """
    return "; ".join(faults(*_registered(connection), fresh_provider()))


def register_keys(sender: AppConfig, using: str, **_: Any) -> None:
    """After `migrate`: register the versions that are new, and make the house's own key."""
    connection = connections[using]
    if not _ready(connection):
        return
    keys = provider()
    found = list(faults(*_registered(connection), keys))
    if found:
        raise WrongKey("; ".join(found))
    values = [
        (name.value, version, keys.check_value(name, version))
        for name in KeyName
        for version in keys.versions(name)
    ]
    system = subjects.prepare(subjects.SYSTEM_SUBJECT, subjects.SubjectKind.SYSTEM)[1]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO vault_kekcheck (name, version, value, registered_at)"
            " VALUES (%s, %s, %s, statement_timestamp()) ON CONFLICT DO NOTHING",
            values,
        )
        cursor.execute(
            "INSERT INTO vault_subjectkey (subject_id, kind, version, kek_version, wrapped, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                subjects.SYSTEM_SUBJECT,
                system.kind,
                system.version,
                system.kek_version,
                system.wrapped,
                timezone.now(),
            ],
        )


def registered_now() -> Registered | None:
    """What the database keeps at this moment, None when it cannot be asked inside this transaction."""
    try:
        with transaction.atomic():
            return _registered(connections["default"])[0]
    except DatabaseError:
        return None


def _ready(connection: BaseDatabaseWrapper) -> bool:
    """Whether the vault's tables have their present columns: `migrate` compares before it has made them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('vault_kekcheck')"
            " AND attname = 'retired_at'"
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def _registered(connection: BaseDatabaseWrapper) -> tuple[Registered, set[tuple[str, int]]]:
    """The check values that the database keeps, none while it is not migrated; those that were retired."""
    if not _ready(connection):
        return {}, set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, version, value, retired_at IS NOT NULL FROM vault_kekcheck")
        rows = cursor.fetchall()
    registered = {(name, version): bytes(value) for name, version, value, _ in rows}
    return registered, {(name, version) for name, version, _, retired in rows if retired}
