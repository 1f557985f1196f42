from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit import ledger
from audit.events import Event
from revocation import doors, replaying
from revocation.journal import Unwritable
from vault import subjects


class Command(BaseCommand):
    help = (
        "After the database was restored: does again what was taken away since, ends every visit and token, "
        "then opens the doors. May be run again, or interrupted."
    )
    # The checks ask the database, which refuses everybody but this command.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--although-lines-are-missing",
            action="store_true",
            help="the backup is older than the oldest line of the journal, or lines of it are lost: what was "
            "taken away in between stays given back",
        )

    def handle(self, *, although_lines_are_missing: bool, **_: Any) -> None:
        at = timezone.now()
        try:
            with doors.left_open():
                reason = doors.shut_because()
            self.stdout.write(f"Doors shut: {reason}." if reason else "The doors were open.")
            mended = replaying.after_restore(at=at, although_lines_are_missing=although_lines_are_missing)
            _trace(mended, at)
        except replaying.LinesMissing as hole:
            raise CommandError(
                f"The journal lacks lines {hole.first} to {hole.last}: bring back the whole journal, or a "
                "later backup. --although-lines-are-missing goes on without them."
            ) from None
        except replaying.NoReplay as unknown:
            raise CommandError(f"This release does not know how to replay “{unknown}”.") from None
        except Unwritable as fault:
            raise CommandError(f"The journal cannot be written: {fault}.") from None
        except DatabaseError as fault:
            raise CommandError(f"The database does not answer ({type(fault).__name__}).") from None
        self.stdout.write(
            f"{mended.replayed} acts done again, {mended.ended} visits and tokens ended. "
            "The doors are open.\nNow: manage.py verify_ledger"
        )


def _trace(mended: replaying.Mended, at: Any) -> None:
    event = Event(
        chain=ledger.SYSTEM_CHAIN,
        kind="after_restore",
        at=at,
        actor={"capacity": "system"},
        detail={"replayed": mended.replayed, "ended": mended.ended},
        capacity="system",
    )
    with transaction.atomic():
        ledger.record(event, subjects.system())
