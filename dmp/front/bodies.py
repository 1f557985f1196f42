"""How a body is received: at what pace, up to what size, within what memory. Knows nothing of Django."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

from granian.rsgi import ProtocolClosed, ProtocolError

FORM_BYTES = 65_536  # what any form or question may weigh; a route that takes files says so itself
# Bodies held at once by one process, 200 MB in all. Forms, that anybody may send, leave the room of files.
BYTES_OF_FORMS = 40_000_000
BYTES_OF_FILES, BYTES_OF_FILES_OF_ONE = 160_000_000, 80_000_000


class Refused(Exception):
    """The body is not received. `status` is what HTTP calls the reason."""

    status = 400


class TooSlow(Refused):
    status = 408


class TooLarge(Refused):
    status = 413


class NoRoom(Refused):
    """The process holds as many bytes as it may: the sender is asked to come back."""

    status = 503


class Truncated(Refused):
    """The sender left before the end: a part of a document is not a document."""


class Pieces(Protocol):
    """What granian gives of a request: its body, piece by piece, or whole to whoever calls it."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def __call__(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """A body has `grace` seconds to begin, then `bytes_per_second` on average; never more than `longest`."""

    grace: float = 10.0
    bytes_per_second: float = 8_000.0
    longest: float = 900.0

    def allowed(self, received: int) -> float:
        """Seconds after the beginning until which more than `received` bytes may be awaited."""
        return min(self.grace + received / self.bytes_per_second, self.longest)


class Budget:
    """Bytes of bodies held by this process. Used by the event loop alone, so it needs no lock."""

    def __init__(self, most: int, of_one: int | None = None) -> None:
        """`most` bytes in all, `of_one` for any one sender."""
        self.most, self.of_one = most, of_one or most
        self.held = 0
        self._held_of: Counter[str] = Counter()

    def take(self, size: int, sender: str = "") -> None:
        """Raises NoRoom, and takes nothing."""
        if self.held + size > self.most or self._held_of[sender] + size > self.of_one:
            raise NoRoom
        self.held += size
        self._held_of[sender] += size

    def give_back(self, size: int, sender: str = "") -> None:
        self.held -= size
        self._held_of[sender] -= size
        if not self._held_of[sender]:
            del self._held_of[sender]


class Body:
    """One body being received. Whoever made it calls `release` once its bytes are no longer needed."""

    def __init__(self, pieces: Pieces, *, announced: int | None, budget: Budget, pace: Pace) -> None:
        """`announced`: the Content-Length, or None when the body comes in chunks of unknown number."""
        self.announced = announced
        self.received = 0
        self.file = BytesIO()
        self._source = pieces
        self._pieces: AsyncIterator[bytes] | None = None  # granian gives its body once, in one way
        self._budget, self._sender = budget, ""
        self._held = 0
        self._pace = pace
        self._began = asyncio.get_running_loop().time()

    async def receive(self, most: int) -> bool:
        """Read on, up to `most` bytes in all. Whether that was all; False when more is coming.

        Raises TooSlow, NoRoom, Truncated.
        """
        if self.announced is not None and self.announced > most:
            return False
        while piece := await self._next():
            self._budget.take(len(piece), self._sender)
            self._held += len(piece)
            self.file.write(piece)
            if self.received == self.announced:
                return True
            if self.received > most:
                return False
        return True

    async def receive_whole(self) -> None:
        """All that was announced, at once: the loop is woken once, not for each piece.

        Until then its bytes are nobody's in the budget: whoever calls it bounds how many wait so.
        Raises TooSlow, NoRoom, Truncated.
        """
        assert self.announced is not None
        try:
            async with asyncio.timeout_at(self._began + self._pace.allowed(self.announced)):
                whole = await self._source()
        except TimeoutError:
            raise TooSlow from None
        except (ProtocolError, ProtocolClosed):
            raise Truncated from None
        if len(whole) != self.announced:
            raise Truncated
        self._budget.take(len(whole), self._sender)
        self.received = self._held = len(whole)
        self.file.write(whole)

    async def discard(self, most: int) -> None:
        """Let up to `most` bytes pass by and keep nothing: a browser hears no answer while it still sends."""
        self.release()
        if self.announced is not None and self.announced > most:
            return
        while self.received != self.announced and self.received < most and await self._next():
            pass

    def admit(self, budget: Budget, sender: str) -> None:
        """From now on this is a file, of a sender that is known. Raises NoRoom."""
        budget.take(self._held, sender)
        self._budget.give_back(self._held, self._sender)
        self._budget, self._sender = budget, sender

    def release(self) -> None:
        """Give the memory back."""
        self.file = BytesIO()
        self._budget.give_back(self._held, self._sender)
        self._held = 0

    async def _next(self) -> bytes:
        """The next piece; empty at the end."""
        try:
            async with asyncio.timeout_at(self._began + self._pace.allowed(self.received)):
                piece = await self._piece()
                if not piece and (await self._piece() is not None or self.announced is not None):
                    raise Truncated
        except TimeoutError:
            raise TooSlow from None
        self.received += len(piece or b"")
        return piece or b""

    async def _piece(self) -> bytes | None:
        """After the last, granian gives an empty piece, then none; two empty pieces when the sender left."""
        if self._pieces is None:
            self._pieces = self._source.__aiter__()
        try:
            return await self._pieces.__anext__()
        except StopAsyncIteration:
            return None
