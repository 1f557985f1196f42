"""What a process needs around it, looked at from where it runs: for figures, and for the doctor.

Whatever cannot be told from here is None: the web does not know where the checker listens, an installation
may be saved by other means than ours.
"""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError

from jobs import clock
from revocation import doors, journalling
from revocation.journal import Unwritable, journal

PATIENCE_SECONDS = 2.0
T = TypeVar("T")


def doors_shut() -> str | None:
    """Why nobody is let in; empty when the doors are open. None while the database does not answer."""
    try:
        return str(doors.shut_because() or "")
    except doors.DoorsShut as reason:
        return str(reason)
    except DatabaseError:
        return None


def journal_is_writable() -> bool:
    try:
        journal().refuse_unless_writable()
    except Unwritable:
        return False
    return True


def lines_waiting() -> int | None:
    """How many withdrawals are not in the journal yet."""
    return _asked(journalling.unwritten)


def clock_ahead() -> float | None:
    """By how many seconds this process is ahead of the database."""
    return _asked(clock.measure)


def checker_answers() -> bool | None:
    address = Path(settings.DMP_CHECKER_SOCKET)
    if not address.parent.is_dir():
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        probe.settimeout(PATIENCE_SECONDS)
        try:
            probe.connect(str(address))
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Backup:
    """How old what was saved is, in seconds, by part: `log`, `base`, `contents`, `verification`; what the
    last verification said, None when there was none."""

    ages: dict[str, float]
    sound: bool | None
    codes: tuple[str, ...]


def backup(at: datetime | None = None) -> Backup | None:
    """What the profile `backup` says of itself (deploy/backup). None when it never ran."""
    at = at or datetime.now(UTC)
    archive, verification = _read("archive"), _read("verify")
    instants = {name: archive.get(name) for name in ("log", "base", "contents")}
    instants["verification"] = verification.get("at")
    ages = {
        name: (at - datetime.fromisoformat(instant)).total_seconds()
        for name, instant in instants.items()
        if instant
    }
    if not ages:
        return None
    return Backup(ages, verification.get("sound"), tuple(verification.get("codes", ())))


def _read(name: str) -> dict[str, Any]:
    try:
        payload: dict[str, Any] = json.loads((settings.DMP_BACKUP_STATUS / f"{name}.json").read_text())
    except (OSError, ValueError):
        return {}
    return payload


def _asked(question: Callable[[], T]) -> T | None:
    """None while the database does not answer, or lets nobody in."""
    try:
        return question()
    except DatabaseError:
        return None
