"""Has the server work on one input, and waits no longer than it must."""

import fcntl
import os
import select
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from . import wire
from .wire import Ending

REACHED_WITHIN = 5.0  # seconds for a server that was killed to be started again
STARTED_WITHIN = 60.0  # seconds for others to leave their places
ENDED_WITHIN = 420.0  # seconds: the server stops a child before
PIPE = 1 << 20
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class Unreachable(RuntimeError):
    """Nobody answers, or not yet: the input was looked at by nobody."""


class Lost(RuntimeError):
    """The server went away while it worked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`output` is whole when the ending is a good one; at most one byte more than was allowed."""

    output: bytes
    ending: Ending


def ask(address: Path, label: str, content: bytes, *, at_most: int) -> Answer:
    """What the work makes of `content`. Raises Unreachable, Lost.

    An output longer than `at_most` bytes stops the child.
    """
    with _connected(address) as connection:
        reading, writing = os.pipe()
        try:
            with os.fdopen(reading, "rb", buffering=0) as output:
                _request(connection, label, content, writing)
                return _gather(connection, output.fileno(), at_most)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            raise Unreachable from None


def _connected(address: Path) -> socket.socket:
    deadline = time.monotonic() + REACHED_WITHIN
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(REACHED_WITHIN)
        try:
            connection.connect(str(address))
            return connection
        except (FileNotFoundError, ConnectionRefusedError, PermissionError, BlockingIOError, TimeoutError):
            connection.close()
            if time.monotonic() > deadline:
                raise Unreachable from None
            time.sleep(0.05)


def _request(connection: socket.socket, label: str, content: bytes, writing: int) -> None:
    """The content goes in memory that nobody can change any more; our own ends are closed on the way."""
    memory = os.memfd_create("input", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(memory, left) :]
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, SEALS)
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE)
        wire.request(connection, label, memory, writing)
    finally:
        os.close(memory)
        os.close(writing)


def _gather(connection: socket.socket, output: int, at_most: int) -> Answer:
    """Read the output as it comes, and then the ending."""
    pieces: list[bytes] = []
    size, started, ended = 0, False, False
    deadline = time.monotonic() + STARTED_WITHIN
    ending: Ending | None = None
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    poll.register(output, select.POLLIN)
    while ending is None or not ended:
        ready = dict(poll.poll(max(deadline - time.monotonic(), 0) * 1000))
        if not ready:
            raise Lost if started else Unreachable
        if output in ready:
            piece = os.read(output, PIPE)
            pieces.append(piece)
            size += len(piece)
            if not piece:
                poll.unregister(output)
                ended = True
            if size > at_most:
                return Answer(b"".join(pieces)[: at_most + 1], Ending(0, 0, 0.0))
        if connection.fileno() in ready:
            packet = connection.recv(wire.LONGEST_PACKET)
            if packet == wire.STARTED:
                started, deadline = True, time.monotonic() + ENDED_WITHIN
            elif packet:
                ending = wire.told(packet)
                poll.unregister(connection)
            else:
                raise Lost if started else Unreachable
    return Answer(b"".join(pieces), ending)
