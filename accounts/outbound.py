"""The only way out of the house: short time-outs, no redirect, a size never exceeded, TLS verified."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from json import JSONDecodeError, loads
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 3.05, 10.0, 30.0
MOST_BYTES = 20_000_000
PIECE = 65_536
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_REDIRECTS = {301, 302, 303, 307, 308}
_sessions = threading.local()


class Unreachable(Exception):
    """Nobody answered, or not in a way that one can use. `retry_after` when they said when to come back."""

    def __init__(self, code: str, retry_after: timedelta | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class TooLarge(Unreachable):
    """The answer went past the size allowed and was dropped on the way."""

    def __init__(self) -> None:
        super().__init__("answer.too_large")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises Unreachable when it is not."""
        try:
            return loads(self.body)
        except (JSONDecodeError, UnicodeDecodeError, RecursionError):
            raise Unreachable("answer.not_json") from None

    @property
    def retry_after(self) -> timedelta | None:
        return retry_after(self.headers.get("Retry-After", ""), now=datetime.now(UTC))


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    data: Any = None,
    most: int = MOST_BYTES,
    read_seconds: float = READ_SECONDS,
) -> Answer:
    """Ask `url` and read the whole answer. Raises Unreachable, TooLarge among them."""
    _refuse_clear_text(url)
    asked = {"Accept-Encoding": "identity", "User-Agent": "dmp", **(headers or {})}
    deadline = time.monotonic() + WHOLE_SECONDS
    try:
        with _session().request(
            method,
            url,
            headers=asked,
            json=json,
            data=data,
            timeout=(CONNECT_SECONDS, read_seconds),
            allow_redirects=False,
            stream=True,
        ) as response:
            if response.status_code in _REDIRECTS:
                raise Unreachable("answer.redirect")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise Unreachable("answer.encoded")
            return Answer(response.status_code, response.headers, _read(response.raw, most, deadline))
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        # The message may carry the address asked, the cause says no more than that nobody answered.
        raise Unreachable("no_answer") from None


def _read(raw: Any, most: int, deadline: float) -> bytes:
    """Piece by piece as it comes, so that neither a flood nor a drip holds us."""
    pieces, size = [], 0
    while piece := raw.read1(PIECE, decode_content=False):
        size += len(piece)
        if size > most:
            raise TooLarge
        if time.monotonic() > deadline:
            raise Unreachable("answer.too_slow")
        pieces.append(piece)
    return b"".join(pieces)


def _refuse_clear_text(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise Unreachable("address.not_https")


def _session() -> requests.Session:
    """One per thread: connections are kept, nothing of the environment (proxy, .netrc) is believed."""
    session = getattr(_sessions, "session", None)
    if session is None:
        session = _sessions.session = requests.Session()
        session.trust_env = False
        session.cookies.set_policy(_NoCookies())
    return session


class _NoCookies(requests.cookies.cookielib.DefaultCookiePolicy):
    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False


def retry_after(text: str, *, now: datetime) -> timedelta | None:
    """What a Retry-After header says, in seconds or as a date, between one second and one day."""
    if text.isascii() and text.strip().isdigit():
        wait = timedelta(seconds=min(int(text), 86_400))
    else:
        try:
            wait = parsedate_to_datetime(text) - now
        except (TypeError, ValueError):
            return None
    return min(max(wait, timedelta(seconds=1)), timedelta(days=1))
