"""The front holds no thread for whoever is slow, forgets nothing of a request, and dies with its master."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings

from dmp import children
from dmp.front.bodies import Body, Budget, NoRoom, Pace, TooSlow, Truncated
from dmp.front.queues import queues

HOST = b"Host: 127.0.0.1\r\n"
TARGET = "tests.dmp.front_answers:front"
# Seconds: less than anybody is waited for there, more than a busy machine takes to answer.
AT_ONCE = 1.2


def until(true, *, within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while not (held := true()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(held)


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


class Served:
    """`python -m dmp.front` on sockets of ours, as `make run` starts it."""

    def __init__(self, held: list[socket.socket], workers: int):
        self.descriptors, self.processes = [one.fileno() for one in held], workers
        self.port = held[0].getsockname()[1]
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "dmp.front", TARGET, "--grace", "2"]
        command += ["--workers", str(self.processes)]
        command += [word for one in self.descriptors for word in ("--fd", str(one))]
        self.master = subprocess.Popen(
            command, cwd=settings.BASE_DIR, pass_fds=self.descriptors, stdout=subprocess.DEVNULL
        )

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.master.pid).children()

    def opened(self, sent: bytes, *, room: int | None = None) -> socket.socket:
        line = socket.socket()
        if room:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        line.settimeout(15)
        line.connect(("127.0.0.1", self.port))
        line.sendall(sent)
        return line

    def ask(self, path: str, *, verb: str = "GET", head: bytes = b"", body: bytes = b"") -> tuple[int, bytes]:
        sent = (
            f"{verb} {path} HTTP/1.1\r\n".encode() + HOST + b"Connection: close\r\n" + head + b"\r\n" + body
        )
        with self.opened(sent) as line:
            return answer(line)

    def send(self, path: str, body: bytes) -> tuple[int, bytes]:
        return self.ask(path, verb="POST", head=f"Content-Length: {len(body)}\r\n".encode(), body=body)


def answer(line: socket.socket) -> tuple[int, bytes]:
    """The status and the body of what comes until the other side closes."""
    got = b""
    while piece := line.recv(1 << 20):
        got += piece
    while got.startswith(b"HTTP/1.1 100"):
        got = got.split(b"\r\n\r\n", 1)[1]
    head, _, body = got.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]) if head else 0, body


@contextmanager
def serving(*, workers: int = 1, held: int = 1) -> Iterator[Served]:
    with ExitStack() as open_sockets:
        listening = [open_sockets.enter_context(one) for one in queues("127.0.0.1", 0, held)]
        served = Served(listening, workers)
        try:
            yield served
        finally:
            children.stop(served.master, patience=10)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as served:
        assert served.ask("/")[0] == 200
        yield served


def beginning(size: int = 100, path: str = "/") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nContent-Length: {size}\r\nConnection: close\r\n"
    return head.encode() + HOST + b"\r\n"


# -- Whoever is slow -------------------------------------------------------------------------------


def test_bodies_that_never_come_leave_the_threads_to_others_and_are_cut(served):
    with ExitStack() as lines:
        silent = [lines.enter_context(served.opened(beginning())) for _ in range(8)]
        began = time.monotonic()

        status, _ = served.ask("/")
        waited = time.monotonic() - began
        cut = [answer(line) for line in silent]

    assert (status, waited < AT_ONCE) == (200, True)
    assert {status for status, _ in cut} == {408}
    assert time.monotonic() - began < 8


def test_readers_who_read_nothing_leave_the_threads_to_others(served):
    with ExitStack() as lines:
        for _ in range(8):
            line = lines.enter_context(served.opened(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n", room=4096))
            line.recv(100)  # the answer began
        began = time.monotonic()

        status, _ = served.ask("/")

    assert (status, time.monotonic() - began < AT_ONCE) == (200, True)


def test_heads_that_never_end_leave_the_threads_to_others(served):
    with ExitStack() as lines:
        for sent in (b"", b"GET", b"GET / HTTP/1.1\r\nHost: 1"):
            for _ in range(8):
                lines.enter_context(served.opened(sent))

        assert served.ask("/")[0] == 200


def test_a_process_is_alive_while_all_its_threads_are_busy(served):
    with ExitStack() as lines:
        for _ in range(4):
            lines.enter_context(served.opened(b"GET /sleep HTTP/1.1\r\n" + HOST + b"\r\n"))
        time.sleep(0.1)
        began = time.monotonic()

        assert served.ask("/healthz") == (200, b"ok\n")
        assert time.monotonic() - began < AT_ONCE


def test_a_body_that_comes_slowly_enough_arrives_whole_and_one_that_drips_is_cut(served):
    body = os.urandom(60_000)
    with served.opened(beginning(len(body))) as slow, served.opened(beginning(1000)) as dripping:
        for start in range(0, len(body), 4_000):
            slow.sendall(body[start : start + 4_000])
            time.sleep(0.05)  # 80 kB a second; 20 are wanted
            if start % 20_000 == 0:
                try:
                    dripping.sendall(b"x")
                except OSError:
                    continue

        assert answer(slow) == (200, f"{len(body)} {sha256(body).hexdigest()}".encode())
        assert answer(dripping)[0] == 408


# -- How much --------------------------------------------------------------------------------------


def test_more_than_a_form_reaches_the_application_only_where_it_takes_more(served):
    body = os.urandom(1_900_000)

    assert served.send("/", b"x" * 65_536)[0] == 200
    assert served.send("/refused", b"x" * 65_537) == (413, b"larger than 65536")
    assert served.send("/upload", body) == (200, f"{len(body)} {sha256(body).hexdigest()}".encode())
    assert served.send("/upload", b"x" * 2_000_001)[0] == 413
    assert not any("/refused" in call for call in json.loads(served.ask("/calls")[1]))


def test_bodies_of_unannounced_length_obey_the_same_limits(served):
    def chunked(path: str, size: int) -> tuple[int, bytes]:
        body = b"".join(b"3e8\r\n" + b"y" * 1000 + b"\r\n" for _ in range(size // 1000)) + b"0\r\n\r\n"
        return served.ask(path, verb="POST", head=b"Transfer-Encoding: chunked\r\n", body=body)

    assert chunked("/", 60_000) == (200, b"60000 " + sha256(b"y" * 60_000).hexdigest().encode())
    assert chunked("/", 70_000)[0] == 413
    assert chunked("/upload", 1_900_000)[0] == 200
    assert chunked("/upload", 2_100_000)[0] == 413


def test_who_asks_before_sending_is_answered_at_once(served):
    head = b"POST /refused HTTP/1.1\r\nContent-Length: 9000000\r\nExpect: 100-continue\r\n" + HOST
    began = time.monotonic()
    with served.opened(head + b"Connection: close\r\n\r\n") as line:
        got = line.recv(1000)

    assert got.startswith(b"HTTP/1.1 413")
    assert time.monotonic() - began < AT_ONCE


def test_a_body_cut_on_the_way_never_reaches_the_application(served):
    for sent in (
        beginning(1000, "/cut") + b"x" * 999,
        b"POST /cut HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + b"\r\n3e8\r\n" + b"x" * 500,
        b"POST /cut HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + b"\r\n3\r\nabc\r\n",
    ):
        served.opened(sent).close()
        with served.opened(sent) as line:
            line.shutdown(socket.SHUT_WR)
            assert answer(line)[0] in (0, 400)
    time.sleep(0.2)

    assert not any("/cut" in call for call in json.loads(served.ask("/calls")[1]))


def test_bodies_beyond_the_memory_allowed_are_asked_to_come_back_and_the_memory_is_given_back(served):
    with ExitStack() as lines:
        held = [lines.enter_context(served.opened(beginning(1_900_000, "/upload"))) for _ in range(2)]
        for line in held:
            line.sendall(b"x" * 1_400_000)
        time.sleep(0.3)

        assert served.send("/upload", b"x" * 1_000_000)[0] == 503
        assert served.send("/", b"x" * 60_000)[0] == 200, "forms have their own"
        head = b"Content-Length: 1000000\r\nX-Sender: somebody else\r\n"
        assert served.ask("/upload", verb="POST", head=head, body=b"x" * 1_000_000)[0] == 200
    time.sleep(0.3)
    assert served.send("/upload", b"x" * 1_900_000)[0] == 200


@pytest.mark.parametrize("path", ["/broken", "/ended", "/misspelt"])
def test_no_failure_of_the_application_ends_a_thread(served, path):
    assert [served.ask(path)[0] for _ in range(4)] == [500] * 4
    assert served.ask("/")[0] == 200


# -- What the application is told ------------------------------------------------------------------


def test_the_application_is_told_what_was_sent(served):
    head = (
        b"X-Forwarded-For: 192.0.2.7\r\nx_forwarded_for: 203.0.113.9\r\nX-Forwarded-For: 192.0.2.8\r\n"
        b"Cookie: a=1\r\nCookie: b=2\r\nContent-Type: text/plain\r\n"
    )
    told = json.loads(served.ask("/environ", head=head)[1])
    assert told["HTTP_X_FORWARDED_FOR"] == "192.0.2.7,192.0.2.8"
    assert told["HTTP_COOKIE"] == "a=1; b=2"
    assert told["CONTENT_TYPE"] == "text/plain"
    assert told["REMOTE_ADDR"] == "127.0.0.1"
    assert (told["SERVER_NAME"], told["SERVER_PORT"]) == ("127.0.0.1", str(served.port))
    assert (told["SERVER_PROTOCOL"], told["CONTENT_LENGTH"]) == ("HTTP/1.1", "")
    assert not any(name.startswith("HTTP_") for name in told) or "HTTP_HOST" in told


def test_an_address_keeps_its_letters_and_its_question(served):
    status, body = served.ask("/%C3%A9t%C3%A9%2F?q=%FF&r=a%26b")

    assert status == 200
    del body
    calls = json.loads(served.ask("/calls")[1])
    assert calls[-2].encode("latin-1").decode() == "/été/ 0"


def test_answers_are_whole_and_name_no_product(served):
    with served.opened(b"GET /file HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n") as line:
        got = b""
        while piece := line.recv(65_536):
            got += piece
    head, _, body = got.partition(b"\r\n\r\n")

    assert body == Path(settings.BASE_DIR, "tests/dmp/front_answers.py").read_bytes()
    assert b"granian" not in head.lower()
    assert served.ask("/large", verb="HEAD") == (200, b"")


@pytest.mark.parametrize(
    "sent",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n" + HOST + b"\r\nabcd",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 600_000 + b"\r\n\r\n",
    ],
    ids=["HTTP/2 without TLS", "two lengths", "a negative length", "an endless head"],
)
def test_what_is_not_plain_http_is_refused(served, sent):
    with served.opened(b"") as line:
        try:
            line.sendall(sent)
            status, _ = answer(line)
        except ConnectionError:
            status = 0

    assert status in (0, 400, 431)


# -- Processes -------------------------------------------------------------------------------------


def test_no_worker_outlives_its_master_and_no_connection_is_refused_meanwhile():
    with serving() as served:
        old = int(served.ask("/process")[1])
        [worker] = served.workers()
        with served.opened(b"GET /sleep HTTP/1.1\r\n" + HOST + b"\r\n"):  # it has something to end
            served.master.send_signal(signal.SIGKILL)
            served.master.wait()
            assert until(lambda: gone(worker), within=2)
        with served.opened(b"GET /process HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n") as waiting:
            served.start()
            status, new = answer(waiting)

        assert (status, int(new) != old) == (200, True)


def test_what_was_begun_is_ended_before_a_polite_stop():
    with serving() as served:
        assert served.ask("/")[0] == 200
        with served.opened(b"GET /sleep HTTP/1.1\r\n" + HOST + b"\r\n") as busy:
            time.sleep(0.2)

            served.master.terminate()

            assert answer(busy)[0] == 200
        assert served.master.wait(5) == 0


def test_a_worker_that_dies_is_replaced():
    with serving() as served:
        assert served.ask("/")[0] == 200
        [worker] = served.workers()

        worker.kill()

        assert served.ask("/process")[1] != str(worker.pid).encode()


def test_connections_are_dealt_out_among_the_processes_and_wait_for_the_one_that_died():
    with serving(workers=2, held=2) as served:
        assert served.ask("/")[0] == 200
        assert until(lambda: len(served.workers()) == 2)
        answered = Counter(int(served.ask("/process")[1]) for _ in range(64))
        assert min(answered.values()) >= 12, answered  # of 64 fair draws: once in a million

        killed = served.workers()[0]
        killed.kill()

        assert {served.ask("/process")[0] for _ in range(16)} == {200}, "nobody was refused"


def test_processes_may_share_the_one_socket_that_somebody_holds():
    with serving(workers=2, held=1) as served:
        assert served.ask("/")[0] == 200


def test_a_queue_without_a_process_is_refused():
    done = subprocess.run(
        [sys.executable, "-m", "dmp.front", TARGET, "--fd", "7", "--fd", "8", "--workers", "1"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, "more --workers" in done.stderr) == (2, True)


# -- The rule itself -------------------------------------------------------------------------------


@pytest.mark.parametrize(("received", "seconds"), [(0, 10), (8_000, 11), (64_000, 18), (50_000_000, 900)])
def test_a_body_is_waited_for_as_its_pace_deserves(received, seconds):
    assert Pace().allowed(received) == seconds


def test_twenty_megabytes_at_one_megabit_a_second_arrive():
    pace, rate = Pace(), 125_000

    assert all(size / rate < pace.allowed(size) for size in range(0, 20_000_001, 65_536))


class Sent:
    """Pieces as granian gives them: an empty one after the last, two when the sender left."""

    def __init__(self, *pieces: bytes, cut: bool = False):
        self.pieces = iter([*pieces, b"", *([b""] if cut else [])])

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return next(self.pieces)
        except StopIteration:
            raise StopAsyncIteration from None


def in_a_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """In a thread of its own: Playwright's loop lives in that of the tests, once a page was opened."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, coroutine).result()


