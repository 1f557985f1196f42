from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.verification import Verification


class Command(BaseCommand):
    help = "Names every alteration of the ledger by chain and position; exits with 1 when there is one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dossier", type=UUID, metavar="UUID", help="verify this chain only")

    def handle(self, *, dossier: UUID | None, **_: Any) -> None:
        verification = Verification()
        for finding in verification.of_ledger(chain=dossier):
            self.stdout.write(str(finding))
        if dossier and not verification.chains:
            raise CommandError(f"There is no chain {dossier}.")
        self.stdout.write(f"{verification.entries} entries in {verification.chains} chains verified.")
        if verification.findings:
            raise CommandError(f"{verification.findings} alterations found.", returncode=1)
