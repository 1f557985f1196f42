"""Bringing the tables up to date while the previous release still runs on them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from django.core.management import call_command
from django.db import OperationalError, connections
from django.db.migrations.recorder import MigrationRecorder

OWNER = "owner"
# A change that waits for a table makes everybody else wait behind it: it gives up at once, and tries again.
LOCK_SECONDS, TRIES, PAUSE_SECONDS = 3, 20, 3.0
ONE_AT_A_TIME = 0x646D70  # the name of an advisory lock: two containers may start together

Say = Callable[[str], object]


class StillInUse(Exception):
    """A table was in use each time: nothing of the pending change was done."""


def bring_up_to_date(say: Say, *, pause: float = PAUSE_SECONDS) -> None:
    """Apply what is pending, change by change, and say where the schema stands. Raises StillInUse."""
    with one_at_a_time():
        for attempt in range(1, TRIES + 1):
            with connections[OWNER].cursor() as cursor:
                cursor.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
            try:
                apply()
                break
            except OperationalError as failure:
                if not isinstance(failure.__cause__, psycopg.errors.LockNotAvailable):
                    raise
                if attempt == TRIES:
                    raise StillInUse from None
                say(f"A table is in use: trying again ({attempt} of {TRIES}).")
                time.sleep(pause)
    say(f"Schema: {version()}.")


def apply() -> None:
    call_command("migrate", database=OWNER, interactive=False)


def version() -> str:
    """The last change of each package, as « accounts 0003, audit 0002 »."""
    last: dict[str, str] = {}
    for package, name in sorted(MigrationRecorder(connections[OWNER]).applied_migrations()):
        last[package] = name.partition("_")[0]
    return ", ".join(f"{package} {number}" for package, number in last.items())


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for whoever brings the same database up to date."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
    try:
        yield
    finally:
        with connections[OWNER].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])
