"""What is wrong with this installation, in sentences, each with its way out: `manage.py doctor`.

It looks from where it runs, with the settings of the process it runs beside; it changes nothing and reads
nothing of anybody.
"""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from dmp import checks, surroundings
from dmp.checks import Process
from jobs.urgency import Urgency
from vault.keyfile import KeyName, UnusableKeys
from vault.providers import provider
from vault.startup import WrongKey

LITTLE_ROOM = 2 << 30  # bytes
PATIENCE_SECONDS = 2.0
MOST_AHEAD_SECONDS = 2.0
DAY = 86_400.0  # seconds
LATE_BACKUP = {"log": 900.0, "contents": 900.0, "base": 9 * DAY, "verification": 1.5 * DAY}  # seconds
LATE = {Urgency.CODES: 30, Urgency.FOREGROUND: 600, Urgency.CHECKS: 1800, Urgency.BULK: 6 * 3600}  # seconds


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and what to do. `serious` when people feel it."""

    wrong: str
    way_out: str
    serious: bool = True


Examination = Callable[[], Iterator[Finding]]


def examine() -> list[Finding]:
    """Everything that is wrong, the serious first. What the database knows is left out while it is away."""
    found = [*configuration(), *room(), *bell(), *outside(), *checker(), *saved()]
    answers = [*database(), *doors()]
    found += answers
    if not any(finding.serious for finding in answers):
        for examination in (tables, keys, waiting, journal, clocks):
            found += examination()
    return sorted(found, key=lambda finding: not finding.serious)


def configuration() -> Iterator[Finding]:
    """What would keep a process from starting."""
    if settings.DMP_DEMO:
        return
    for process in (Process.WEB, Process.WORKER):
        for name in checks.missing(process):
            yield Finding(
                f"{name} is not set here: a {process} process would not start.",
                "Set it in that process's environment; docs/operating.md says what it means.",
                serious=False,  # this process may be another one, which does not need it
            )
    if not settings.SECURE:
        yield Finding("DMP_BASE_URL does not begin with https://.", "Serve people over TLS.")


def database() -> Iterator[Finding]:
    """Whether PostgreSQL answers, and may be written to."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery(), current_setting('transaction_read_only')")
            recovering, read_only = cursor.fetchone()
    except WrongKey as fault:
        yield Finding(
            f"The keys are not those of this database: {fault}.", "Bring the key file it was written with."
        )
    except UnusableKeys as fault:
        yield Finding(str(fault), "See « Keys » in docs/operating.md.")
    except DatabaseError:
        yield Finding("PostgreSQL does not answer.", "Start it, or correct DATABASE_URL.")
    else:
        if recovering:
            yield Finding(
                "PostgreSQL is a replica: nothing can be written.", "Promote it, or use the primary."
            )
        elif read_only == "on":
            yield Finding("PostgreSQL is read-only.", "Find who set default_transaction_read_only, and why.")


def doors() -> Iterator[Finding]:
    """Whether this is the database that wrote last."""
    if shut := surroundings.doors_shut():
        yield Finding(
            f"The doors are shut: {shut}.",
            "See « After a restore » in docs/operating.md: manage.py after_restore",
        )


def journal() -> Iterator[Finding]:
    """Whether what is withdrawn is written outside the database."""
    if not surroundings.journal_is_writable():
        yield Finding(
            f"The journal cannot be written in {settings.DMP_JOURNAL}: no agreement is accepted.",
            "Give it to this user, and room. Withdrawals are done and wait in the database.",
        )
    if waiting := surroundings.lines_waiting():
        yield Finding(
            f"{waiting} withdrawals wait to be written in the journal.",
            "Once it can be written, the scheduler does it: is it running?",
        )


def checker() -> Iterator[Finding]:
    """Whether deposited files can be checked."""
    if surroundings.checker_answers() is False:
        yield Finding(
            f"The checker does not answer at {settings.DMP_CHECKER_SOCKET}: deposits stay in quarantine.",
            "Start it: python -m documents.checker, with the same socket.",
        )


def clocks() -> Iterator[Finding]:
    """Whether this machine and the database agree on the time."""
    ahead = surroundings.clock_ahead()
    if ahead is not None and abs(ahead) > MOST_AHEAD_SECONDS:
        yield Finding(
            f"This machine is {abs(ahead):.0f} seconds {'ahead of' if ahead > 0 else 'behind'} the database.",
            "Set both clocks by NTP.",
            serious=False,
        )


