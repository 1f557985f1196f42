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

    def handle(self, *, version: int, **_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM vault_kekcheck WHERE name = %s AND version = %s AND retired_at IS NOT NULL",
                [KeyName.KEK.value, version],
            )
            if cursor.fetchone() is None:
                raise CommandError(f"Version {version} is not retired: run retire_kek first.")
        path = Path(settings.VAULT["KEYS"])
        keys = keyfile.load(path, demo_allowed=settings.DMP_DEMO)
        if version not in keys.keys[KeyName.KEK]:
            raise CommandError(f"There is no version {version} in {path}; nothing was changed.")
        keyfile.replace(path, keys.without_version(KeyName.KEK, version))
        self.stdout.write(f"Version {version} is gone from {path}. Destroy its copies too.")
