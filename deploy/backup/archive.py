"""Saves the database continuously, then the contents and the journal: `python -m deploy.backup.archive`.

The log of PostgreSQL is received as it is written (a replication slot keeps what was not), a base backup is
taken each `DMP_BACKUP_BASE_DAYS`. Contents are copied after the database: one without its row is harmless, a
row without its content is a loss. Keys are never copied here. Signs in as `dmp_backup`, by libpq's own
variables (`PGHOST`, `PGUSER`, `PGPASSWORD`, `PGDATABASE`), and needs no other secret.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import psycopg

from deploy.backup import copies
from deploy.backup.copies import Base, Copies, Series, now, position
from dmp import children, logs

SLOT = "dmp_backup"
LOOK_SECONDS = 1.0
PASS_SECONDS = 5.0
AGAIN_SECONDS = 5.0  # after what failed
COUNTED_EVERY = timedelta(hours=12)
WHOLE_PASS_EVERY = timedelta(days=1)
SLACK_SECONDS = 5.0  # between the clock of a file and ours

stopping = Event()


class NotSaved(Exception):
    """What could not be done, in one word, and what PostgreSQL's program said."""

    def __init__(self, what: str, words: str = "") -> None:
        super().__init__(what)
        self.what, self.words = what, words


class Server:
    """What PostgreSQL says to whoever copies it."""

    def identify(self) -> tuple[str, int]:
        """The cluster, and how far its log has come, in bytes."""
        system, _, lsn, _ = self.asked("IDENTIFY_SYSTEM")
        return system, position(lsn)

    def slot(self) -> int | None:
        """Up to where the log was received and is on our disk. None when the slot was lost, or never made."""
        _, lsn, _ = self.asked(f"READ_REPLICATION_SLOT {SLOT}")
        return position(lsn) if lsn else None

    def asked(self, command: str) -> list[str]:
        """The words of one command of the replication protocol; those that are absent are empty."""
        with psycopg.connect("replication=true", autocommit=True, connect_timeout=5) as connection:
            row = psycopg.ClientCursor(connection).execute(command).fetchone() or ()
            return [word.decode() if isinstance(word, bytes) else str(word or "") for word in row]

    def make_slot(self) -> None:
        with psycopg.connect("replication=true", autocommit=True, connect_timeout=5) as connection:
            cursor = psycopg.ClientCursor(connection)
            with contextlib.suppress(psycopg.errors.UndefinedObject):
                cursor.execute(f"DROP_REPLICATION_SLOT {SLOT}")
            cursor.execute(f"CREATE_REPLICATION_SLOT {SLOT} PHYSICAL RESERVE_WAL")

    def counts(self) -> dict[str, int]:
        with psycopg.connect("", autocommit=True, connect_timeout=5) as connection:
            return dict(connection.execute("SELECT name, number FROM dmp_counts()").fetchall())


