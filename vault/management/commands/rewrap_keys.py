from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from vault import rewrapping


class Command(BaseCommand):
    help = (
        "Wraps every key again under the newest key-encryption key. As the owner (DATABASE_OWNER_URL), while"
        " the service runs; stopped, it goes on where it stopped."
    )

    def handle(self, **_: Any) -> None:
        owner = connections["owner"]
        done = 0
        for count in rewrapping.rewrap(owner):
            done += count
            self.stdout.write(f"{done} keys wrapped again")
        in_use = rewrapping.in_use(owner)
        for version, count in sorted(in_use.items()):
            self.stdout.write(f"version {version}: {count} keys")
        if len(in_use) > 1:
            raise CommandError("Some keys are still wrapped under an older version. Run this again.")
