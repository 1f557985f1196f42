from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections, transaction
from django.utils import timezone

from accounts import name_search
from audit import ledger
from audit.events import Event
from dossiers import search_forms
from vault import subjects

log = structlog.get_logger(__name__)

SEARCH_COMPLETED = f"search_form_{name_search.FORM}"


class Command(BaseCommand):
    help = (
        "Gives, once, the dossiers of an earlier release what people are found by in this one. "
        "The ledger keeps that it was done; --again looks for those opened since by an earlier release."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--again",
            action="store_true",
            help="look again, for dossiers that an earlier release opened while it was being replaced",
        )

    def handle(self, *, again: bool, verbosity: int, **_: Any) -> None:
        if completed() and not again:
            return
        count = search_forms.complete()
        event = Event(
            chain=ledger.SYSTEM_CHAIN,
            kind=SEARCH_COMPLETED,
            at=timezone.now(),
            actor={"capacity": "system"},
            detail={"count": count, "again": again},
            channel="job",
            capacity="system",
        )
        with transaction.atomic():
            ledger.record(event, subjects.system())
        log.info("search.completed", count=count)
        if verbosity > 0:
            self.stdout.write(f"{count} dossiers are found by their whole name.")


def completed() -> bool:
    """Whether the dossiers of earlier releases were completed: said by the ledger, which only grows."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM audit_event WHERE chain = %s AND kind = %s)",
            [ledger.SYSTEM_CHAIN, SEARCH_COMPLETED],
        )
        return bool(cursor.fetchone()[0])