class Archive:
    """One installation's, for as long as this process lives."""

    def __init__(self, kept: Copies, store: Path, journal: Path, base_days: int) -> None:
        self.copies, self.store, self.journal = kept, store, journal
        self.base_every = timedelta(days=base_days)
        self.server = Server()
        self.series: Series | None = None
        self.receiver: Child | None = None
        self.base: Child | None = None
        self.base_asked_at = now()
        self.asked: tuple[int, datetime] | None = None  # where the log was, and when
        self.through: datetime | None = None  # everything until then is on our disk
        self.store_at: datetime | None = None
        self.contents = Contents(kept, store)

    def look(self) -> None:
        """What must be done now. Raises NotSaved, psycopg.Error, OSError."""
        if self.receiver is None or self.receiver.ended is not None:
            self.receive()
        self.measure()
        if self.base is not None:
            if self.base.ended is not None:
                self.finish_base()
        elif self.base_is_due():
            self.begin_base()

    def receive(self) -> None:
        """Go on with the series, or begin one when the log has a gap."""
        if self.receiver is not None:
            say("error", "log not received", code="receiver", outcome=self.receiver.last_words())
            self.end_receiver()
        system, _ = self.server.identify()
        known = self.copies.series()
        if not known or known[-1].system != system or self.server.slot() is None:
            self.end_base()
            self.server.make_slot()
            known.append(self.copies.begin_series(system, now()))
            say("warning" if len(known) > 1 else "info", "series begun", count=len(known))
        self.series = known[-1]
        command = ["pg_receivewal", "--no-loop", "--no-password", "--synchronous", f"--slot={SLOT}"]
        self.receiver = Child([*command, f"--directory={self.series.wal}"])

    def measure(self) -> None:
        """Everything until the instant of the last question is saved once the slot has passed its answer."""
        received = self.server.slot()
        if received is None:
            self.end_receiver()  # the server dropped what we had not received: a new series
            raise NotSaved("slot")
        if self.asked is not None and received >= self.asked[0]:
            self.through, self.asked = self.asked[1], None
            self.tell()
        if self.asked is None:
            at = now()
            self.asked = (self.server.identify()[1], at)

    def base_is_due(self) -> bool:
        assert self.series is not None
        bases = self.series.bases()
        return not bases or now() - bases[-1].at > self.base_every

    @property
    def draft(self) -> Path:
        assert self.series is not None
        return self.series.folder / "draft"

    def begin_base(self) -> None:
        shutil.rmtree(self.draft, ignore_errors=True)
        command = ["pg_basebackup", "--no-password", "--checkpoint=fast", "--wal-method=none"]
        command += ["--format=tar", "--compress=gzip:1", "--label=dmp", f"--pgdata={self.draft}"]
        self.base, self.base_asked_at = Child(command), now()

    def finish_base(self) -> None:
        """Whole once the log has been received up to its end."""
        assert self.base is not None
        if self.base.ended:
            words = self.base.last_words()
            self.end_base()
            raise NotSaved("base", words)
        _, end = copies.range_of(self.draft)
        received = self.server.slot()
        if received is None or received < end:
            return
        self.end_base()
        copies.base_taken(self.draft, now())
        self.count()
        self.contents.pass_over(whole=True)
        say("info", "base taken", seconds=round((now() - self.base_asked_at).total_seconds(), 1))
        self.tell()

    def count(self) -> None:
        counts = self.server.counts()
        copies.write(self.copies.folder / "counts.json", {"at": now().isoformat(), "counts": counts})

    def save_the_rest(self) -> None:
        """Contents and journal, after the log; then what is too old is removed."""
        at = now()
        self.contents.pass_over()
        self.save_journal()
        self.store_at = at
        counted = copies.read_or_nothing(self.copies.folder / "counts.json").get("at")
        if counted and at - datetime.fromisoformat(counted) > COUNTED_EVERY:
            self.count()
        if removed := self.copies.prune(at):
            say("info", "backups pruned", count=removed)
        self.tell()

    def save_journal(self) -> None:
        """Files that only grow, but the last known database. Those that the service cut are cut here too."""
        target = self.copies.folder / "journal"
        present = (
            {path.name for path in self.journal.glob("journal-*.jsonl")} if self.journal.exists() else set()
        )
        for name in present | {"database.json"}:
            source, copy = self.journal / name, target / name
            if source.exists() and not (copy.exists() and same(source, copy)):
                copies.copy_file(source, copy)
        if present:
            for path in target.glob("journal-*.jsonl"):
                if path.name not in present and path.name < min(present):
                    path.unlink()

    def tell(self) -> None:
        """What the service shows to whoever watches it."""
        last, oldest = self.copies.last(), self.copies.oldest_at()
        instants = {
            "log": self.through,
            "base": last[1].at if last else None,
            "oldest": oldest,
            "contents": self.store_at,
        }
        told = {name: instant.isoformat() for name, instant in instants.items() if instant}
        copies.write(copies.status_file("archive"), {"at": now().isoformat(), **told})

    def end_base(self) -> None:
        if self.base is not None:
            self.base.end()
            self.base = None

    def end_receiver(self) -> None:
        if self.receiver is not None:
            self.receiver.end()
            self.receiver = None

    def close(self) -> None:
        self.end_base()
        self.end_receiver()