def received(sent: Sent, *, announced: int | None, budget: Budget | None = None, most: int = 100) -> bytes:
    async def receive() -> bytes:
        body = Body(sent, announced=announced, budget=budget or Budget(1000), pace=Pace())
        await body.receive(most)
        return body.file.getvalue()

    return in_a_loop(receive())


def test_a_body_is_its_pieces():
    assert received(Sent(b"ab", b"c"), announced=3) == b"abc"
    assert received(Sent(b"ab", b"c"), announced=None) == b"abc"


@pytest.mark.parametrize("announced", [None, 5])
def test_a_body_that_stops_early_is_not_a_body(announced):
    with pytest.raises(Truncated):
        received(Sent(b"ab", cut=announced is None), announced=announced)


def test_a_body_refused_for_want_of_room_holds_nothing():
    budget = Budget(4)
    with pytest.raises(NoRoom):
        received(Sent(b"ab", b"abc"), announced=5, budget=budget)
    assert budget.held == 2


def test_silence_is_too_slow():
    class Silent(Sent):
        async def __anext__(self):
            await asyncio.sleep(60)

    async def receive() -> None:
        await Body(Silent(), announced=3, budget=Budget(1000), pace=Pace(grace=0.01)).receive(10)

    with pytest.raises(TooSlow):
        in_a_loop(receive())


@pytest.mark.parametrize(
    "head",
    [b"Cookie: a=" + b"\\" * 9000, b"Cookie: a=" + b"b" * 5000 + b"\r\nCookie: c=" + b"d" * 5000],
    ids=["one", "in pieces"],
)
def test_a_header_larger_than_any_of_a_browser_reaches_no_thread(served, head):
    assert served.ask("/", head=head + b"\r\n")[0] == 431
    assert served.ask("/", head=b"Cookie: a=" + b"b" * 8000 + b"\r\n")[0] == 200
