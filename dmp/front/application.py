"""From a connection to a WSGI application and back: the body first, then a thread, then the answer."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from queue import SimpleQueue
from threading import Thread
from typing import Any
from wsgiref.util import FileWrapper

from granian.rsgi import HTTPProtocol, Scope

from dmp.front.bodies import (
    BYTES_OF_FILES,
    BYTES_OF_FILES_OF_ONE,
    BYTES_OF_FORMS,
    FORM_BYTES,
    Body,
    Budget,
    NoRoom,
    Pace,
    Refused,
    TooLarge,
)
from dmp.front.environ import environ

logger = logging.getLogger(__name__)

Headers = list[tuple[str, str]]
Asked = tuple[
    dict[str, Any],
    Callable[["Answer"], None],
    "asyncio.Future[None]",
    Callable[["asyncio.Future[None]"], None],
]
# A refusal of the front itself, for the path that was asked: its headers and its body.
Page = Callable[[str, int], tuple[Headers, bytes]]

THREADS = 4
MOST_WAITING = 400  # requests whole and waiting for a thread, beyond which one is asked to come back
ANNOUNCED = "dmp.announced"
LEARNT_EVERY = 0.05  # seconds
WHOLE_AT_ONCE = 200  # forms awaited whole, beyond which they come piece by piece: 13 MB at most
PASSED_BY = 60_000_000  # of a body refused, how much is let pass so that a browser hears why
ALIVE: Headers = [
    ("content-type", "text/plain; charset=utf-8"),
    ("cache-control", "no-store"),
    ("server", ""),
]


@dataclass(slots=True)
class Announced:
    """A body larger than a form, not read yet. The application raises `most` to what it takes here.

    It does nothing else: what it answers is sent when that is not enough.
    """

    size: int | None  # None: it does not say
    most: int = FORM_BYTES
    sender: str = ""  # who sends it, as the application knows them: nobody takes the room of everybody


@dataclass(slots=True)
class Answer:
    """What a WSGI application answered, whole."""

    status: int
    headers: Headers
    body: bytes = b""
    path: str | None = None  # a file to send as it is, instead of the body

    def send(self, protocol: HTTPProtocol) -> None:
        headers = [*self.headers, ("server", "")]  # else granian names itself
        if self.path is not None:
            protocol.response_file(self.status, headers, self.path)
        else:
            protocol.response_bytes(self.status, headers, self.body)


def plain(path: str, status: int) -> tuple[Headers, bytes]:
    return [("content-type", "text/plain; charset=utf-8")], f"{HTTPStatus(status).phrase}\n".encode()


class Front:
    """A WSGI application, as granian's RSGI interface calls it."""

    def __init__(
        self,
        application: Callable[..., Iterable[bytes]],
        *,
        page: Page = plain,
        always: Headers | None = None,
        asks: bool = False,
        threads: int = THREADS,
        pace: Pace | None = None,
        forms: Budget | None = None,
        files: Budget | None = None,
        whole: int = WHOLE_AT_ONCE,
    ) -> None:
        self.application = application
        self.page = page
        self._alive: Headers = [*ALIVE, *(always or [])]  # `always`: what every answer says
        self.asks = asks  # whether the application knows ANNOUNCED; otherwise no body is larger than a form
        self.threads = threads
        self.pace = pace or Pace()
        self.forms = forms or Budget(BYTES_OF_FORMS)
        self.files = files or Budget(BYTES_OF_FILES, BYTES_OF_FILES_OF_ONE)
        self._waiting: SimpleQueue[Asked | None] = SimpleQueue()
        self._done: deque[asyncio.Future[None]] = deque()
        self._running = 0
        self._room_for_whole = whole
        self._learning: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- What granian calls ------------------------------------------------------------------------

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        for number in range(self.threads):
            Thread(target=self._work, name=f"request-{number + 1}", daemon=True).start()

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(self.threads):
            self._waiting.put(None)

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        if scope.path == "/healthz" and scope.method in ("GET", "HEAD"):
            # This process answers, whatever its threads do.
            protocol.response_bytes(200, self._alive, b"ok\n")
            return
        try:
            body = self._body_of(scope, protocol)
            if body is None:
                await self._answer(environ(scope, BytesIO(), 0), protocol)
            else:
                await self._with_a_body(scope, protocol, body)
        except Refused as refusal:
            headers, words = self.page(scope.path, refusal.status)
            Answer(refusal.status, headers, words).send(protocol)

    # -- The body ----------------------------------------------------------------------------------

    def _body_of(self, scope: Scope, protocol: HTTPProtocol) -> Body | None:
        """What must be read before a thread is asked for; None when there is nothing."""
        announced = scope.headers.get("content-length")
        if announced is not None:
            if not int(announced):
                return None
            return Body(protocol, announced=int(announced), budget=self.forms, pace=self.pace)
        if "transfer-encoding" in scope.headers:
            return Body(protocol, announced=None, budget=self.forms, pace=self.pace)
        return None

    async def _with_a_body(self, scope: Scope, protocol: HTTPProtocol, body: Body) -> None:
        try:
            if body.announced is not None and body.announced <= FORM_BYTES and self._room_for_whole:
                await self._receive_whole(body)
            elif not await body.receive(FORM_BYTES) and not await self._receive_more(scope, protocol, body):
                return
            size = body.file.tell()
            body.file.seek(0)
            await self._answer(environ(scope, body.file, size), protocol, size)
        finally:
            body.release()

    async def _receive_whole(self, body: Body) -> None:
        self._room_for_whole -= 1
        try:
            await body.receive_whole()
        finally:
            self._room_for_whole += 1

    async def _receive_more(self, scope: Scope, protocol: HTTPProtocol, body: Body) -> bool:
        """Ask the application how much it takes from this sender here; whether the whole body came.

        Otherwise its refusal was sent.
        """
        if not self.asks:
            raise TooLarge
        ask = Announced(body.announced)
        refusal = await self._ask(scope, ask)
        if ask.most > FORM_BYTES and (body.announced or 0) <= ask.most:
            body.admit(self.files, ask.sender)
            if await body.receive(ask.most):
                return True
            refusal = await self._ask(scope, Announced(body.received))
        if "expect" not in scope.headers:  # who waits for a word before sending has it at once
            await body.discard(PASSED_BY)
        refusal.send(protocol)
        return False

    async def _ask(self, scope: Scope, ask: Announced) -> Answer:
        answers: list[Answer] = []
        await self._run(environ(scope, BytesIO(), 0) | {ANNOUNCED: ask}, answers.append, self._at_once)
        return answers[0]

    # -- The threads -------------------------------------------------------------------------------

    async def _answer(self, told: dict[str, Any], protocol: HTTPProtocol, size: int = 0) -> None:
        """From the thread itself: the loop only learns that it is done, at its leisure.

        Waking it for each answer would cost two changes of thread, and nobody waits for it any more, unless
        to have the room that a large body (`size`) took.
        """
        tell = self._at_once if size > FORM_BYTES else self._done.append
        await self._run(told, lambda answer: answer.send(protocol), tell)

    async def _run(
        self,
        told: dict[str, Any],
        give: Callable[["Answer"], None],
        tell: Callable[["asyncio.Future[None]"], None],
    ) -> None:
        """Have a thread answer, then `tell` that it did. Raises NoRoom when too many wait already."""
        if self._waiting.qsize() >= MOST_WAITING:
            raise NoRoom
        assert self._loop
        done = self._loop.create_future()
        self._waiting.put((told, give, done, tell))
        self._running += 1
        self._learn()
        try:
            await done
        finally:
            self._running -= 1

    def _at_once(self, done: "asyncio.Future[None]") -> None:
        assert self._loop
        self._loop.call_soon_threadsafe(_ended, done)

    def _learn(self) -> None:
        """Learn which answers were given: at each request, and now and then as long as one is awaited."""
        while self._done:
            _ended(self._done.popleft())
        if self._learning is None:
            assert self._loop
            self._learning = self._loop.call_later(LEARNT_EVERY, self._learn_later)

    def _learn_later(self) -> None:
        self._learning = None
        if self._running:
            self._learn()

    def _work(self) -> None:
        while (asked := self._waiting.get()) is not None:
            told, give, done, tell = asked
            try:
                give(run(self.application, told))
            except BaseException:  # a thread that ended would answer nobody any more
                logger.exception("application failed")
                give(Answer(500, *self.page(told["PATH_INFO"], 500)))
            tell(done)


def _ended(done: "asyncio.Future[None]") -> None:
    if not done.done():  # granian gives up a request whose client left
        done.set_result(None)


def run(application: Callable[..., Iterable[bytes]], told: dict[str, Any]) -> Answer:
    """Call a WSGI application, and gather what it answers."""
    begun: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> None:
        begun[:] = [(status, headers)]

    pieces = application(told | {"wsgi.file_wrapper": FileWrapper}, start_response)
    try:
        [(status, headers)] = begun
        if isinstance(pieces, FileWrapper) and isinstance(
            path := getattr(pieces.filelike, "name", None), str
        ):
            return Answer(int(status[:3]), headers, path=path)
        return Answer(int(status[:3]), headers, b"".join(pieces))
    finally:
        if close := getattr(pieces, "close", None):
            close()
