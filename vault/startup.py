"""No work under a wrong key: what the database expects, compared before anything is sealed.

The database keeps the check value of each version of each key. `migrate` registers those it does not know;
every process compares them on its first connection, and a connection under a wrong key is closed at once.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from . import subjects
from .keyfile import KeyName
from .providers import KeyProvider, provider

OWNER = "owner"

_compared: set[tuple[object, ...]] = set()


class WrongKey(Exception):
    """The keys of the provider are not those this database was written under."""


def faults(
    registered: dict[tuple[str, int], bytes], keys: KeyProvider, *, registering: bool
) -> Iterator[str]:
    """What is wrong with these keys for this database. Who registers may bring new versions."""
    known = {(name.value, version) for name in KeyName for version in keys.versions(name)}
    for name, version in sorted(registered):
        if (name, version) not in known:
            yield f"version {version} of the key “{name}” is missing from the key file"
        elif keys.check_value(KeyName(name), version) != registered[name, version]:
            yield f"version {version} of the key “{name}” is not the one this database was written under"
    if not registering:
        for name, version in sorted(known - set(registered)):
            yield f"version {version} of the key “{name}” is not registered in this database: run migrate"


def refuse_a_wrong_key(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Compare on the first connection of a process to a database. Closes it and raises WrongKey."""
    described = connection.settings_dict
    database = (connection.alias, *(described.get(part) for part in ("HOST", "PORT", "NAME", "USER")))
    if connection.vendor != "postgresql" or database in _compared:
        return
    found: list[str] = []
    registered = _registered(connection)
    if registered:
        found = list(faults(registered, provider(), registering=connection.alias == OWNER))
    if found:
        connection.close()
        raise WrongKey("; ".join(found))
    if registered:
        _compared.add(database)


def register_keys(sender: AppConfig, using: str, **_: Any) -> None:
    """After `migrate`: register the versions that are new, and make the house's own key."""
    connection = connections[using]
    if not _ready(connection):
        return
    keys = provider()
    found = list(faults(_registered(connection), keys, registering=True))
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
            "INSERT INTO vault_kekcheck (name, version, value) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
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


def _ready(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('vault_kekcheck') IS NOT NULL")
        row = cursor.fetchone()
    return bool(row and row[0])


def _registered(connection: BaseDatabaseWrapper) -> dict[tuple[str, int], bytes]:
    """The check values that the database keeps; none while it is not migrated."""
    if not _ready(connection):
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, version, value FROM vault_kekcheck")
        return {(name, version): bytes(value) for name, version, value in cursor.fetchall()}
