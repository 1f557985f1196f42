"""The only way out of the house: short time-outs, no redirect, a size never exceeded, TLS verified.

A call ends by a deadline whatever the other side does: silence, a drip of the head or of the body. A web
process also bounds how many calls it has under way (`at_most`), so that threads are left to answer others.
"""

import os
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from json import JSONDecodeError, loads
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from django.conf import settings

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 3.05, 10.0, 30.0
SECONDS_WITH_SOMEBODY_WAITING = 10.0  # the whole of a call, in a process that answers people
PATIENCE_SECONDS = 0.3  # for a call under way to end
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


class Busy(Unreachable):
    """As many calls as allowed are under way: nothing was asked, and one may ask again in a moment."""

    def __init__(self) -> None:
        super().__init__("busy", timedelta(seconds=10))


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
    whole_seconds: float | None = None,
) -> Answer:
    """Ask `url` and read the whole answer, in `whole_seconds` (WHOLE_SECONDS) at most, to its last byte.

    Raises Unreachable, TooLarge among them.
    """
    _refuse_clear_text(url)
    asked = {"Accept-Encoding": "identity", "User-Agent": "dmp", **(headers or {})}
    with (
        _calls.one(urlsplit(url).netloc, whole_seconds or WHOLE_SECONDS) as seconds,
        within(seconds) as deadline,
    ):
        try:
            with _session().request(
                method,
                url,
                headers=asked,
                json=json,
                data=data,
                proxies=_proxies(url),
                timeout=(min(CONNECT_SECONDS, seconds), min(read_seconds, seconds)),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code in _REDIRECTS:
                    raise Unreachable("answer.redirect")
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise Unreachable("answer.encoded")
                answer = Answer(response.status_code, response.headers, _read(response.raw, most))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as failure:
            # The message may carry the address asked, the cause says no more than that nobody answered.
            raise Unreachable("answer.too_slow" if deadline.passed else _silence(failure)) from None
        if deadline.passed:  # what was cut may look like an end
            raise Unreachable("answer.too_slow")
        return answer


def _silence(failure: BaseException) -> str:
    """Why nobody answered: `address.unknown` for a name that does not exist, `address.not_trusted` for a
    certificate that is not theirs, `no_answer` for all that may mend itself."""
    seen: set[int] = set()
    causes: list[object] = [failure]
    while causes:
        cause = causes.pop()
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        if isinstance(cause, socket.gaierror) and cause.errno in _NO_SUCH_NAME:
            return "address.unknown"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "address.not_trusted"
        causes += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
    return "no_answer"


_NO_SUCH_NAME = {
    code for name in ("EAI_NONAME", "EAI_NODATA") if (code := getattr(socket, name, None)) is not None
}


def _read(raw: Any, most: int) -> bytes:
    """Piece by piece as it comes, so that a flood is dropped on the way."""
    pieces, size = [], 0
    while piece := raw.read1(PIECE, decode_content=False):
        size += len(piece)
        if size > most:
            raise TooLarge
        pieces.append(piece)
    return b"".join(pieces)


# -- How many at once ------------------------------------------------------------------------------


class _Calls:
    """The calls under way in this process, by destination."""

    def __init__(self) -> None:
        self.most: int | None = None
        self._under_way: Counter[str] = Counter()
        self._silent: set[str] = set()
        self._changed = threading.Condition()
        self._waiting = False

    @contextmanager
    def one(self, destination: str, seconds: float) -> Iterator[float]:
        """The seconds that this call may last, `seconds` at most. Raises Busy.

        A destination that kept the last caller waiting in vain is asked by one caller at a time, so that its
        silence does not close the way to the others.
        """
        with self._changed:
            if not self._free(destination) and not self._worth_waiting(destination):
                raise Busy
            self._under_way[destination] += 1
        try:
            yield seconds if self.most is None else min(seconds, SECONDS_WITH_SOMEBODY_WAITING)
        except Unreachable as failure:
            if failure.code in _SILENCES:
                self._silent.add(destination)
            raise
        else:
            self._silent.discard(destination)
        finally:
            with self._changed:
                self._under_way[destination] -= 1
                self._changed.notify()

    def _free(self, destination: str) -> bool:
        if self.most is None:
            return True
        allowed_there = 1 if destination in self._silent else self.most
        return self._under_way.total() < self.most and self._under_way[destination] < allowed_there

    def _worth_waiting(self, destination: str) -> bool:
        """A moment, by one caller: calls are short as a rule, and a thread that waits answers nobody."""
        if self._waiting:
            return False
        self._waiting = True
        try:
            return self._changed.wait_for(lambda: self._free(destination), PATIENCE_SECONDS)
        finally:
            self._waiting = False


def at_most(calls: int | None) -> None:
    """From now on in this process: `calls` under way at once, each with somebody who waits."""
    _calls.most = calls


_SILENCES = {"no_answer", "answer.too_slow"}
_calls = _Calls()


# -- How long --------------------------------------------------------------------------------------


class _Deadline:
    """When one call ends at the latest: its connection is then cut, whatever is being waited for on it."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.passed = False
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()

    def watch(self, connection: socket.socket) -> None:
        with self._lock:
            self._forget()
            # A descriptor of our own: theirs may be closed, and its number reused, at any time.
            self._connection = socket.socket(fileno=os.dup(connection.fileno()))

    def cut(self) -> None:
        with self._lock:
            self.passed = True
            if self._connection is not None:
                with suppress(OSError):  # it ended by itself
                    self._connection.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Deadlines:
    """One thread that cuts what is late. It starts with the first call of a process."""

    def __init__(self) -> None:
        self._pending: set[_Deadline] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.here = threading.local()  # .deadline: that of the call this thread makes

    @contextmanager
    def of(self, seconds: float) -> Iterator[_Deadline]:
        deadline = _Deadline(time.monotonic() + seconds)
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            self._pending.add(deadline)
            self._changed.notify()
        self.here.deadline = deadline
        try:
            yield deadline
        finally:
            self.here.deadline = None
            with self._changed:
                self._pending.discard(deadline)
            deadline.end()

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for deadline in [late for late in self._pending if late.at <= now]:
                    self._pending.discard(deadline)
                    deadline.cut()
                next_at = min((deadline.at for deadline in self._pending), default=None)
                self._changed.wait(None if next_at is None else next_at - now)


_deadlines = _Deadlines()


def _start_afresh() -> None:
    """After a fork the thread is not there, and the calls are the parent's."""
    global _deadlines, _calls, _sessions
    most = _calls.most
    _deadlines, _calls, _sessions = _Deadlines(), _Calls(), threading.local()
    _calls.most = most


os.register_at_fork(after_in_child=_start_afresh)


def within(seconds: float) -> AbstractContextManager[_Deadline]:
    """What this thread connects to meanwhile is cut after so many seconds."""
    return _deadlines.of(seconds)


def watch(connection: socket.socket) -> None:
    """This is what the deadline of this thread, if it is under one, has to cut."""
    deadline: _Deadline | None = getattr(_deadlines.here, "deadline", None)
    if deadline is not None:
        deadline.watch(connection)


class _Watched:
    """A connection that the deadline of its call can cut, from the moment it is made or used again."""

    sock: Any

    def _new_conn(self) -> Any:
        """Before a proxy's tunnel and the handshake, which somebody may make last too."""
        self.sock = super()._new_conn()  # type: ignore[misc]
        watch(self.sock)
        return self.sock

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        watch(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            watch(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]


class _Http(_Watched, urllib3.connection.HTTPConnection): ...


class _Https(_Watched, urllib3.connection.HTTPSConnection): ...


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


_POOLS = {"http": _HttpPool, "https": _HttpsPool}


class _Adapter(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def _refuse_clear_text(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise Unreachable("address.not_https")


def _proxies(url: str) -> dict[str, str]:
    """The way out that the settings name. What is on this machine is reached without it."""
    proxy = settings.DMP_EGRESS_PROXY
    return {"https": proxy} if proxy and urlsplit(url).hostname not in LOOPBACK else {}


def _session() -> requests.Session:
    """One per thread: connections are kept, nothing of the environment (proxy, .netrc) is believed."""
    session = getattr(_sessions, "session", None)
    if session is None:
        session = _sessions.session = requests.Session()
        session.trust_env = False
        session.mount("http://", _Adapter())
        session.mount("https://", _Adapter())
        session.cookies.set_policy(_NoCookies())
    return session


class _NoCookies(requests.cookies.cookielib.DefaultCookiePolicy):
    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False


def retry_after(text: str, *, now: datetime) -> timedelta | None:
    """What a Retry-After header says, in seconds or as a date, between one second and one day."""
    if text.isascii() and text.strip().isdigit():
        # More than five figures is more than a day, however many there are.
        wait = timedelta(seconds=min(int(text.strip().lstrip("0")[:6] or 0), 86_400))
    else:
        try:
            wait = parsedate_to_datetime(text) - now
        except (TypeError, ValueError, OverflowError):
            return None
    return min(max(wait, timedelta(seconds=1)), timedelta(days=1))
