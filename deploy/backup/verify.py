"""Each night, restores the last backup where nobody sees it: `python -m deploy.backup.verify`.

What is looked at: that it restores; that nothing acknowledged is missing (counts); that each row and each
chain is as it was written (`verify_rows`, `verify_ledger`); that each content that a row names was saved;
that `after_restore` would open the doors with the journal as it is; that no backup is older than the journal.
It has the keys and no network.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import psycopg

from deploy.backup import copies
from deploy.backup.copies import Base, Copies, Series, now
from deploy.backup.restore import CannotRestore, lay_out, recovered
from dmp import logs

LOOK_SECONDS = 2.0
LATE = timedelta(hours=1)  # since when the log should have been saved, at least
LOST_AT_ONCE = 20

stopping = Event()


def faults(copied: Copies, series: Series, base: Base, scratch: Path) -> Iterator[tuple[str, str]]:
    """What is wrong with what was saved: a code, and what is known of it, naming nobody."""
    data = scratch / "cluster"
    try:
        lay_out(base, data)
        with recovered(data, series) as place:
            yield from missing_rows(copied, place)
            yield from missing_contents(copied, place)
            for code, command in (("rows", ["verify_rows"]), ("ledger", ["verify_ledger", "--quiet"])):
                yield from manage(code, command, place, scratch)
            # Last, and on a copy: it writes in the database and in the journal.
            yield from manage("after-restore", ["after_restore"], place, scratch)
    except CannotRestore as failure:
        yield "restore", str(failure).splitlines()[-1]
    except (psycopg.Error, OSError) as failure:
        yield "restore", type(failure).__name__


def too_old(copied: Copies, at: datetime) -> Iterator[tuple[str, str]]:
    """The journal, and retired keys, are kept for as long as a backup may be: none is older."""
    oldest = copied.oldest_at()
    if oldest is not None and at - oldest > timedelta(days=copied.days + 1):
        yield "too-old", f"a base backup of {oldest:%Y-%m-%d} is older than {copied.days} days"


def late(at: datetime) -> Iterator[tuple[str, str]]:
    told = copies.read_or_nothing(copies.status_file("archive")).get("log")
    if told is None or at - datetime.fromisoformat(told) > LATE:
        yield "late", f"the log was last saved at {told or 'no time known'}"


def missing_rows(copied: Copies, place: str) -> Iterator[tuple[str, str]]:
    """Of what only grows, there is as much as there was when the service counted."""
    counted = copies.read_or_nothing(copied.folder / "counts.json").get("counts", {})
    with psycopg.connect(f"{place} dbname={database()}", autocommit=True) as connection:
        found = dict(connection.execute("SELECT name, number FROM dmp_counts()").fetchall())
    for name, number in counted.items():
        if found.get(name, 0) < number:
            yield "counts", f"{name}: {found.get(name, 0)} rows, {number} were counted"


def missing_contents(copied: Copies, place: str) -> Iterator[tuple[str, str]]:
    lost = 0
    with (
        psycopg.connect(f"{place} dbname={database()}") as connection,
        connection.cursor("contents") as cursor,
    ):
        cursor.execute("SELECT blob FROM documents_content WHERE blob IS NOT NULL")
        for (blob,) in cursor:
            lost += not (copied.folder / "store" / blob).exists()
    if lost:
        yield "contents", f"{lost} contents were not saved"


def manage(code: str, command: list[str], place: str, scratch: Path) -> Iterator[tuple[str, str]]:
    """A command of the service, on what was restored."""
    host = dict(word.split("=", 1) for word in place.split())["host"]
    journal = scratch / "journal"
    if not journal.exists():
        shutil.copytree(os.environ["DMP_JOURNAL"], journal, ignore=shutil.ignore_patterns("probe-*", "lock"))
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://dmp_app@/{database()}?host={host}",
        "DATABASE_OWNER_URL": f"postgresql://dmp_owner@/{database()}?host={host}",
        "DMP_JOURNAL": str(journal),
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *command], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or done.stdout.strip().splitlines() or [""]
        yield code, said[-1]


def database() -> str:
    return os.environ.get("PGDATABASE") or "dmp"


def verify(copied: Copies, scratch: Path) -> bool | None:
    """Whether the last backup is sound. None when there is none yet."""
    found = copied.last()
    if found is None:
        return None
    shutil.rmtree(scratch / "night", ignore_errors=True)
    night = scratch / "night"
    night.mkdir(mode=0o700, parents=True)
    began = time.monotonic()
    at = now()
    wrong = [*late(at), *too_old(copied, at), *faults(copied, *found, night)]
    shutil.rmtree(night, ignore_errors=True)
    seconds = round(time.monotonic() - began, 1)
    for code, known in wrong:
        logs.write(event="backup unsound", level="error", logger="backup.verify", code=code, outcome=known)
    outcome = "unsound" if wrong else "sound"
    logs.write(
        event="backup verified", level="info", logger="backup.verify", outcome=outcome, seconds=seconds
    )
    payload = {
        "at": at.isoformat(),
        "sound": not wrong,
        "codes": [code for code, _ in wrong],
        "seconds": seconds,
    }
    copies.write(copies.status_file("verify"), payload)
    return not wrong


def due(last: datetime | None, at: datetime, hour: int) -> bool:
    """Whether the hour has struck since the last time."""
    if last is None:
        return True
    struck = at.replace(hour=hour, minute=0, second=0, microsecond=0)
    return last < (struck if struck <= at else struck - timedelta(days=1))


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    os.umask(0o077)
    copied, scratch = copies.here(), Path(os.environ["DMP_BACKUP_SCRATCH"])
    hour = int(os.environ.get("DMP_BACKUP_HOUR") or 3)
    while not stopping.is_set():
        told = copies.read_or_nothing(copies.status_file("verify")).get("at")
        if due(datetime.fromisoformat(told) if told else None, now(), hour):
            verify(copied, scratch)
        stopping.wait(LOOK_SECONDS)


if __name__ == "__main__":
    main()
