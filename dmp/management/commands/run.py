import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dmp import children, house, keys
from dmp.house import House


class AskedToStop(BaseException):
    """Ctrl-C, or a polite signal."""


class Command(BaseCommand):
    help = "Starts the whole house, with its sandbox, until Ctrl-C."
    requires_system_checks = []

    def handle(self, **_: Any) -> None:
        children.die_with_parent()
        _stop_politely()
        started = time.monotonic()
        try:
            house.refuse_a_busy_port(settings.DMP_PORT, "PORT")
            with alone_in(settings.DMP_VAR):
                self.live_in(House(settings.DMP_VAR, settings.DMP_PORT, os.environ), started)
        except children.CannotStart as sentence:
            raise CommandError(str(sentence)) from None
        except OSError as failure:
            if isinstance(failure, PermissionError) or failure.errno == 30:  # EROFS
                raise CommandError(
                    f"{failure.filename or settings.DMP_VAR} n’est pas accessible en écriture."
                ) from None
            raise

    def live_in(self, home: House, started: float) -> None:
        try:
            keys.make(home.var, demo=True)
            self.stdout.write("Démarrage…")
            home.open_sandbox()
            home.open_database()
            home.open_redis()
            home.prepare()
            home.open_web()
            people = home.play()
            home.open_workers()
            home.wait()
            self.stdout.write(people)
            self.stdout.write(
                f"Prêt en {time.monotonic() - started:.1f} s : http://{house.HERE}:{home.port}/"
            )
            self.stdout.write("Ctrl-C arrête tout.")
            self.stdout.flush()
            for name in home.watch():
                self.stdout.write(f"Le processus « {name} » s’était arrêté : il est relancé.")
        except AskedToStop:
            self.stdout.write("\nArrêt…")
        finally:
            for asked in ASKED:
                signal.signal(asked, signal.SIG_IGN)
            home.close()
        self.stdout.write("Tout est arrêté.")


ASKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _stop_politely() -> None:
    """Installed explicitly: SIGINT is ignored in a background job."""

    def stop(*_: object) -> None:
        raise AskedToStop

    for asked in ASKED:
        signal.signal(asked, stop)


@contextmanager
def alone_in(var: Path) -> Iterator[None]:
    """One house at a time in a `var`. Raises CannotStart when it is taken."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise children.CannotStart(f"Le DMP tourne déjà dans {var} : arrêtez-le d’abord.") from None
        yield
