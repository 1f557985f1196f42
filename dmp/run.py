"""`make run`: the whole house and its sandbox, in one terminal, until Ctrl-C.

This process starts the servers, then becomes a Django of its own once their addresses are known: it makes the
tables and plays the demonstration itself, since each further process takes seconds to start.

What is imported here is light, so that a Ctrl-C is answered from the first moment; the rest waits for `main`.
"""

import fcntl
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from dmp import children, places, terminal
from dmp.children import CannotStart
from dmp.terminal import AskedToStop, say

if TYPE_CHECKING:
    from dmp.house import House

ROOM_MEGABYTES = 400  # a new database, its log, the demonstration


def main() -> int:
    """What the shell is told: 0 when everything was stopped on demand."""
    try:
        return _until_the_end()
    except AskedToStop:  # whatever was being done, saying why nothing starts included
        say("\nArrêt…\nTout est arrêté.")
        return 0


def _until_the_end() -> int:
    children.die_with_parent()
    terminal.speak_its_language()
    var = places.ROOT
    try:
        terminal.stop_politely()
        var = places.var(os.environ)
        refuse_what_cannot_be(var)
        with alone_in(var):
            from dmp.house import House

            live_in(House(var, places.port(os.environ), os.environ))
    except AskedToStop:
        raise
    except (CannotStart, places.Unusable) as sentence:
        say(places.full(var) if places.is_full(var) else str(sentence), to_errors=True)
        return 1
    except Exception as failure:  # the last door before the terminal: a sentence, then the end
        say(what_happened(failure, var), to_errors=True)
        return 1
    return 0


def refuse_what_cannot_be(var: Path) -> None:
    """What would fail later, further from its cause. Raises CannotStart or Unusable."""
    port = places.port(os.environ)
    for name in ("SANDBOX_PORT", "DMP_SMTP_PORT", "DMP_POST_DELAY_HOURS", "DMP_GRANT_DAYS"):
        places.number(os.environ, name, 1, most=places.HIGHEST_PORT)
    places.refuse_a_port_not_ours(port, "PORT")
    if not os.environ.get("DATABASE_URL"):
        children.refuse_root_without_namespaces()
    if sentence := places.somebody_elses(var) or places.not_writable(var):
        raise CannotStart(sentence)
    var.mkdir(parents=True, exist_ok=True)
    free = places.free_megabytes(var)
    if not (var / "pg" / "PG_VERSION").exists() and free < ROOM_MEGABYTES:
        raise CannotStart(f"Il faut {ROOM_MEGABYTES} Mo de libres dans {var} : il en reste {free}.")
    if places.is_full(var):
        raise CannotStart(places.full(var))


def live_in(home: "House") -> None:
    from dmp import keys

    started = time.monotonic()
    try:
        say("Démarrage…")
        keys.make(home.var, demo=True)
        home.open_checker()
        home.open_sandbox()
        home.open_database()
        home.open_redis()
        become_django(home)
        make_tables_and_files()
        home.open_web()
        people = play(home)
        home.wait_for_web()
        home.open_workers()  # three more that start: after the first page, not before
        say("\n".join((people, *home.outside.sentences)))
        say(f"Prêt en {time.monotonic() - started:.1f} s : {home.address}/")
        say("Ctrl-C arrête tout.")
        for sentence in home.watch():
            say(sentence)
    except AskedToStop:
        terminal.stop_listening()  # Ctrl-C twice is once
        say("\nArrêt…")
    finally:
        terminal.stop_listening()
        home.close()
    say("Tout est arrêté.")


def what_happened(failure: BaseException, var: Path) -> str:
    """One sentence; what a developer wants to read goes to a file."""
    if sentence := places.fault(failure, var):
        return sentence
    log = var / "log" / "run.log"
    with suppress(OSError), log.open("a", encoding="utf-8") as file:
        traceback.print_exception(failure, file=file)
    return f"Le démarrage a échoué ({type(failure).__name__}) : le détail est dans {log}"


def become_django(home: "House") -> None:
    os.environ.update(home.environment)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dmp.settings")
    import django

    django.setup()
    logging.getLogger().setLevel(logging.ERROR)  # this terminal is for people


def make_tables_and_files() -> None:
    from django.core.management import call_command

    call_command("migrate", database="owner", verbosity=0, interactive=False)
    call_command("bind_rows", verbosity=0)
    call_command("complete_search", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)


def play(home: "House") -> str:
    """The cast plays itself into the database, before any worker works; who one can be."""
    from django.core.management import call_command
    from django.db import connections

    home.wait_for_sandbox()
    programme = StringIO()
    call_command("demo", stdout=programme, employees_only=not home.outside.leaves_the_cast_alone)
    connections.close_all()
    return programme.getvalue()


@contextmanager
def alone_in(var: Path) -> Iterator[None]:
    """One house at a time in a `var`. Raises CannotStart when it is taken."""
    with (var / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"Le DMP tourne déjà dans {var} : arrêtez-le d’abord.") from None
        yield


if __name__ == "__main__":
    sys.exit(main())
