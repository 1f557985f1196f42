"""How what is saved lies on the disk, and for how long.

    backups/
        20261127T023000Z/         one series: a log without a gap, and the base backups it goes on from
            series.json           the cluster it is of
            wal/                  the log, segment by segment; the last one `.partial`
            base-20261127T023012Z/
                base.tar.gz, backup_manifest, taken.json
        store/ab/abcd…            contents, copied after the database
        journal/                  what was taken away
        gone.json                 the contents that the service removed, and since when
        counts.json               how many rows there were, and when

A new series begins when the log has a gap: another cluster, a slot that was lost, a restore.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SEGMENT_BYTES = 16 << 20
STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Base:
    """A base backup that is whole: when it was finished, and where in the log it begins."""

    folder: Path
    at: datetime
    start: int


@dataclass(frozen=True, slots=True)
class Series:
    """A log without a gap."""

    folder: Path
    system: str

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    def bases(self) -> list[Base]:
        """Those that are whole, the oldest first."""
        return sorted(_bases(self.folder), key=lambda base: base.at)


@dataclass(frozen=True, slots=True)
class Copies:
    """The folder of what is saved, and how many days it is kept."""

    folder: Path
    days: int

    def series(self) -> list[Series]:
        """The oldest first."""
        found = []
        for path in sorted(self.folder.glob("*Z/series.json")):
            found.append(Series(path.parent, read(path)["system"]))
        return found

    def begin_series(self, system: str, at: datetime) -> Series:
        folder = self.folder / at.strftime(STAMP)
        (folder / "wal").mkdir(parents=True)
        write(folder / "series.json", {"system": system})
        return Series(folder, system)

    def last(self, until: datetime | None = None) -> tuple[Series, Base] | None:
        """The last base backup, finished before `until`, and its series. None when there is none."""
        pairs = [(series, base) for series in self.series() for base in series.bases()]
        pairs = [pair for pair in pairs if until is None or pair[1].at <= until]
        return max(pairs, key=lambda pair: pair[1].at, default=None)

    def oldest_at(self) -> datetime | None:
        """When the oldest base backup was finished."""
        return min((base.at for series in self.series() for base in series.bases()), default=None)

    def prune(self, at: datetime) -> int:
        """Remove the bases that are too old, and the log that none goes on with; how many files and folders.

        The last base always stays: an old backup is better than none.
        """
        removed = 0
        all_series = self.series()
        last = self.last()
        for series in all_series:
            for base in series.bases():
                if base.at < at - timedelta(days=self.days) and last and base != last[1]:
                    shutil.rmtree(base.folder)
                    removed += 1
            bases = series.bases()
            if not bases and series != all_series[-1]:
                shutil.rmtree(series.folder)
                removed += 1
            elif bases:
                removed += _forget_log_before(series.wal, min(base.start for base in bases))
        return removed


def base_taken(draft: Path, at: datetime) -> Base:
    """Name a base backup that is whole."""
    start, _ = range_of(draft)
    write(draft / "taken.json", {"at": at.isoformat(), "start": start})
    folder = draft.with_name(f"base-{at.strftime(STAMP)}")
    draft.rename(folder)
    flush(folder.parent)
    return Base(folder, at, start)


def range_of(draft: Path) -> tuple[int, int]:
    """Where in the log a base backup begins and ends, in bytes."""
    ranges = json.loads((draft / "backup_manifest").read_text())["WAL-Ranges"]
    return min(position(each["Start-LSN"]) for each in ranges), max(
        position(each["End-LSN"]) for each in ranges
    )


def position(lsn: str) -> int:
    """A place in the log, in bytes, from PostgreSQL's own words: `0/16B3748`."""
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _bases(folder: Path) -> Iterator[Base]:
    for path in folder.glob("base-*/taken.json"):
        taken = read(path)
        yield Base(path.parent, datetime.fromisoformat(taken["at"]), taken["start"])


def _forget_log_before(wal: Path, start: int) -> int:
    """Segments are named by time line, then by their place: XXXXXXXX YYYYYYYY ZZZZZZZZ, in hexadecimal."""
    removed = 0
    for path in wal.iterdir():
        name = path.name.partition(".")[0]
        if len(name) == 24 and not path.name.endswith(".partial"):
            end = (int(name[8:16], 16) << 32) + (int(name[16:], 16) + 1) * SEGMENT_BYTES
            if end <= start:
                path.unlink()
                removed += 1
    return removed


def read(path: Path) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(path.read_text())
    return payload


def read_or_nothing(path: Path) -> dict[str, Any]:
    try:
        return read(path)
    except (OSError, ValueError):
        return {}


def write(path: Path, payload: Mapping[str, Any]) -> None:
    """Whole or not at all, on the disk."""
    draft = path.with_name(f".{path.name}")
    with draft.open("w") as file:
        json.dump(payload, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    flush(path.parent)


def copy_file(source: Path, target: Path) -> None:
    """Whole or not at all, on the disk. Raises FileNotFoundError when the source went meanwhile."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}")
    with source.open("rb") as read_from, draft.open("wb") as written:
        shutil.copyfileobj(read_from, written, 1 << 20)
        written.flush()
        os.fsync(written.fileno())
    draft.replace(target)
    flush(target.parent)


def flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """One process at a time does this. Raises BlockingIOError when another does."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def here() -> Copies:
    """Those of this installation (`DMP_BACKUPS`, `DMP_BACKUP_DAYS`)."""
    return Copies(Path(os.environ["DMP_BACKUPS"]), int(os.environ.get("DMP_BACKUP_DAYS") or 35))


def status_file(name: str) -> Path:
    """Where the service reads how old the backup is (`DMP_BACKUP_STATUS`)."""
    folder = Path(os.environ["DMP_BACKUP_STATUS"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.json"


def now() -> datetime:
    return datetime.now(UTC)
