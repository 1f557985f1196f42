import os
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from dmp import checks, pg, schema
from vault.startup import WrongKey


class Command(BaseCommand):
    help = (
        "Makes or completes the database: roles and walls (DATABASE_ADMIN_URL), tables (DATABASE_OWNER_URL)."
    )
    requires_system_checks: list[str] = []

    def handle(self, **_: Any) -> None:
        checks.refuse_to_start_unsound(checks.Process.PREPARE)
        if administrator := os.environ.get("DATABASE_ADMIN_URL"):
            passwords = {
                "dmp_app": password_in("DATABASE_URL"),
                "dmp_owner": password_in("DATABASE_OWNER_URL"),
                pg.BACKUP_LOGIN: os.environ.get("DMP_BACKUP_PASSWORD", ""),
            }
            pg.adopt(administrator, passwords)
        try:
            schema.bring_up_to_date(self.stdout.write)
            call_command("bind_rows")
            call_command("complete_search")
        except WrongKey as fault:
            raise CommandError(f"Wrong key: {fault}.") from None
        except schema.StillInUse:
            raise CommandError("A table stayed in use: end what holds it, and run this again.") from None


def password_in(name: str) -> str:
    password = urlsplit(os.environ.get(name, "")).password
    if not password:
        raise CommandError(f"{name} has no password.")
    return unquote(password)
