"""Print, in one run, what each path that counts gives as a share of a bare view on the same server."""

import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
from io import StringIO
from pathlib import Path
from uuid import uuid4

from dmp import children
from dmp.house import House
from dmp.places import is_free

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "proofs" / "throughput.md"
TEXT = """# How fast, as shares of a bare view

Written by `make proof`. One run, one machine: only the shares may be compared. The load comes from the same
cores as the service, over persistent connections dealt anew four times a measure. `SQL` counts the
statements of one request
beside BEGIN and COMMIT. Openings are measured to their commit (the sheet is the next page), deposits to
the acknowledgement (sealed, in quarantine, traced), open + import until the last statement is filed by a
real worker over HTTP.

```
{}
```
"""
CONNECTIONS = 8
FILES_A_SECOND = {"files of one page": 20, "pages of long files": 40}  # on two cores
OPENINGS, IMPORTS, FLOOR = 600, 120, 60
TARGETS = {"list": 2.5, "read": 5.0, "deposit": 3.5, "open": 4.0, "open + import": 0.4}  # % of hello-world


def main() -> None:
    var = ROOT / "var" / "bench"
    shutil.rmtree(var, ignore_errors=True)
    port = next(
        port for port in range(20_800, 21_000) if is_free(port) and is_free(port + 1) and is_free(port + 2)
    )
    nobody = f"http://127.0.0.1:{port + 3}"
    os.environ |= {
        "DMP_BENCH_STATEMENTS": str(var / "statements"),
        "DMP_HISTORY_URL": f"http://127.0.0.1:{port + 2}",
        "DMP_HISTORY_TOKEN": "bench",
        # Nobody signs in and no message leaves during a measure.
        **dict.fromkeys(("DMP_PSC_ISSUER", "DMP_SMS_URL", "DMP_READER_URL", "DMP_READER_JWKS_URL"), nobody),
        **dict.fromkeys(("DMP_PSC_CLIENT_ID", "DMP_PSC_CLIENT_SECRET", "DMP_SMS_TOKEN"), "bench"),
        "DMP_SMTP_HOST": "127.0.0.1",
    }
    house = House(var, port, os.environ)
    try:
        from dmp import keys

        keys.make(var, demo=True)
        house.open_database()
        house.open_redis()
        house.open_checker()
        prepare(house)
        house.open_web()
        house.wait_for_web()
        os.environ |= house.environment | {"DJANGO_SETTINGS_MODULE": "dmp.settings"}
        import django

        django.setup()
        logging.disable(logging.WARNING)
        bench = Bench(house, port)
        bench.run()
        if "--write" in sys.argv:
            PAGE.write_text(TEXT.format("\n".join(bench.told)), encoding="utf-8")
    except children.CannotStart as sentence:
        sys.exit(str(sentence))
    finally:
        house.close()
        shutil.rmtree(var, ignore_errors=True)


