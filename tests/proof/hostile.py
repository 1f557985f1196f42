"""An insurer that lies: what it sends about each person, through the real job, to a real worker."""

import gzip
import json
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import UUID

import psutil

from conftest import RealDatabase
from dossiers.opening import IMPORT_HISTORY
from jobs.queue import job_id_of
from sandbox import statements
from sandbox.population import Person
from tests.history.cast import SINCE, UNTIL
from tests.proof import people, processes
from tests.proof.processes import until

TOKEN = "a token for nobody"
HL7 = b'<ClinicalDocument xmlns="urn:hl7-org:v3">'
MEGABYTE = 1 << 20

Sending = Callable[[BaseHTTPRequestHandler], None]
Attack = Callable[[Person, "Outside"], bytes | Sending]


def statement(person: Person, lines: int = 24) -> bytes:
    return statements.write(person, since=SINCE, until=UNTIL, lines=lines)


def changed(person: Person, old: str, new: str, *, count: int = -1) -> bytes:
    """The person's own statement, with something put in the place of something else."""
    written = statement(person).decode()
    assert old in written, f"{old} is not in a statement"
    return written.replace(old, new, count).encode()


# What is sent -----------------------------------------------------------------------------------


def with_doctype(declarations: str, used: str) -> Attack:
    def write(person: Person, outside: "Outside") -> bytes:
        told = declarations.replace("OUTSIDE", outside.canary)
        written = changed(person, "<ClinicalDocument", f"<!DOCTYPE x [{told}]>\n<ClinicalDocument", count=1)
        return written.replace(b"</title>", f"{used}</title>".encode(), 1)

    return write


def laughs(depth: int) -> str:
    first = '<!ENTITY l0 "ha">'
    return first + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, depth))


def in_a_document(inside: Callable[[], bytes]) -> Attack:
    return lambda person, outside: HL7 + inside() + b"</ClinicalDocument>"


def as_it_is(data: Callable[[], bytes]) -> Attack:
    return lambda person, outside: data()


def of_another(**differing: object) -> Attack:
    return lambda person, outside: statement(replace(person, **differing))


