import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Starts the whole house, with its sandbox, until Ctrl-C: the same as `make run`."
    requires_system_checks: list[str] = []

    def handle(self, **_: Any) -> None:
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "dmp.run"])  # noqa: S606  no shell is wanted
