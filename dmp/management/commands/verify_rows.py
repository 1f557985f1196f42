from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dossiers import holders
from vault.rows import RowVerification


class Command(BaseCommand):
    help = "Names every row in which what decides a right was altered; exits with 1 when there is one."

    def handle(self, **_: Any) -> None:
        verification = RowVerification()
        for altered in verification.of_all():
            self.stdout.write(str(altered))
        for altered in chain(holders.misnamed(), holders.unobjected()):
            verification.altered += 1
            self.stdout.write(str(altered))
        self.stdout.write(f"{verification.rows} rows verified.")
        if verification.altered:
            raise CommandError(f"{verification.altered} rows altered.", returncode=1)