def endless(person: Person, outside: "Outside") -> Sending:
    """A hundred megabytes, their length untold."""

    def send(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/xml")
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(HL7 + b"<title>")
        for _ in range(100):
            request.wfile.write(b"a" * MEGABYTE)

    return send


def heavy(person: Person, outside: "Outside") -> Sending:
    """A hundred megabytes, announced."""

    def send(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/xml")
        request.send_header("Content-Length", str(100 * MEGABYTE))
        request.end_headers()
        for _ in range(100):
            request.wfile.write(b" " * MEGABYTE)

    return send


def compressed_bomb(person: Person, outside: "Outside") -> Sending:
    def send(request: BaseHTTPRequestHandler) -> None:
        packed = gzip.compress(b" " * (50 * MEGABYTE))
        request.send_response(200)
        request.send_header("Content-Type", "text/xml")
        request.send_header("Content-Encoding", "gzip")
        request.send_header("Content-Length", str(len(packed)))
        request.end_headers()
        request.wfile.write(packed)

    return send


def elsewhere(person: Person, outside: "Outside") -> Sending:
    def send(request: BaseHTTPRequestHandler) -> None:
        request.send_response(307)
        request.send_header("Location", f"{outside.canary}/moved")
        request.send_header("Content-Length", "0")
        request.end_headers()

    return send


def cut_short(person: Person, outside: "Outside") -> Sending:
    """Less than was announced, then silence on a closed line."""

    def send(request: BaseHTTPRequestHandler) -> None:
        written = statement(person)
        request.send_response(200)
        request.send_header("Content-Type", "text/xml")
        request.send_header("Content-Length", str(len(written)))
        request.end_headers()
        request.wfile.write(written[: len(written) // 2])
        request.close_connection = True

    return send


ATTACKS: dict[str, Attack] = {
    "external entity, a file": with_doctype('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;"),
    "external entity, an address": with_doctype('<!ENTITY x SYSTEM "OUTSIDE/x">', "&x;"),
    "external parameter entity": with_doctype('<!ENTITY % x SYSTEM "OUTSIDE/x.dtd"> %x;', ""),
    "external DTD": lambda person, outside: changed(
        person, "<ClinicalDocument", f'<!DOCTYPE x SYSTEM "{outside.canary}/x.dtd"><ClinicalDocument', count=1
    ),
    "billion laughs": with_doctype(laughs(10), "&l9;"),
    "quadratic blow-up": with_doctype(f'<!ENTITY a "{"a" * 100_000}">', "&a;" * 2000),
    "200 000 levels": as_it_is(lambda: HL7 + b"<a>" * 200_000),
    "200 000 levels, closed": as_it_is(lambda: HL7 + b"<a>" * 200_000 + b"</a>" * 200_000),
    "a million elements": in_a_document(lambda: b"<id/>" * 1_000_000),
    "100 000 attributes": in_a_document(
        lambda: b"<id " + b" ".join(b'a%d=""' % n for n in range(100_000)) + b"/>"
    ),
    "a name of 15 MB": in_a_document(lambda: b"<" + b"a" * (15 * MEGABYTE) + b"/>"),
    "an attribute of 15 MB": in_a_document(lambda: b'<id root="' + b"a" * (15 * MEGABYTE) + b'"/>'),
    "a comment of 15 MB": in_a_document(lambda: b"<!--" + b"a" * (15 * MEGABYTE) + b"-->"),
    "15 MB of text": in_a_document(lambda: b"<title>" + b"a" * (15 * MEGABYTE) + b"</title>"),
    "a long namespace, many times": in_a_document(
        lambda: (
            b'<x:a xmlns:x="'
            + b"n" * 60_000
            + b'" '
            + b" ".join(b'x:a%d=""' % n for n in range(5000))
            + b"/>"
        )
    ),
    "XInclude": lambda person, outside: (
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{outside.canary}/x"/>'.encode()
    ),
    "100 MB, announced": heavy,
    "100 MB, unannounced": endless,
    "a compressed bomb": compressed_bomb,
    "a redirection": elsewhere,
    "cut on the way": cut_short,
    "truncated": lambda person, outside: statement(person)[: len(statement(person)) * 2 // 3],
    "truncated by one byte": lambda person, outside: statement(person).rstrip()[:-1],
    "followed by something": lambda person, outside: statement(person) + b"<a/>",
    "wrong template": lambda person, outside: changed(
        person, "1.2.250.1.213.1.1.1.36", "1.2.250.1.213.1.1.1.37"
    ),
    "wrong type": lambda person, outside: changed(person, '"REMB"', '"34133-9"'),
    "wrong NIR key": lambda person, outside: changed(
        person, person.nir, f"{person.nir[:13]}{97 - int(person.nir[13:]) % 97:02d}"
    ),
    "NIR of the real referential": lambda person, outside: changed(
        person, "1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.8"
    ),
    "somebody else's": lambda person, outside: statement(outside.somebody_else),
    "another birth name": of_another(birth_name="Autrement"),
    "another given name": of_another(given_names=("Zéphirin",)),
    "another birth date, same number": lambda person, outside: changed(
        person, f'birthTime value="{person.birth_date}', 'birthTime value="19000101'
    ),
    "two patients": lambda person, outside: changed(
        person, "<author>", "<recordTarget><patientRole/></recordTarget><author>", count=1
    ),
    "a section missing": lambda person, outside: re.sub(
        rb"<component>\s*<section>.*?</section>\s*</component>",
        b"",
        statement(person),
        count=1,
        flags=re.DOTALL,
    ),
    "a section twice": lambda person, outside: re.sub(
        rb"(<component>\s*<section>.*?</section>\s*</component>)",
        rb"\1\1",
        statement(person),
        count=1,
        flags=re.DOTALL,
    ),
    "UTF-7": lambda person, outside: changed(person, "UTF-8", "UTF-7", count=1),
    "UTF-32": lambda person, outside: statement(person).decode().encode("utf-32"),
    "a lone surrogate": lambda person, outside: changed(person, "</title>", "&#xD800;</title>", count=1),
    "a null": lambda person, outside: changed(person, "</title>", "\x00</title>", count=1),
    "a style sheet that acts": lambda person, outside: changed(
        person,
        "<ClinicalDocument",
        f'<?xml-stylesheet href="{outside.canary}/x.xsl"?><ClinicalDocument',
        count=1,
    ).replace(b"1.2.250.1.213.1.1.1.36", b"1.2.250.1.213.1.1.1.37"),
    "a web page": as_it_is(lambda: b"<!doctype html><html><body>502 Bad Gateway</body></html>"),
    "a PDF": as_it_is(lambda: b"%PDF-1.7\n%\xff\xff\n"),
    "nothing": as_it_is(lambda: b""),
    "noise": as_it_is(lambda: bytes(range(256)) * 4096),
}
SHORT = (
    "external entity, an address", "billion laughs", "200 000 levels", "100 MB, unannounced", "truncated",
    "wrong template", "somebody else's", "wrong NIR key",
)  # fmt: skip


def of_files(paths: Iterable[Path]) -> dict[str, Attack]:
    """What others wrote to do harm, sent as it is."""
    return {f"corpus: {path.name}": lambda person, outside, path=path: path.read_bytes() for path in paths}


# To whom ------------------------------------------------------------------------------------------


@dataclass
class Outside:
    """Where a statement may try to lead the house; whoever calls there was led."""

    canary: str
    somebody_else: Person
    calls: list[str] = field(default_factory=list)


@contextmanager
def canary(somebody_else: Person) -> Iterator[Outside]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        outside = Outside(f"http://127.0.0.1:{listening.getsockname()[1]}", somebody_else)

        def listen() -> None:
            while True:
                try:
                    called, _ = listening.accept()
                except OSError:
                    return
                outside.calls.append("called")
                called.close()

        Thread(target=listen, daemon=True).start()
        yield outside


@contextmanager
def lying_insurer(sent: Mapping[str, bytes | Sending]) -> Iterator[str]:
    """Its address; it sends what is there for each number."""

    class Historiques(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = sent.get(asked["ins"]["valeur"])
            try:
                if callable(answer):
                    answer(self)
                    return
                self.send_response(200 if answer is not None else 404)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(answer or b"")))
                self.end_headers()
                self.wfile.write(answer or b"")
            except OSError:  # whoever asked has heard enough
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Unmoved(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Whoever hangs up has heard enough."""

    server = Unmoved(("127.0.0.1", 0), Historiques)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


# What becomes of it -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Met:
    """What one attack met: how its job stands, under which code, after how long."""

    state: str
    code: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    met: Mapping[str, Met]
    filed: int  # statements and documents in the dossiers that were lied about
    good_ones_filed: int
    worker_deaths: int
    most_memory: int  # bytes resident, at the worst moment of the process that worked
    calls_outside: int


def sent_to_a_worker(database: RealDatabase, logs: Path, attacks: Mapping[str, Attack]) -> Ended:
    """One dossier for each attack, then one that is told the truth; one worker for all of them."""
    insured = list(people.who_have_a_history(len(attacks) + 3))
    truth, somebody_else = insured.pop(), insured.pop()
    with canary(somebody_else) as outside:
        victims = dict(zip(attacks, insured, strict=False))
        sent = {victims[name].nir: attack(victims[name], outside) for name, attack in attacks.items()}
        with lying_insurer(sent | {truth.nir: statement(truth)}) as address:
            environment = database.environment(
                DMP_HISTORY_URL=address, DMP_HISTORY_TOKEN=TOKEN, DMP_LOG_LEVEL="INFO"
            )
            dossiers = {name: people.open_dossier(person) for name, person in victims.items()}
            log = logs / "worker.log"
            worker = processes.worker(environment, log)
            try:
                imports = {_job(dossier) for dossier in dossiers.values()}
                assert until(lambda: imports <= _worked(log).keys(), within=60 + 3 * len(dossiers))
                works = _who_works(worker)
                good = people.open_dossier(truth)
                assert until(lambda: _job(good) in _worked(log), within=30)
                memory = _most_memory(works)
                deaths = 0 if works.is_running() and worker.alive else 1
            finally:
                worker.stop()
        time.sleep(0.1)
        calls = len(outside.calls)
    deaths += log.read_text(encoding="utf-8").count("exited prematurely")
    worked = _worked(log)
    with database.superuser() as server:
        states = {
            subject: (state, code)
            for subject, state, code in server.execute(
                "SELECT subject_id, state, code FROM jobs_job"
            ).fetchall()
        }
        filed = dict(
            server.execute(
                "SELECT dossier_id, count(*) FROM (SELECT dossier_id FROM history_statement UNION ALL"
                " SELECT dossier_id FROM documents_document) AS filed GROUP BY 1"
            ).fetchall()
        )
    return Ended(
        met={name: Met(*states[dossier], worked[_job(dossier)]) for name, dossier in dossiers.items()},
        filed=sum(filed.get(dossier, 0) for dossier in dossiers.values()),
        good_ones_filed=filed.get(good, 0),
        worker_deaths=deaths,
        most_memory=memory,
        calls_outside=calls,
    )


def _job(dossier_id: UUID) -> str:
    return str(job_id_of(IMPORT_HISTORY, f"{dossier_id}:opening"))


def _worked(log: Path) -> dict[str, float]:
    """How long each job took, as the worker tells it."""
    told: dict[str, float] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
        if line.startswith("{"):
            event = json.loads(line)
            if event.get("event") == "job worked":
                told[event["job"]] = event["seconds"]
    return told


def _who_works(worker: processes.Process) -> psutil.Process:
    """The worker itself: its slots are threads."""
    return psutil.Process(worker.running.pid)


def _most_memory(process: psutil.Process) -> int:
    """The high-water mark that the kernel keeps."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel keeps no high-water mark")
