"""Codes asked for while documents wait to be checked and an insurer drips its answers."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from accounts import notices
from accounts.contacts import Contact
from conftest import RealDatabase
from documents import deposit
from tests.cast import LEFEVRE
from tests.documents.files import pdf
from tests.history.conftest import open_dossier
from tests.history.insurer import people
from tests.proof import processes
from tests.proof.processes import until

PHONE = Contact("sms", "+33639980001")


@dataclass(frozen=True, slots=True)
class Seen:
    """How long each code took to leave, in seconds, and what surrounded them when the last one did."""

    codes: tuple[float, ...]
    checks_waiting: int
    questions_waiting: int


def under_load(database: RealDatabase, logs: Path, *, checks: int, drips: int, codes: int) -> Seen:
    """So many codes, one after another, under so many queued checks and dripping answers."""
    settings.DMP_WAITING_PER_AUTHOR = settings.DMP_WAITING_PER_STRUCTURE = 10 * checks
    with a_dripping_insurer() as insurer, a_gateway() as gateway:
        environment = database.environment(
            DMP_HISTORY_URL=insurer.address, DMP_SMS_URL=gateway.address, DMP_LOG_LEVEL="WARNING"
        )
        dossiers = [open_dossier(person, at=timezone.now()) for person in people(drips)]
        content = pdf("Fer 12 mg", pages=3)
        for number in range(checks):
            deposit.deposit(
                dossiers[number % drips],
                content=content,
                media_type="application/pdf",
                type_code="11488-4",
                title="Consultation",
                created_on=date(2026, 11, 20),
                masked=False,
                withheld=False,
                hidden_from_representatives=False,
                by=LEFEVRE,
                at=timezone.now(),
            )
        workers = [
            processes.worker(environment, logs / "codes.log", queues="codes"),
            processes.worker(environment, logs / "worker.log", queues="foreground,checks,bulk"),
        ]
        try:
            assert until(lambda: insurer.waiting >= drips, within=90), "the insurer was not asked"
            with database.superuser() as server:
                taken = tuple(_code(gateway, number) for number in range(codes))
                [waiting] = server.execute(
                    "SELECT count(*) FROM jobs_job"
                    " WHERE kind = 'documents.check' AND state IN ('ready', 'leased')"
                ).fetchone() or (0,)
            return Seen(taken, int(waiting), insurer.waiting)
        finally:
            for process in workers:
                process.stop()


def _code(gateway: "Gateway", number: int) -> float:
    """How long after it was asked for a code arrives at the gateway."""
    code = f"{100_000 + number}"
    asked = time.monotonic()
    notices.queue_code(PHONE, code, at=timezone.now())
    assert until(lambda: code in gateway.arrived, within=30), "the code did not leave"
    return gateway.arrived[code] - asked


@dataclass
class Gateway:
    """Who sends SMS: which code arrived when."""

    address: str
    arrived: dict[str, float]


@contextmanager
def a_gateway() -> Iterator[Gateway]:
    arrived: dict[str, float] = {}

    class Sms(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["texte"]
            if found := re.search(r"\d{6}", text):
                arrived.setdefault(found[0], time.monotonic())
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sms)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield Gateway(f"http://127.0.0.1:{server.server_port}/sms", arrived)
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Insurer:
    """One that accepts, and says a byte of its headers each second."""

    address: str
    waiting: int = 0


@contextmanager
def a_dripping_insurer() -> Iterator[Insurer]:
    listening = socket.create_server(("127.0.0.1", 0), backlog=200)
    insurer, lock = Insurer(f"http://127.0.0.1:{listening.getsockname()[1]}"), threading.Lock()

    def drip(talking: socket.socket) -> None:
        with talking, suppress(OSError):
            with lock:
                insurer.waiting += 1
            try:
                talking.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while True:
                    talking.sendall(b"x")
                    time.sleep(1)
            finally:
                with lock:
                    insurer.waiting -= 1

    def accept() -> None:
        with suppress(OSError):
            while True:
                talking, _ = listening.accept()
                threading.Thread(target=drip, args=(talking,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield insurer
    finally:
        listening.close()
