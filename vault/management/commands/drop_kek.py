from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from vault import keyfile
from vault.keyfile import KeyName


class Command(BaseCommand):
    help = "Destroys a retired version of the key-encryption key in the key file: what it wrapped is lost."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", type=int)
        parser.add_argument(
            "--although-backups-need-it",
            action="store_true",
            help="no backup made before it was retired is left, or none will ever be read",
        )

    def handle(self, *, version: int, although_backups_need_it: bool, **_: Any) -> None:
        days = settings.DMP_BACKUP_DAYS
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT retired_at, retired_at + make_interval(days => %s) < clock_timestamp()"
                " FROM vault_kekcheck WHERE name = %s AND version = %s AND retired_at IS NOT NULL",
                [days, KeyName.KEK.value, version],
            )
            found = cursor.fetchone()
        if found is None:
            raise CommandError(f"Version {version} is not retired: run retire_kek first.")
        retired_at, no_backup_needs_it = found
        if not (no_backup_needs_it or although_backups_need_it):
            raise CommandError(
                f"Version {version} was retired on {retired_at:%Y-%m-%d}: backups are kept {days} days, and"
                " those made before cannot be read without it. --although-backups-need-it destroys it anyway."
            )
        path = Path(settings.VAULT["KEYS"])
        keys = keyfile.load(path, demo_allowed=settings.DMP_DEMO)
        if version not in keys.keys[KeyName.KEK]:
            raise CommandError(f"There is no version {version} in {path}; nothing was changed.")
        keyfile.replace(path, keys.without_version(KeyName.KEK, version))
        self.stdout.write(f"Version {version} is gone from {path}. Destroy its copies too.")
