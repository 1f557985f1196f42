import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from audit.heads import CannotCompare, Listing, Shelf, SignedHeads, SigningKey
from audit.verification import Finding, Verification

ALTERED, NOT_VERIFIED = 1, 2
SAY_EVERY_SECONDS = 10.0


class Command(BaseCommand):
    help = (
        "Names every alteration of the ledger by chain and position, compares it with the list signed by the "
        "verification before, and signs the next one when nothing was found. Exits with 0 when nothing was "
        "found, 1 when something was, 2 when it could not be verified."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dossier", type=UUID, metavar="UUID", help="verify this chain only; sign nothing"
        )
        parser.add_argument("--new-key", action="store_true", help="sign with a new version of the key")
        parser.add_argument(
            "--accept",
            metavar="REASON",
            default="",
            help="sign what is there in spite of what was found: the reason is kept in the list",
        )
        parser.add_argument("--quiet", action="store_true", help="say nothing while it lasts")

    def handle(self, *, dossier: UUID | None, new_key: bool, accept: str, quiet: bool, **_: Any) -> None:
        shelf = Shelf(Path(settings.DMP_LEDGER_HEADS), Path(settings.DMP_LEDGER_KEY))
        try:
            with shelf.alone():
                if dossier:
                    self._one_chain(dossier, shelf)
                else:
                    self._all(shelf, new_key=new_key, accept=accept, quiet=quiet)
        except CannotCompare as fault:
            raise CommandError(str(fault), returncode=NOT_VERIFIED) from None
        except DatabaseError as fault:
            raise CommandError(
                f"The database does not answer ({type(fault).__name__}).", returncode=NOT_VERIFIED
            ) from None
        except OSError as fault:
            where = fault.filename or shelf.folder
            raise CommandError(f"{where}: {fault.strerror}.", returncode=NOT_VERIFIED) from None

    def _one_chain(self, dossier: UUID, shelf: Shelf) -> None:
        key = shelf.key()
        latest = shelf.latest(key) if key else None
        end = latest.of(dossier) if latest else None
        verification = Verification(signed=[(dossier, end)] if end else ())
        for finding in verification.of_ledger(chain=dossier):
            self.stdout.write(str(finding))
        if not verification.chains:
            raise CommandError(f"There is no chain {dossier}.", returncode=NOT_VERIFIED)
        self._conclude(verification)

    def _all(self, shelf: Shelf, *, new_key: bool, accept: str, quiet: bool) -> None:
        key = shelf.key()
        latest = self._latest(shelf, key, accept)
        key = key or SigningKey.fresh(shelf.key_path)
        if new_key:
            key.renew()
        with shelf.writing() as listing:
            verification = Verification(signed=latest or (), reached=listing.add)
            for finding in self._told(verification, quiet):
                self.stdout.write(str(finding))
            if latest:
                self.stdout.write(f"Compared with list {latest.number}, signed {latest.at}.")
            else:
                self.stdout.write("No list was signed before: what was cut until now cannot be known.")
            if accept or not verification.findings:
                self._sign(shelf, listing, key, accept)
        self._conclude(verification)

    def _latest(self, shelf: Shelf, key: SigningKey | None, accept: str) -> SignedHeads | None:
        try:
            return shelf.latest(key) if key else None
        except CannotCompare as fault:
            if not accept:
                raise
            self.stdout.write(str(fault))
            return None

    def _sign(self, shelf: Shelf, listing: Listing, key: SigningKey, note: str) -> None:
        number = shelf.sign(listing, key, at=timezone.now(), note=note)
        self.stdout.write(f"List {number} signed: {listing.chains} chains, {listing.entries} entries.")

    def _told(self, verification: Verification, quiet: bool) -> Iterator[Finding]:
        """The findings, and how far it is from time to time."""
        said_at = time.monotonic()

        def say_how_far(*_: object) -> None:
            nonlocal said_at
            if time.monotonic() - said_at > SAY_EVERY_SECONDS:
                said_at = time.monotonic()
                print(f"… {verification.entries} entries in {verification.chains} chains", file=sys.stderr)

        add = verification.reached
        if add and not quiet:
            verification.reached = lambda *end: (add(*end), say_how_far())
        return verification.of_ledger()

    def _conclude(self, verification: Verification) -> None:
        self.stdout.write(f"{verification.entries} entries in {verification.chains} chains verified.")
        if verification.findings:
            raise CommandError(f"{verification.findings} alterations found.", returncode=ALTERED)
