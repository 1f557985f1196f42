from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections, transaction
from django.utils import timezone

from audit import ledger
from audit.events import Event
from dossiers import declared_where
from vault import rows, subjects

log = structlog.get_logger(__name__)

ROWS_BOUND = "rows_bound"


class Command(BaseCommand):
    help = (
        "Binds, once, the rows that an earlier release wrote without saying what decides in them. "
        "The ledger keeps that it was done; afterwards only --again binds what nothing binds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--again",
            action="store_true",
            help="after verify_rows: bind what an earlier release wrote while it was being replaced",
        )

    def handle(self, *, again: bool, verbosity: int, **_: Any) -> None:
        if closed() and not again:
            if verbosity > 1:
                self.stdout.write("Rows were bound already; verify_rows names those that nothing binds.")
            return
        at = timezone.now()
        declared_where.complete(at=at)
        count = rows.bind_all()
        event = Event(
            chain=ledger.SYSTEM_CHAIN,
            kind=ROWS_BOUND,
            at=at,
            actor={"capacity": "system"},
            detail={"count": count, "again": again},
            channel="job",
            capacity="system",
        )
        with transaction.atomic():
            ledger.record(event, subjects.system())
        log.info("rows.bound", count=count)
        if verbosity > 0:
            self.stdout.write(f"{count} rows bound.")


def closed() -> bool:
    """Whether the rows of earlier releases were bound: said by the ledger, which only grows."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM audit_event WHERE chain = %s AND kind = %s)",
            [ledger.SYSTEM_CHAIN, ROWS_BOUND],
        )
        return bool(cursor.fetchone()[0])