class Contents:
    """The copy of the store: what appeared since the last pass; once a day, all of it."""

    def __init__(self, kept: Copies, store: Path) -> None:
        self.copy, self.store = kept.folder / "store", store
        self.gone_file, self.days = kept.folder / "gone.json", kept.days
        self.looked_at = 0.0
        self.whole_at: datetime | None = None

    def pass_over(self, *, whole: bool = False) -> int:
        """How many were copied."""
        at, began = now(), time.time()
        whole = whole or self.whole_at is None or at - self.whole_at > WHOLE_PASS_EVERY
        copied = 0
        for shelf in self.shelves(self.store):
            if whole or shelf.stat().st_mtime > self.looked_at - SLACK_SECONDS:
                copied += self.copy_shelf(shelf, since=0.0 if whole else self.looked_at - SLACK_SECONDS)
        self.looked_at = began
        if whole:
            self.whole_at = at
            self.forget_what_is_gone(at)
        if copied:
            say("info", "contents saved", count=copied)
        return copied

    def shelves(self, folder: Path) -> list[Path]:
        return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.exists() else []

    def copy_shelf(self, shelf: Path, *, since: float) -> int:
        copied = 0
        with os.scandir(shelf) as entries:
            for entry in entries:
                target = self.copy / shelf.name / entry.name
                if entry.name.startswith(".") or target.exists():
                    continue
                try:
                    if entry.stat().st_mtime >= since:
                        copies.copy_file(Path(entry.path), target)
                        copied += 1
                except FileNotFoundError:
                    continue  # removed meanwhile: no row names it
        return copied

    def forget_what_is_gone(self, at: datetime) -> None:
        """What the service removed stays as long as a backup may name it."""
        known = copies.read_or_nothing(self.gone_file)
        gone: dict[str, str] = {}
        for shelf in self.shelves(self.copy):
            for path in shelf.iterdir():
                name = f"{shelf.name}/{path.name}"
                if (self.store / name).exists():
                    continue
                since = known.get(name, at.isoformat())
                if at - datetime.fromisoformat(since) > timedelta(days=self.days + 1):
                    path.unlink()
                else:
                    gone[name] = since
        if gone != known:
            copies.write(self.gone_file, gone)


def same(source: Path, copy: Path) -> bool:
    """Files that only grow, and one small file that is replaced whole."""
    here, there = source.stat(), copy.stat()
    return here.st_size == there.st_size and here.st_mtime <= there.st_mtime


class Child:
    """A program of PostgreSQL's, and the last thing it says: places in the log and names of files, no row."""

    def __init__(self, command: list[str]) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the child
        self.process = subprocess.Popen(
            children.dying_with_us(list(command)),  # two that receive would fight for the slot
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.errors,
        )

    @property
    def ended(self) -> int | None:
        """Its status; None while it works."""
        return self.process.poll()

    def last_words(self) -> str:
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def end(self) -> None:
        if self.ended is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.errors.close()


def say(level: str, event: str, **more: object) -> None:
    logs.write(event=event, level=level, logger="backup.archive", **more)


def run(archive: Archive) -> None:
    """Until somebody stops it. What fails is said, and tried again."""
    passed = float("-inf")
    while not stopping.is_set():
        pause = LOOK_SECONDS
        try:
            archive.look()
            if time.monotonic() - passed > PASS_SECONDS:
                archive.save_the_rest()
                passed = time.monotonic()
        except NotSaved as failure:
            say("error", "not saved", code=failure.what, outcome=failure.words)
            pause = AGAIN_SECONDS
        except (psycopg.Error, OSError) as failure:
            say("error", "not saved", error=type(failure).__name__, where=logs.innermost(failure))
            pause = AGAIN_SECONDS
        stopping.wait(pause)


def main() -> None:
    if not os.environ.get("PGPASSWORD") and not os.environ.get("PGPASSFILE"):
        say("critical", "cannot start: DMP_BACKUP_PASSWORD is not set.")
        sys.exit(1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    kept = copies.here()
    archive = Archive(
        kept,
        Path(os.environ["DMP_DOCUMENT_STORE"]),
        Path(os.environ["DMP_JOURNAL"]),
        int(os.environ.get("DMP_BACKUP_BASE_DAYS") or 7),
    )
    os.umask(0o077)
    try:
        with copies.alone(kept.folder, "archive"):
            run(archive)
    except BlockingIOError:
        say("critical", "cannot start: another process archives in this folder.")
        sys.exit(1)
    finally:
        archive.close()


__all__ = ["Archive", "Base", "Contents"]

if __name__ == "__main__":
    main()
