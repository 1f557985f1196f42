"""A load generator that costs little: raw sockets, persistent connections, prepared requests.

It runs on the same two cores as what it measures, so every figure includes it; its own CPU is printed.
"""

import socket
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from threading import Thread
from typing import NamedTuple


class Answer(NamedTuple):
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Measure:
    """What one run gave. `per_second` counts the answers that were as expected."""

    name: str
    done: int
    wrong: int
    seconds: float
    latencies_ms: tuple[float, ...]
    own_cpu_ms: float

    @property
    def per_second(self) -> float:
        return self.done / self.seconds

    @property
    def p50(self) -> float:
        return statistics.median(self.latencies_ms) if self.latencies_ms else 0.0

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.latencies_ms, n=20)[18] if len(self.latencies_ms) > 20 else 0.0


class Line:
    """One persistent connection to a loopback address."""

    def __init__(self, port: int):
        self.port = port
        self.socket = self._connected()

    def _connected(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), 30)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def ask(self, request: bytes) -> Answer:
        self.socket.sendall(request)
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._received()
        head, body = got[:end].lower(), got[end + 4 :]
        if b"transfer-encoding: chunked" in head:
            while not body.endswith(b"0\r\n\r\n"):
                body += self._received()
        elif b"content-length:" in head:
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            while len(body) < length:
                body += self._received()
        return Answer(int(got[9:12]), body)

    def _received(self) -> bytes:
        piece = self.socket.recv(1 << 18)
        if not piece:
            raise ConnectionError("the server closed the connection")
        return piece


def get(path: str, *, cookie: str = "") -> bytes:
    return _request("GET", path, cookie, b"", "")


def post(path: str, body: bytes, *, kind: str, cookie: str) -> bytes:
    return _request("POST", path, cookie, body, f"Content-Type: {kind}\r\n")


def _request(verb: str, path: str, cookie: str, body: bytes, more: str) -> bytes:
    head = f"{verb} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n{more}"
    if cookie:
        head += f"Cookie: {cookie}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass(frozen=True, slots=True)
class _Share:
    port: int
    requests: Sequence[bytes]
    lines: int
    seconds: float | None  # None: each request once, to the last
    expected: frozenset[int]


def _run_share(share: _Share) -> tuple[int, int, list[float], float]:
    """In a process of its own: `lines` connections, one thread each."""
    began_cpu = time.process_time()
    results: list[tuple[int, int, list[float]]] = []

    def follow(requests: Iterator[bytes]) -> None:
        line, done, wrong, times = Line(share.port), 0, 0, []
        until = time.perf_counter() + share.seconds if share.seconds else None
        for request in requests:
            began = time.perf_counter()
            if until and began >= until:
                break
            answer = line.ask(request)
            times.append((time.perf_counter() - began) * 1e3)
            if answer.status in share.expected:
                done += 1
            else:
                wrong += 1
        results.append((done, wrong, times))

    def of(index: int) -> Iterator[bytes]:
        mine = share.requests[index :: share.lines] or (share.requests if share.seconds else [])
        return cycle(mine) if share.seconds else iter(mine)

    threads = [Thread(target=follow, args=(of(index),)) for index in range(share.lines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (
        sum(done for done, _, _ in results),
        sum(wrong for _, wrong, _ in results),
        [one for _, _, times in results for one in times],
        time.process_time() - began_cpu,
    )


ROUNDS = 4  # the kernel deals connections to the server's workers: each round has its own, dealt anew


def measure(
    name: str,
    port: int,
    requests: Sequence[bytes],
    *,
    seconds: float | None = 4.0,
    connections: int = 8,
    expected: frozenset[int] = frozenset({200}),
    processes: int = 2,
    meanwhile: Callable[[], None] = lambda: None,
) -> Measure:
    """Send the requests over persistent connections: again and again for a time, or each of them once.

    `meanwhile` is called once everything was sent, before the clock stops.
    """
    elapsed, results = 0.0, []
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(time.sleep, [0.05] * processes))  # the processes exist before the clock starts
        for turn in range(ROUNDS):
            mine = requests if seconds else requests[turn::ROUNDS]
            shares = [
                _Share(
                    port,
                    mine[index::processes] or mine,
                    connections // processes,
                    seconds / ROUNDS if seconds else None,
                    expected,
                )
                for index in range(processes)
            ]
            began = time.perf_counter()
            results += pool.map(_run_share, shares)
            if turn == ROUNDS - 1:
                meanwhile()
            elapsed += time.perf_counter() - began
    done, wrong = sum(r[0] for r in results), sum(r[1] for r in results)
    times = [one for r in results for one in r[2]]
    cpu = sum(r[3] for r in results) * 1e3 / max(1, done)
    return Measure(name, done, wrong, elapsed, tuple(times), cpu)
