"""Asking the Assurance Maladie for somebody's care history."""

import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from accounts import insurer
from accounts.identity import Ins
from accounts.insurer import AnswerTooLarge, InsurerUnreachable
from accounts.outbound import Answer

PATH = "/historiques"


class Silent(Exception):
    """The insurer does not answer, or asks to come back. `code` names nobody."""

    def __init__(self, code: str, retry_after: timedelta | None) -> None:
        super().__init__(code)
        self.code, self.retry_after = code, retry_after


class Unusable(Exception):
    """An answer, or a fault of ours, that asking again would not change. `code` says which and names nobody;
    `data` is what came with it."""

    def __init__(self, code: str, data: bytes = b"") -> None:
        super().__init__(code)
        self.code, self.data = code, data


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


# What is wrong with where and how we ask, or with what stands between: somebody has to mend it.
OURS = frozenset(
    {"address.not_https", "address.unknown", "address.not_trusted", "answer.redirect", "answer.encoded"}
)
_LATER = frozenset({408, 425})  # 429 and 5xx come as a silence
_HTML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+)?html\b", re.IGNORECASE)


def ask(ins: Ins, *, since: date, etag: str | None, known: bool) -> Received | Told:
    """What the insurer holds about a person since a day; `known`: whether an earlier statement is filed.

    Raises Silent or Unusable.
    """
    headers = {"Accept": "text/xml"} | ({"If-None-Match": etag} if etag else {})
    asked = {"ins": {"oid": ins.oid, "valeur": ins.value}, "depuis": since.isoformat()}
    try:
        answer = insurer.request(PATH, asked, headers)
    except AnswerTooLarge:
        raise Unusable("too_large") from None
    except InsurerUnreachable as silence:
        if silence.code in OURS:
            raise Unusable(silence.code) from None
        raise Silent(silence.code, silence.retry_after) from None
    return _understood(answer, known=known)


def _understood(answer: Answer, *, known: bool) -> Received | Told:
    match answer.status:
        case 200 if answer.body.strip():
            if _web_page(answer):
                raise Unusable("web_page", answer.body)
            return Received(answer.body, _etag(answer.headers.get("ETag")))
        case 200:
            raise Unusable("empty_answer", answer.body)
        case 204:
            return Told.NOTHING
        case 304 if known:
            return Told.UNCHANGED
        case 304:
            raise Unusable("unchanged_at_first")
        case 404 if _about_somebody(answer):
            return Told.UNKNOWN
        case 404:
            raise Unusable("insurer.wrong_address", answer.body)
        case status if status in _LATER:
            raise Silent(f"insurer.status_{status}", answer.retry_after)
    raise Unusable(f"insurer.status_{answer.status}", answer.body)


def _web_page(answer: Answer) -> bool:
    """A page made for people: that of a portal, of a proxy, of works in progress."""
    return _HTML.match(answer.body) is not None


def _about_somebody(answer: Answer) -> bool:
    """Whether a 404 speaks of the person, as the protocol has it, or of an address that nobody serves."""
    if not answer.body.strip():
        return True
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("error") == "unknown_person"


def _etag(header: str | None) -> str | None:
    """An ETag is given back as it came, if it can be: short, printable."""
    return header if header and len(header) <= 200 and header.isascii() and header.isprintable() else None
