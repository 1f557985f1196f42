"""What must be set before anybody is served."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.management.base import BaseCommand

OUTSIDE = (
    "DMP_HISTORY_URL",
    "DMP_HISTORY_TOKEN",
    "DMP_PSC_ISSUER",
    "DMP_PSC_CLIENT_ID",
    "DMP_PSC_CLIENT_SECRET",
    "DMP_SMS_URL",
    "DMP_SMS_TOKEN",
    "DMP_SMTP_HOST",
    "DMP_READER_URL",
    "DMP_READER_JWKS_URL",
)


@register(Tags.security, deploy=True)
def nothing_is_missing(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """dmp.E001: a setting without which something would fail later, in front of somebody."""
    wanted = ("SECRET_KEY", *OUTSIDE)
    return [Error(f"{name} is not set.", id="dmp.E001") for name in wanted if not getattr(settings, name)]


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


def refuse_to_start_unsound() -> None:
    """Run every check, those of a deployment too when it is one. Raises SystemCheckError."""
    BaseCommand().check(databases=["default"], include_deployment_checks=not settings.DMP_DEMO)
