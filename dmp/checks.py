"""What must be true before a process serves, works or changes anything.

One list of checks for every process of the house. A process is refused for what it needs itself: the worker
does not know what the web signs with, and the web cannot send a message.
"""

import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import structlog
from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from dmp import logs
from vault.checks import the_keys_are_those_of_the_database

log = structlog.get_logger(__name__)


class Process(StrEnum):
    """Who starts."""

    WEB = "web"
    WORKER = "worker"
    SCHEDULER = "scheduler"
    COMMAND = "command"
    PREPARE = "prepare"


INSURER = ("DMP_HISTORY_URL", "DMP_HISTORY_TOKEN")
PRO_SANTE_CONNECT = ("DMP_PSC_ISSUER", "DMP_PSC_CLIENT_ID", "DMP_PSC_CLIENT_SECRET")
CARD_READER = ("DMP_READER_URL", "DMP_READER_JWKS_URL")
MESSAGES = ("DMP_SMS_URL", "DMP_SMS_TOKEN", "DMP_SMTP_HOST")
# Who answers for the service: what French law wants people to find on its pages (LCEN, RGPD art. 13).
OPERATOR = (
    "DMP_OPERATOR_NAME",
    "DMP_OPERATOR_ADDRESS",
    "DMP_OPERATOR_EMAIL",
    "DMP_OPERATOR_PHONE",
    "DMP_OPERATOR_DIRECTOR",
    "DMP_OPERATOR_HOST",
    "DMP_OPERATOR_DPO",
    "DMP_OPERATOR_PROCESSORS",
)
# The scheduler does the worker's jobs when Redis is gone: it needs the same. A command of the people who run
# the house may do anything with the database, and reaches nothing outside.
NEEDS: dict[Process, tuple[str, ...]] = {
    Process.WEB: ("DMP_SECRET_KEY", *INSURER, *PRO_SANTE_CONNECT, *CARD_READER, *OPERATOR),
    Process.WORKER: (*INSURER, *MESSAGES),
    Process.SCHEDULER: (*INSURER, *MESSAGES),
    Process.COMMAND: (),
    Process.PREPARE: (),
}
SERVING = frozenset({Process.WEB, Process.WORKER, Process.SCHEDULER})  # for as long as they live
WITHOUT_DATABASE = frozenset({Process.PREPARE})  # it makes what the others compare with


def missing(process: Process) -> list[str]:
    """The names of the settings that this process needs and has not."""
    return [name for name in NEEDS[process] if not getattr(settings, name)]


@register(Tags.security, deploy=True)
def nothing_is_missing(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """dmp.E001: a setting without which something would fail later, in front of somebody."""
    return [Error(f"{name} is not set.", id="dmp.E001") for name in missing(starting)]


@register(Tags.security, deploy=True)
def people_come_over_tls(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """dmp.E002: only a demonstration is served without TLS."""
    if settings.SECURE:
        return []
    return [Error("DMP_BASE_URL must begin with https://.", id="dmp.E002")]


@register(Tags.security)
def identities_are_of_one_world(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """dmp.E003: real identities and test identities never share an installation."""
    if settings.DMP_INS_OIDS in ("test", "real") and not (
        settings.DMP_DEMO and settings.DMP_INS_OIDS == "real"
    ):
        return []
    return [Error("DMP_INS_OIDS is “test” or “real”, and “test” in a demonstration.", id="dmp.E003")]


# Whose needs dmp.E001 looks at. `manage.py check --deploy` asks for what the web needs, which is the most.
starting = Process.WEB


def faults(process: Process) -> list[CheckMessage]:
    """What forbids this process to start, those of a deployment too when it is one."""
    global starting
    before, starting = starting, process
    try:
        found = checks.run_checks(include_deployment_checks=not settings.DMP_DEMO)
    finally:
        starting = before
    if process not in WITHOUT_DATABASE:
        found += the_keys_are_those_of_the_database(None, databases=["default"])
    return [each for each in found if each.is_serious() and not each.is_silenced()]


def refuse_to_start_unsound(process: Process) -> None:
    """Say each fault on standard error, then exit with status 1. Does nothing when there is none."""
    if process in SERVING:
        logs.say_what_nobody_caught()
    found = faults(process)
    for fault in found:
        log.critical(f"cannot start: {fault.msg}", code=fault.id, kind=str(process))
    if found:
        sys.exit(1)
