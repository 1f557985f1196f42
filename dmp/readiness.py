"""Can this process serve? Looked at again and again by a thread of its own, while somebody asks.

So the answer is always at hand, asking holds nobody, and a database or a disk that no longer answers at all
is a reason like any other. Redis is none: everything works without it.
"""

import pkgutil
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from threading import Event, Lock, Thread

from django.apps import apps
from django.core.files.storage import storages
from django.db import DatabaseError, connections

from jobs import clock
from revocation import doors
from vault import startup
from vault.keyfile import UnusableKeys

EVERY_SECONDS = 1.0
LATE_SECONDS = 5.0  # a look that lasts longer will not end: what it looks at is the reason
UNASKED_SECONDS = 120.0  # after which nobody looks any more

# What the next connection would be, not this one alone: settings of a role or a database count from then.
STATE = """
SELECT current_setting('in_hot_standby')::bool,
       current_setting('transaction_read_only')::bool OR coalesce(
         (SELECT split_part(setting, '=', 2)::bool
            FROM pg_db_role_setting, unnest(setconfig) AS setting
           WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
             AND setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user))
             AND setting LIKE 'default_transaction_read_only=%'
           ORDER BY setrole <> 0 DESC, setdatabase <> 0 DESC
           LIMIT 1),
         false)
"""


class NotReady(Exception):
    """One word: why this process cannot serve."""


def the_database_can_be_written() -> None:
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute(STATE)
            recovers, reads_only = cursor.fetchone()
    except (startup.WrongKey, UnusableKeys):
        raise NotReady("key") from None
    except doors.DoorsShut:
        raise NotReady("doors") from None
    if recovers:
        raise NotReady("recovery")
    if reads_only:
        raise NotReady("read-only")
    clock.measure()  # who is not of the database's time is told so in the log, and serves


def nothing_that_was_taken_away_is_lost() -> None:
    """A database that was restored serves nobody until it was mended."""
    if doors.shut_because():
        raise NotReady("doors")


def no_migration_is_pending() -> None:
    """A database that has more than this release knows is that of the next one, which serves with both."""
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations")
            applied = set(cursor.fetchall())
    except DatabaseError:
        raise NotReady("migrations") from None
    if not known_migrations() <= applied:
        raise NotReady("migrations")


@lru_cache(maxsize=1)
def known_migrations() -> frozenset[tuple[str, str]]:
    """Those that this release came with: application and name."""
    return frozenset(
        (app.label, module.name)
        for app in apps.get_app_configs()
        for module in pkgutil.iter_modules([str(Path(app.path) / "migrations")])
        if not module.ispkg
    )


def the_key_is_that_of_the_database() -> None:
    """As it would be found by a process that starts now."""
    try:
        fault = startup.fault_of_the_keys_at_hand(connections["default"])
    except (UnusableKeys, OSError):
        raise NotReady("key") from None
    if fault:
        raise NotReady("key")


def the_store_can_be_written() -> None:
    probe = getattr(storages["default"], "probe", None)
    try:
        if probe is not None:
            probe()
    except OSError:
        raise NotReady("store") from None


# In this order; each word stands for a look that does not end, too.
LOOKS: tuple[tuple[str, Callable[[], None]], ...] = (
    ("database", the_database_can_be_written),
    ("doors", nothing_that_was_taken_away_is_lost),
    ("migrations", no_migration_is_pending),
    ("key", the_key_is_that_of_the_database),
    ("store", the_store_can_be_written),
)


class Watch:
    """What was seen last, and the thread that looks."""

    def __init__(self, looks: tuple[tuple[str, Callable[[], None]], ...] = LOOKS) -> None:
        self._looks = looks
        self._lock = Lock()
        self._thread: Thread | None = None
        self._stopping = Event()
        self._seen = Event()
        self._looking_at = looks[0][0]
        self._word = ""
        self._seen_at = self._asked_at = 0.0

    def word(self) -> str:
        """Why this process cannot serve, in one word; empty when it can."""
        self._asked_at = time.monotonic()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._seen.clear()
                self._stopping.clear()
                self._thread = Thread(target=self._watch, name="readiness", daemon=True)
                self._thread.start()
        if not self._seen.wait(LATE_SECONDS) or time.monotonic() - self._seen_at > LATE_SECONDS:
            return self._looking_at
        return self._word

    def stop(self) -> None:
        """Look no more, and leave the database."""
        thread, self._thread = self._thread, None
        self._stopping.set()
        if thread is not None:
            thread.join(LATE_SECONDS)

    def _watch(self) -> None:
        stopping = self._stopping
        try:
            while True:  # once at least, however late this thread gets the processor: somebody waits
                self._word = self._look()
                self._seen_at = time.monotonic()
                self._seen.set()
                if stopping.wait(EVERY_SECONDS) or time.monotonic() - self._asked_at > UNASKED_SECONDS:
                    return
        finally:
            connections.close_all()

    def _look(self) -> str:
        for word, look in self._looks:
            self._looking_at = word
            try:
                look()
            except NotReady as reason:
                return str(reason)
            except DatabaseError:
                connections.close_all()  # the next look begins with a new one
                return "database"
        return ""


watch = Watch()
