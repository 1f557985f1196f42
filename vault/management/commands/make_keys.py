from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from vault import keyfile
from vault.keyfile import KeyFile, KeyName


class Command(BaseCommand):
    help = "Makes the key file or, with --new-kek, one more version of the key that wraps the others."
    requires_system_checks: list[str] = []  # they ask for the file this command makes

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="keys of a demonstration, refused elsewhere")
        parser.add_argument("--if-missing", action="store_true", help="leave a file that exists as it is")
        parser.add_argument(
            "--new-kek", action="store_true", help="add a version; what exists stays readable"
        )

    def handle(self, *, demo: bool, if_missing: bool, new_kek: bool, **_: Any) -> None:
        path = Path(settings.VAULT["KEYS"])
        if new_kek:
            self._add_kek(path)
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            keyfile.write_new(path, KeyFile.fresh(demo=demo))
        except FileExistsError:
            if if_missing:
                return
            raise CommandError(f"There is a key file at {path} already; nothing was changed.") from None
        self.stdout.write(f"Keys written to {path}. Keep a copy elsewhere: without them nothing can be read.")

    def _add_kek(self, path: Path) -> None:
        try:
            keys = keyfile.load(path, demo_allowed=True)
        except keyfile.UnusableKeys as fault:
            raise CommandError(str(fault)) from None
        keyfile.replace(path, keys.with_new_version(KeyName.KEK))
        self.stdout.write(f"New key-encryption key in {path}. It serves once `prepare` has run.")
