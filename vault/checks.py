"""System checks: the service refuses to start under a wrong key."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.db import OperationalError, connections

from .keyfile import UnusableKeys
from .providers import provider
from .startup import WrongKey


def the_keys_are_usable(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """vault.E002: the key file exists, is nobody else's to read, and is not the demonstration's."""
    try:
        provider()
    except UnusableKeys as fault:
        return [Error(str(fault), id="vault.E002")]
    return []


def the_keys_are_those_of_the_database(
    app_configs: Sequence[AppConfig] | None, databases: Iterable[str] | None = None, **_: Any
) -> Iterable[CheckMessage]:
    """vault.E001: the check value of each key is the one kept in the database."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        try:
            connections[alias].ensure_connection()
        except WrongKey as fault:
            found.append(Error(f"Wrong key: {fault}.", id="vault.E001"))
        except UnusableKeys:
            continue  # said by vault.E002
        except OperationalError:
            continue  # /readyz says that it does not answer; the keys are compared when it does
    return found
