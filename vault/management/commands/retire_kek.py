from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from vault import rewrapping


class Command(BaseCommand):
    help = (
        "Lets the key file lose a version under which nothing is wrapped. As the owner (DATABASE_OWNER_URL)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", type=int)

    def handle(self, *, version: int, **_: Any) -> None:
        try:
            rewrapping.retire(connections["owner"], version)
        except rewrapping.StillInUse as use:
            raise CommandError(
                f"{use.count} keys are wrapped under version {version}: run rewrap_keys first."
            ) from None
        except rewrapping.CannotRetire:
            minutes = int(rewrapping.NOTICED_AFTER.total_seconds() // 60)
            raise CommandError(
                f"Version {version} is not registered, or no newer one has served for {minutes} minutes."
            ) from None
        self.stdout.write(
            f"Version {version} is retired. Backups made before today still need it: keep it as long as they"
            " last, then run drop_kek where the key file is."
        )
