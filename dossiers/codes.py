"""Six-digit codes of an opening: five minutes, once, five tries. Only their keyed MAC is kept."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from vault import blind

VALIDITY = timedelta(minutes=5)
TRIES = 5
BETWEEN_SENDINGS = timedelta(seconds=60)
MOST_SENDINGS = 5  # in the life of one application


class CodeRefused(Exception):
    """Why a code does not pass; `tries_left` says how many remain."""

    def __init__(self, tries_left: int = 0):
        super().__init__(type(self).__name__)
        self.tries_left = tries_left


class WrongCode(CodeRefused):
    pass


class CodeExpired(CodeRefused):
    pass


class NoTriesLeft(CodeRefused):
    pass


class NotYetUsable(CodeRefused):
    """A posted code before its letter can have arrived."""


class TooSoon(Exception):
    """Another code was asked for too early, or too often; `wait` is None when there will be no other."""

    def __init__(self, wait: timedelta | None):
        super().__init__("too soon")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh code to deliver, and what to keep of it."""

    code: str
    kept: dict[str, Any]


def issue(
    purpose: str,
    owner: UUID,
    kept: dict[str, Any] | None,
    *,
    at: datetime,
    delay: timedelta,
    validity: timedelta,
) -> Issued:
    """A new code in place of the one kept. Raises TooSoon."""
    sendings = kept["sendings"] if kept else 0
    if kept and sendings >= MOST_SENDINGS:
        raise TooSoon(None)
    if kept and (wait := datetime.fromisoformat(kept["sent_at"]) + BETWEEN_SENDINGS - at) > timedelta(0):
        raise TooSoon(wait)
    code = f"{secrets.randbelow(10**6):06d}"
    return Issued(
        code,
        {
            "mac": _mac(purpose, owner, code),
            "sent_at": at.isoformat(),
            "usable_from": (at + delay).isoformat(),
            "expires_at": (at + delay + validity).isoformat(),
            "tries_left": TRIES,
            "sendings": sendings + 1,
        },
    )


def judge(
    purpose: str, owner: UUID, kept: dict[str, Any] | None, typed: str, *, at: datetime
) -> tuple[CodeRefused | None, dict[str, Any] | None]:
    """Weigh a typed code: the refusal if any, and what to keep from now on.

    A right code is spent: nothing is kept of it but when and how often codes were sent.
    """
    if kept is None or kept["mac"] is None or at >= datetime.fromisoformat(kept["expires_at"]):
        return CodeExpired(), kept
    if at < datetime.fromisoformat(kept["usable_from"]):
        return NotYetUsable(kept["tries_left"]), kept
    if kept["tries_left"] <= 0:
        return NoTriesLeft(), kept
    digits = "".join(character for character in typed if character.isdecimal())
    if hmac.compare_digest(kept["mac"], _mac(purpose, owner, digits)):
        return None, {**kept, "mac": None}
    left = kept["tries_left"] - 1
    return (WrongCode(left) if left else NoTriesLeft()), {**kept, "tries_left": left}


def _mac(purpose: str, owner: UUID, code: str) -> str:
    return blind.keyed_mac(f"code:{purpose}", f"{owner}:{code}".encode()).hex()
