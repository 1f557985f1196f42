"""Where large sealed contents are kept: files that survive a power cut before any row names them."""

import errno
import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

ROOM_BYTES = 64_000_000  # the largest document, sealed


@deconstructible(path="documents.store.DurableFileSystemStorage")
class DurableFileSystemStorage(FileSystemStorage):
    """A file is whole and on the disk, directory entry included, before its name is returned."""

    def _save(self, name: str, content: File) -> str:
        path = Path(self.path(name))
        self._make(path.parent)
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            Path(unfinished).rename(path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
        _flush_directory(path.parent)
        return name

    def _make(self, directory: Path) -> None:
        if not directory.is_dir():
            self._make(directory.parent)
            directory.mkdir(mode=0o700, exist_ok=True)
            _flush_directory(directory.parent)

    def probe(self) -> None:
        """Write something where contents go, and remove it. Raises OSError when the next would not fit."""
        folder = Path(self.location)
        self._make(folder)
        if shutil.disk_usage(folder).free < ROOM_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        handle, trial = tempfile.mkstemp(dir=folder, prefix=".")
        try:
            os.write(handle, b"?")
        finally:
            os.close(handle)
            Path(trial).unlink()

    def untouched_since(self, instant: datetime, shelf: str) -> list[str]:
        """The names in one directory, unfinished writings included, of what has been there since then."""
        kept = Path(self.path(shelf))
        if not kept.is_dir():
            return []
        with os.scandir(kept) as entries:
            return [f"{shelf}/{entry.name}" for entry in entries if _written(entry) < instant.timestamp()]

    def get_available_name(self, name: str, max_length: int | None = None) -> Any:
        return name  # names are random: none is ever taken


def _written(entry: os.DirEntry[str]) -> float:
    """When; never yet, for what somebody has just finished or removed."""
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return float("inf")


def _flush_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
