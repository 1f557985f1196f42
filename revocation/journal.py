"""The journal: numbered lines in files outside the database, each on the disk before its act commits.

A folder, DMP_JOURNAL, on another disk than the database's, and saved apart from it:

    journal-000000000001.jsonl    one line of JSON each, the first number in the name, one file a day at most
    database.json                 which database wrote last, and how far it had come
    lock                          held while a line is written, by one process at a time

A line has a number, an instant, the kind of its act, identifiers and ends, the database and the transaction
that wrote it, and a MAC under the vault's key: a line that we did not write is none. Nothing about a person.
One file for all processes rather than one each: numbers without a hole tell that no line is missing. Several
machines share the folder, on a file system that locks (NFS 4 does).
"""

import fcntl
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import IO
from uuid import uuid4

import structlog
from django.conf import settings

from vault import blind
from vault.keyfile import KeyName
from vault.providers import provider

log = structlog.get_logger(__name__)

PURPOSE = "revocation.line"
LONGEST_LINE = 4096  # bytes
PROBE = b"\0" * LONGEST_LINE


class Unwritable(Exception):
    """The journal cannot be written now."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The database and the transaction that wrote a line."""

    system: str
    timeline: int
    database: int
    transaction: str


@dataclass(frozen=True, slots=True)
class Line:
    """One act that took something away. `what` has identifiers and ends only."""

    number: int
    at: datetime
    kind: str
    what: dict[str, str]
    origin: Origin

    def written(self) -> bytes:
        clear = self._clear()
        return f'{clear[:-1]},"mac":"{_mac(clear).hex()}"}}\n'.encode()

    def _clear(self) -> str:
        payload = {
            "number": self.number,
            "at": self.at.isoformat(),
            "kind": self.kind,
            "what": self.what,
            "origin": asdict(self.origin),
        }
        return json.dumps(payload, separators=(",", ":"), sort_keys=True)

    @classmethod
    def read(cls, written: bytes) -> "Line | None":
        """None when it is not a line that this installation wrote, whole."""
        try:
            payload = json.loads(written)
            line = cls(
                payload["number"],
                datetime.fromisoformat(payload["at"]),
                payload["kind"],
                payload["what"],
                Origin(**payload["origin"]),
            )
            given = bytes.fromhex(payload["mac"])
            clear = line._clear()
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        versions = provider().versions(KeyName.MAC)
        return line if any(hmac.compare_digest(given, _mac(clear, version)) for version in versions) else None


@dataclass(frozen=True, slots=True)
class Reached:
    """Which database wrote last, and how far its log had come, in bytes."""

    system: str
    timeline: int
    database: int
    wal: int

    def is_of(self, other: "Reached") -> bool:
        """Whether both tell of one database, on one time line."""
        mine, its = (
            (self.system, self.timeline, self.database),
            (other.system, other.timeline, other.database),
        )
        return mine == its


