"""Asking the Assurance Maladie for somebody's care history."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from accounts import insurer
from accounts.identity import Ins
from accounts.insurer import AnswerTooLarge, InsurerUnreachable

PATH = "/historiques"


class Silent(Exception):
    """The insurer does not answer, or asks to come back. `code` names nobody."""

    def __init__(self, code: str, retry_after: timedelta | None) -> None:
        super().__init__(code)
        self.code, self.retry_after = code, retry_after


class NotUnderstood(Exception):
    """An answer that the protocol does not have: asking again will not help for long."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TooLarge(Exception):
    """More than the insurer may ever send; it was dropped on the way."""


class Told(StrEnum):
    """What an answer without a statement says."""

    NOTHING = "nothing"
    UNKNOWN = "unknown"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Received:
    """The bytes of a statement, before anything is known of them."""

    data: bytes
    etag: str | None


def ask(ins: Ins, *, since: date, etag: str | None) -> Received | Told:
    """What the insurer holds about a person since a day. Raises Silent, NotUnderstood or TooLarge."""
    headers = {"Accept": "text/xml"} | ({"If-None-Match": etag} if etag else {})
    asked = {"ins": {"oid": ins.oid, "valeur": ins.value}, "depuis": since.isoformat()}
    try:
        answer = insurer.request(PATH, asked, headers)
    except AnswerTooLarge:
        raise TooLarge from None
    except InsurerUnreachable as silence:
        raise Silent(silence.code, silence.retry_after) from None
    match answer.status:
        case 200:
            return Received(answer.body, _etag(answer.headers.get("ETag")))
        case 204:
            return Told.NOTHING
        case 304:
            return Told.UNCHANGED
        case 404:
            return Told.UNKNOWN
    raise NotUnderstood(f"insurer.status_{answer.status}")


def _etag(header: str | None) -> str | None:
    """An ETag is given back as it came, if it can be: short, printable."""
    return header if header and len(header) <= 200 and header.isascii() and header.isprintable() else None