def saved() -> Iterator[Finding]:
    """Whether what must survive this machine was saved, and looked at."""
    backup = surroundings.backup()
    if backup is None:
        if not settings.DMP_DEMO:
            yield Finding(
                f"No backup is known here ({settings.DMP_BACKUP_STATUS}).",
                "Start the profile backup, or see that yours does as much: docs/operating.md.",
                serious=False,
            )
        return
    for part, most in LATE_BACKUP.items():
        if (age := backup.ages.get(part)) is None or age > most:
            since = "never saved" if age is None else f"{age / 3600:.0f} hours old"
            yield Finding(f"Of the backup, the {part} is {since}.", "See the log of archive and verify.")
    if backup.sound is False:
        yield Finding(
            f"The last backup is not sound: {', '.join(backup.codes)}.",
            "The log of verify says what it found; docs/operating.md, « Saving and restoring ».",
        )


def tables() -> Iterator[Finding]:
    """Whether the tables are those of this code."""
    try:
        executor = MigrationExecutor(connections["owner"])
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        yield Finding(
            "Whether the tables are those of this code cannot be told from here.",
            "Run the doctor where DATABASE_OWNER_URL is known, beside `prepare`.",
            serious=False,
        )
        return
    if plan:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan)
        yield Finding(f"The tables are older than this code: {names}.", "Run: manage.py prepare")


def keys() -> Iterator[Finding]:
    """Whether a version of a key waits, or could die."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT version, retired_at IS NOT NULL FROM vault_kekcheck WHERE name = %s", [KeyName.KEK.value]
        )
        registered = dict(cursor.fetchall())
    held = set(provider().versions(KeyName.KEK))
    for version in sorted(held - set(registered)):
        yield Finding(
            f"Version {version} of the key that wraps the others is not registered, and not used.",
            "Run: manage.py prepare",
            serious=False,
        )
    for version in sorted(held & {number for number, retired in registered.items() if retired}):
        yield Finding(
            f"Version {version} of that key is retired and still in the key file.",
            f"Once the backups made before are gone: manage.py drop_kek {version}",
            serious=False,
        )


def waiting() -> Iterator[Finding]:
    """Whether work is done."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT urgency, extract(epoch FROM statement_timestamp() - min(run_after)) FROM jobs_job"
            " WHERE state = 'ready' AND run_after <= statement_timestamp() GROUP BY urgency"
        )
        ages = cursor.fetchall()
        cursor.execute(
            "SELECT kind, code, count(*) FROM jobs_job WHERE state IN ('held', 'dead')"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        )
        decisions = cursor.fetchall()
    for urgency, age in ages:
        if age > LATE[Urgency(urgency)]:
            yield Finding(
                f"A job of class “{Urgency(urgency).queue}” has been due for {int(age)} seconds.",
                "Is a worker running, and does it reach PostgreSQL? See its log.",
            )
    for kind, code, count in decisions:
        yield Finding(f"{count} “{kind}” wait for a person ({code}).", "Open /equipe/.", serious=False)


def room() -> Iterator[Finding]:
    """Whether contents can be stored."""
    store = Path(settings.DOCUMENT_STORE)
    place = next((each for each in (store, *store.parents) if each.exists()), Path("/"))
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as failure:
        yield Finding(
            f"{place} cannot be written: {os.strerror(failure.errno or 0)}.", "Give it to this user."
        )
        return
    if (left := shutil.disk_usage(place).free) < LITTLE_ROOM:
        yield Finding(f"{left >> 20} MiB are left where contents are stored.", "Make room.")


def bell() -> Iterator[Finding]:
    """Whether workers are told at once."""
    try:
        client = redis.Redis.from_url(settings.DMP_REDIS_URL, socket_connect_timeout=PATIENCE_SECONDS)
        client.ping()
    except redis.RedisError:
        yield Finding(
            "Redis or Valkey does not answer: everything works, jobs start a few seconds later.",
            "Start it, or correct REDIS_URL.",
            serious=False,
        )


def outside() -> Iterator[Finding]:
    """Whether those we depend on can be reached at all."""
    named = {
        "The Assurance Maladie": settings.DMP_HISTORY_URL,
        "Pro Santé Connect": settings.DMP_PSC_ISSUER,
        "Who sends SMS": settings.DMP_SMS_URL,
        "The card reader": settings.DMP_READER_URL,
    }
    for name, url in named.items():
        parts = urlsplit(url)
        if not parts.hostname:
            continue
        yield from _reached(name, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    if settings.DMP_SMTP_HOST:
        yield from _reached("Who sends mail", settings.DMP_SMTP_HOST, settings.DMP_SMTP_PORT)


def _reached(name: str, host: str, port: int) -> Iterator[Finding]:
    try:
        socket.create_connection((host, port), timeout=PATIENCE_SECONDS).close()
    except OSError:
        yield Finding(
            f"{name} cannot be reached at {host}:{port} from here.",
            "Is it up, and may this machine reach it (network, proxy)?",
            serious=False,
        )