class Bench:
    def __init__(self, house: House, port: int):
        from django.utils import timezone

        from tests.bench import load, world

        self.house, self.port, self.load, self.world = house, port, load, world
        self.at = timezone.now()
        self.hello = 0.0
        self.missed: list[str] = []
        self.told: list[str] = []

    def run(self) -> None:
        world, load, at = self.world, self.load, self.at
        self.say(
            f"{CONNECTIONS} connections, 2 x 4 threads; the load comes from the same {os.cpu_count()} cores\n"
        )
        self.say(
            f"{'':24}{'per second':>11}{'share':>8}{'target':>8}"
            f"{'p50 ms':>8}{'p95 ms':>8}{'SQL':>5}{'load ms':>9}"
        )
        with world.serving("tests.bench.hello:application", self.port + 1):
            load.measure("warm", self.port + 1, [load.get("/")], seconds=1.0)
            measured = load.measure("hello-world", self.port + 1, [load.get("/")])
        self.hello = measured.per_second
        self.line(measured)

        [reader] = world.people(0, 1)
        dossier_id = world.open_here(world.receive(reader, at), at).dossier_id
        documents = world.fill(dossier_id, at)
        cookies = world.cookie(world.holder_of(dossier_id, at), at)

        page = load.get("/mon-dmp/documents/", cookie=cookies)
        load.measure("warm", self.port, [page], seconds=1.5)
        self.line(load.measure("list", self.port, [page]), self.sql("get", "/mon-dmp/documents/", cookies))

        readings = [f"/mon-dmp/documents/{document}/fichier/" for document in documents]
        requests = [load.get(path, cookie=cookies) for path in readings]
        self.line(load.measure("read", self.port, requests), self.sql("get", readings[0], cookies))

        self.deposits()
        self.files()
        self.openings()
        self.imports()
        self.say()
        self.say("\n".join(self.missed) if self.missed else "every target is met")

    def say(self, line: str = "") -> None:
        print(line, flush=True)
        self.told.append(line)

    def deposits(self) -> None:
        from jobs import queue
        from tests.cast import LEFEVRE

        world, load, at = self.world, self.load, self.at
        persons = world.people(10, 32)
        dossiers = [world.open_here(world.receive(person, at), at).dossier_id for person in persons]
        # As many as it takes for nobody to have more files waiting than anybody may.
        nurses = [replace(LEFEVRE, id=uuid4(), structure_id=uuid4()) for _ in range(24)]
        cookies = [world.cookie(nurse, at) for nurse in nurses]
        requests = [
            world.deposit(dossiers[number % len(dossiers)], cookies[number % len(cookies)])
            for number in range(1200)
        ]
        warm, counted = requests[:100], requests[100:]
        found = frozenset({302})
        load.measure("warm", self.port, warm, seconds=None, expected=found)
        measured = load.measure("deposit", self.port, counted, seconds=None, expected=found)
        self.line(measured, self.sql("post", world.deposit(dossiers[0], cookies[0]), ""))

        waiting = self.checks()
        began = time.perf_counter()
        for job_id in waiting:
            queue.work(job_id)
        elapsed = time.perf_counter() - began
        if waiting:
            self.say(f"{'checking (one worker)':24}{len(waiting) / elapsed:11.1f}")

    def files(self) -> None:
        """Files as the checker opens them, jail included, as many at a time as there are cores."""
        from documents import child
        from documents.inspection import PDF
        from tests.documents import files

        [checker] = [kept for kept in self.house.kept if kept.name == "checker"]
        for name, pages, count in (("files of one page", 1, 120), ("pages of long files", 20, 12)):
            content = files.pdf("Le compte rendu dit que tout va bien", pages=pages)
            child.inspect(content, PDF)
            spent, began = of_children(checker.process.pid), time.perf_counter()
            with ThreadPoolExecutor(os.cpu_count()) as at_once:
                found = list(
                    at_once.map(lambda _, content=content: child.inspect(content, PDF), range(count))
                )
            drawn = sum(inspection.page_count for inspection in found)
            elapsed, spent = time.perf_counter() - began, of_children(checker.process.pid) - spent
            wanted = FILES_A_SECOND[name]
            self.say(
                f"{name:24}{drawn / elapsed:11.1f}{'':8}{wanted:8}"
                f"   {spent * 1e3 / drawn:.1f} ms of processor each"
            )
            if drawn / elapsed < wanted:
                self.missed.append(f"missed: {drawn / elapsed:.1f} {name} a second, {wanted} wanted")

    def checks(self) -> list:
        from dmp import pg

        with pg.connect(self.house.var, "dmp") as server:
            found = server.execute(
                "SELECT id FROM jobs_job WHERE kind = 'documents.check' LIMIT 24"
            ).fetchall()
        return [job_id for (job_id,) in found]

    def openings(self) -> None:
        world, load, at = self.world, self.load, self.at
        persons = world.people(1000, OPENINGS + 61)
        requests = [world.opening(world.receive(person, at), at) for person in persons]
        found = frozenset({302})
        load.measure("warm", self.port, requests[:60], seconds=None, expected=found)
        measured = load.measure("open", self.port, requests[60:-1], seconds=None, expected=found)
        self.line(measured, self.sql("post", requests[-1], ""))

    def imports(self) -> None:
        """Openings through the web, imports by a real worker over HTTP: until the last statement is filed."""
        world, load, at = self.world, self.load, self.at
        folder = Path(os.environ["DMP_BENCH_STATEMENTS"])
        persons = world.people(5000, IMPORTS + FLOOR + 20)
        written = world.write_statements(folder, persons, at.date())
        with world.serving("tests.bench.insurer:application", self.port + 2, workers=1):
            self.forget_what_waits()
            with self.workers():
                warm = [world.opening(world.receive(person, at), at) for person in persons[:20]]
                found = frozenset({302})
                load.measure("warm", self.port, warm, seconds=None, expected=found)
                self.wait_for(20)
                requests = [
                    world.opening(world.receive(person, at), at) for person in persons[20 : 20 + IMPORTS]
                ]
                measured = load.measure(
                    "open + import",
                    self.port,
                    requests,
                    seconds=None,
                    expected=found,
                    meanwhile=lambda: self.wait_for(20 + IMPORTS),
                )
                self.line(measured)
            self.forget_what_waits()
            self.floor(persons[20 + IMPORTS :], written[20 + IMPORTS :])

    @contextmanager
    def workers(self) -> Iterator[None]:
        before = len(self.house.kept)
        self.house.open_workers()
        time.sleep(4)
        try:
            yield
        finally:
            for child in reversed(self.house.kept[before:]):
                child.stop(child.process)
            del self.house.kept[before:]

    def forget_what_waits(self) -> None:
        """Jobs and bells of the measures before would be done during this one."""
        from dmp import pg, valkey

        with pg.connect(self.house.var, "dmp") as server:
            server.execute("DELETE FROM jobs_job WHERE state <> 'done'")
        valkey.operator(self.house.var).flushall()

    def wait_for(self, statements: int) -> None:
        from dmp import pg

        with pg.connect(self.house.var, "dmp") as server:
            for _ in range(6000):
                [filed] = server.execute("SELECT count(*) FROM history_statement").fetchone() or (0,)
                if filed >= statements:
                    return
                time.sleep(0.02)
        sys.exit("the statements were not all filed within two minutes")

    def floor(self, persons: list, written: list[Path]) -> None:
        """The CPU of opening and importing, against that of parsing, sealing and copying the same bytes."""
        from xml.parsers import expat

        from django.db import connection

        from dmp import pg
        from dossiers.opening import IMPORT_HISTORY
        from jobs import queue
        from tests import queues
        from vault.keyring import ephemeral

        world, at = self.world, self.at
        backend = connection_pid(connection)

        def import_of(dossier_id):
            return queues.latest(IMPORT_HISTORY, dossier_id).id

        visits = [world.receive(person, at) for person in persons]
        spent = Spent(backend)
        opened = [world.open_here(visit, at).dossier_id for visit in visits]
        opening = spent.so_far() / len(opened)
        asked = [import_of(dossier_id) for dossier_id in opened]
        spent = Spent(backend)
        for job_id in asked:
            queue.work(job_id)
        importing = spent.so_far() / len(opened)

        with pg.connect(self.house.var, "dmp") as server:
            server.execute("CREATE UNLOGGED TABLE bench_floor (id uuid, sealed bytea)")
            server.execute("ALTER TABLE bench_floor SET LOGGED")
            spent = Spent(server.info.backend_pid)
            for dossier_id, path in zip(opened, written, strict=True):
                data = path.read_bytes()
                parser = expat.ParserCreate()
                parser.StartElementHandler = lambda *_: None
                parser.CharacterDataHandler = lambda _: None
                parser.Parse(data, True)
                sealed = ephemeral().seal_content(dossier_id, data, compress=True)
                with server.cursor().copy("COPY bench_floor FROM STDIN") as copy:
                    copy.write_row((dossier_id, sealed))
            floor = spent.so_far() / len(opened)
        both = opening + importing
        size = sum(path.stat().st_size for path in written) / len(written) / 1000
        self.say()
        self.say(
            f"CPU of one open + import of {world.LINES} lines ({size:.0f} kB), this process and PostgreSQL:"
        )
        self.say(
            f"  open {opening:.2f} ms, import {importing:.2f} ms; floor (parse, seal, COPY) {floor:.2f} ms"
        )
        self.say(f"  open + import = {both / floor:.2f} x the floor (target <= 2)")
        if both > 2 * floor:
            self.missed.append(f"missed: open + import costs {both / floor:.2f} times the floor, 2 wanted")

    def line(self, measured, sql: int | None = None) -> None:
        share = 100 * measured.per_second / self.hello
        target = TARGETS.get(measured.name)
        if measured.wrong:
            self.missed.append(f"{measured.name}: {measured.wrong} answers were not as expected")
        if target and share < target:
            self.missed.append(
                f"missed: {measured.name} gives {share:.2f} % of hello-world, {target} % wanted"
            )
        self.say(
            f"{measured.name:24}{measured.per_second:11.1f}{share:7.2f}%"
            f"{f'{target}%' if target else '':>8}"
            f"{measured.p50:8.2f}{measured.p95:8.2f}"
            f"{'' if sql is None else sql:>5}{measured.own_cpu_ms:9.3f}",
        )

    def sql(self, verb: str, what, cookies: str) -> int:
        """The statements of one such request beside BEGIN and COMMIT, counted in this process."""
        from django.db import connection
        from django.test import Client
        from django.test.utils import CaptureQueriesContext

        client = Client(SERVER_NAME="127.0.0.1")
        path, body, kind = what, b"", ""
        if verb == "post":
            head, body = what.split(b"\r\n\r\n", 1)
            words = head.decode().split("\r\n")
            path = words[0].split(" ")[1]
            told = dict(word.split(": ", 1) for word in words[1:])
            kind, cookies = told["Content-Type"], told["Cookie"]
        client.cookies.load(cookies)
        with redirect_stderr(StringIO()):  # these are requests of ours: their lines say nothing here
            if verb == "get":
                client.get(path)  # the session is in the cache, as it is for whoever turns pages
            with CaptureQueriesContext(connection) as captured:
                answer = (
                    client.get(path)
                    if verb == "get"
                    else client.generic("POST", path, body, content_type=kind)
                )
                b"".join(answer) if answer.streaming else answer.content
        if answer.status_code not in (200, 302):
            self.missed.append(f"{path}: {answer.status_code} when its statements were counted")
        words = [one["sql"].split(None, 1)[0].upper() for one in captured.captured_queries]
        return sum(word not in {"BEGIN", "COMMIT"} for word in words)


def of_children(pid: int) -> float:
    """Seconds of processor that the children of this process spent, those that ended."""
    told = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(told[13]) + int(told[14])) / os.sysconf("SC_CLK_TCK")


class Spent:
    """CPU milliseconds of this process and of one PostgreSQL backend since this was made."""

    def __init__(self, backend: int):
        self.backend = backend
        self.began = self._now()

    def so_far(self) -> float:
        return self._now() - self.began

    def _now(self) -> float:
        told = Path(f"/proc/{self.backend}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = int(told[11]) + int(told[12])
        return time.process_time() * 1e3 + ticks * 1e3 / os.sysconf("SC_CLK_TCK")


def prepare(house: House) -> None:
    """Tables, and files to serve."""
    for words in (
        ("migrate", "--database", "owner", "--verbosity", "0"),
        ("collectstatic", "--noinput", "-v", "0"),
    ):
        subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=house.environment, check=True)


def connection_pid(connection) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


if __name__ == "__main__":
    main()
