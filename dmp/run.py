"""`make run`: the whole house and its sandbox, in one terminal, until Ctrl-C.

This process starts the servers, then becomes a Django of its own once their addresses are known: it makes the
tables and plays the demonstration itself, since each further process takes seconds to start.
"""

import errno
import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from dmp import children, house, keys, places
from dmp.children import CannotStart
from dmp.house import House

ASKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)


class AskedToStop(BaseException):
    """Ctrl-C, or a polite signal."""


def main() -> int:
    """What the shell is told: 0 when everything was stopped on demand."""
    children.die_with_parent()
    stop_politely()
    var = places.var(os.environ)
    try:
        house.refuse_a_busy_port(places.port(os.environ), "PORT")
        with alone_in(var):
            live_in(House(var, places.port(os.environ), os.environ))
    except CannotStart as sentence:
        print(sentence, file=sys.stderr)
        return 1
    except OSError as failure:
        if failure.errno not in NOT_WRITABLE:
            raise
        print(f"{failure.filename or var} n’est pas accessible en écriture.", file=sys.stderr)
        return 1
    return 0


def live_in(home: House) -> None:
    started = time.monotonic()
    try:
        say("Démarrage…")
        keys.make(home.var, demo=True)
        home.open_sandbox()
        home.open_database()
        home.open_redis()
        become_django(home)
        make_tables_and_files()
        home.open_web()
        people = play(home)
        home.open_workers()
        home.wait_for_web()
        say(people)
        say(f"Prêt en {time.monotonic() - started:.1f} s : {home.address}/")
        say("Ctrl-C arrête tout.")
        for name in home.watch():
            say(f"Le processus « {name} » s’était arrêté : il est relancé.")
    except AskedToStop:
        say("\nArrêt…")
    finally:
        for asked in ASKED:
            signal.signal(asked, signal.SIG_IGN)
        home.close()
    say("Tout est arrêté.")


def become_django(home: House) -> None:
    os.environ.update(home.environment)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dmp.settings")
    import django

    django.setup()
    logging.getLogger().setLevel(logging.ERROR)  # this terminal is for people


def make_tables_and_files() -> None:
    from django.core.management import call_command

    call_command("migrate", database="owner", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)


def play(home: House) -> str:
    """The cast plays itself into the database, before any worker works; who one can be."""
    from django.core.management import call_command
    from django.db import connections

    home.wait_for_sandbox()
    programme = StringIO()
    call_command("demo", stdout=programme)
    connections.close_all()
    return programme.getvalue()


def say(words: str) -> None:
    print(words, flush=True)


def stop_politely() -> None:
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
            raise CannotStart(f"Le DMP tourne déjà dans {var} : arrêtez-le d’abord.") from None
        yield


if __name__ == "__main__":
    sys.exit(main())