@dataclass(frozen=True, slots=True)
class Journal:
    folder: Path

    # Writing

    def append(self, kind: str, what: dict[str, str], *, at: datetime, origin: Origin, after: int) -> int:
        """Write a line, on the disk when this returns. Its number, above `after`. Raises Unwritable."""
        try:
            with self._alone():
                number = max(self.last(), after) + 1
                line = Line(number, at, kind, what, origin)
                self._write(self._segment_for(line), line.written())
                return number
        except OSError as fault:
            raise Unwritable(fault.strerror) from None

    def refuse_unless_writable(self) -> None:
        """Raises Unwritable when a line would not fit or could not be kept now."""
        probe = self.folder / f"probe-{uuid4().hex}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _opened(probe, os.O_CREAT | os.O_EXCL) as file:
                file.write(PROBE)
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise Unwritable(fault.strerror) from None
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)

    def cut(self, *, before: datetime) -> int:
        """Remove the files whose lines are all older than any backup; how many. The last one always stays."""
        removed = 0
        with self._alone():
            for path, following in pairwise(self._segments()):
                newest = next(iter(self._lines_of(following)), None)
                if newest is None or newest.at >= before:
                    break
                path.unlink()
                removed += 1
        return removed

    # Reading

    def lines(self, *, after: int = 0) -> Iterator[Line]:
        """The lines of a number greater than `after`, in order."""
        segments = self._segments()
        following = [int(path.stem.removeprefix("journal-")) for path in segments[1:]]
        for path, beyond in zip_longest(segments, following):
            if beyond is None or beyond > after + 1:
                yield from (line for line in self._lines_of(path) if line.number > after)

    def first(self) -> int:
        """The number of the oldest line kept; 0 when there is none."""
        return next((line.number for line in self.lines()), 0)

    def last(self) -> int:
        """The number of the last line; 0 when there is none."""
        for path in reversed(self._segments()):
            for only_the_end in (True, False):
                if numbers := [line.number for line in self._lines_of(path, only_the_end=only_the_end)]:
                    return max(numbers)
        return 0

    def stamp(self) -> tuple[str, int] | None:
        """What changes whenever a line is written: the last file and its size. None without any."""
        segments = self._segments()
        return (segments[-1].name, segments[-1].stat().st_size) if segments else None

    # Which database

    def reached(self) -> Reached | None:
        """The last database known here. None when there never was one, or when its file cannot be read."""
        try:
            payload = json.loads((self.folder / "database.json").read_text(encoding="utf-8"))
            return Reached(**payload)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            log.error("journal unreadable", code="database")
            return None

    def reach(self, database: Reached) -> None:
        """Remember this database. Raises Unwritable."""
        draft = self.folder / f".database.json.{os.getpid()}"
        try:
            with self._alone():
                known = self.reached()
                same = known is not None and known.is_of(database)
                if known and same and known.wal >= database.wal:
                    return
                with _opened(draft, os.O_CREAT | os.O_TRUNC) as file:
                    file.write(json.dumps(asdict(database)).encode())
                    if not same:
                        os.fsync(file.fileno())
                draft.replace(self.folder / "database.json")
        except OSError as fault:
            raise Unwritable(fault.strerror) from None

    # Inside

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(self.folder / "lock", os.O_CREAT) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _segments(self) -> list[Path]:
        return sorted(self.folder.glob("journal-*.jsonl"))

    def _segment_for(self, line: Line) -> Path:
        """One file a day, so that old ones can be removed whole."""
        if segments := self._segments():
            first = next(iter(self._lines_of(segments[-1])), None)
            if first is not None and line.at - first.at < timedelta(days=1):
                return segments[-1]
        return self.folder / f"journal-{line.number:012}.jsonl"

    def _write(self, path: Path, written: bytes) -> None:
        """At the end, on the disk. A line that was cut short by a crash is left where it is, ended."""
        if len(written) > LONGEST_LINE:
            raise ValueError("a line of the journal is short")
        new = not path.exists()
        with _opened(path, os.O_CREAT | os.O_APPEND | os.O_RDWR) as file:
            size = os.fstat(file.fileno()).st_size
            torn = size and os.pread(file.fileno(), 1, size - 1) != b"\n"
            try:
                file.write((b"\n" if torn else b"") + written)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    os.ftruncate(file.fileno(), size)
                raise
        if new:
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _lines_of(self, path: Path, *, only_the_end: bool = False) -> Iterator[Line]:
        with path.open("rb") as file:
            if only_the_end and path.stat().st_size > 4 * LONGEST_LINE:
                file.seek(-4 * LONGEST_LINE, os.SEEK_END)
                file.readline()  # what is left of the line we fell into
            for written in file:
                if line := Line.read(written):
                    yield line
                elif written.endswith(b"\n"):
                    log.error("journal unreadable", code="line")


def journal() -> Journal:
    """The journal of this installation."""
    return Journal(Path(settings.DMP_JOURNAL))


def oldest_backup(at: datetime) -> datetime:
    return at.astimezone(UTC) - timedelta(days=settings.DMP_BACKUP_DAYS)


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[IO[bytes]]:
    writing = flags if flags & os.O_RDWR else flags | os.O_WRONLY
    descriptor = os.open(path, writing | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b" if flags & os.O_RDWR else "wb", buffering=0) as file:
        yield file


def _mac(clear: str, version: int | None = None) -> bytes:
    return blind.keyed_mac(PURPOSE, clear.encode(), version=version)


__all__ = ["Journal", "Line", "Origin", "Reached", "Unwritable", "journal", "oldest_backup"]
