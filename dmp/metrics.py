"""Figures for whoever watches the service: counts, ages and times, of nobody.

Served in Prometheus' text form on an address of its own, inside, never through the proxy (see the settings).
Several web processes share one directory of counters; whichever answers tells the sum of all. What the
database knows, jobs above all, is asked of it at each reading.
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from types import ModuleType
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.backends.signals import connection_created

from dmp import surroundings
from jobs.urgency import Urgency

log = structlog.get_logger(__name__)

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # seconds
JOBS = """
SELECT kind, urgency, state, count(*),
    coalesce(extract(epoch FROM statement_timestamp() - min(run_after)
        FILTER (WHERE state = 'ready' AND run_after <= statement_timestamp())), 0)
FROM jobs_job WHERE state <> 'done' GROUP BY kind, urgency, state
"""


def address() -> tuple[str, int] | None:
    """Where figures are served, None when nobody asked for them. Raises ValueError unless it is host:port."""
    if not settings.DMP_METRICS_ADDRESS:
        return None
    host, _, port = settings.DMP_METRICS_ADDRESS.rpartition(":")
    return host or "127.0.0.1", int(port)


@cache
def prometheus() -> ModuleType:
    """The library, told where the processes of this service share their counters: it looks once."""
    mine = Path(tempfile.gettempdir()) / f"dmp-metrics-{os.getppid()}"
    for other in mine.parent.glob("dmp-metrics-*"):
        if not Path(f"/proc/{other.name.rpartition('-')[2]}").exists():
            shutil.rmtree(other, ignore_errors=True)
    mine.mkdir(mode=0o700, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(mine)
    import prometheus_client
    import prometheus_client.core
    import prometheus_client.multiprocess

    return prometheus_client


class Requests:
    """What is counted at each request."""

    def __init__(self) -> None:
        library = prometheus()
        self.seconds = library.Histogram(
            "dmp_request_seconds", "How long requests took.", ["route", "status"], buckets=BUCKETS
        )
        self.in_progress = library.Gauge(
            "dmp_requests_in_progress", "Threads at work.", multiprocess_mode="livesum"
        )
        self.threads = library.Gauge("dmp_threads", "Threads that answer.", multiprocess_mode="livesum")
        self.connections = library.Counter(
            "dmp_database_connections_opened", "Connections made to PostgreSQL since the start."
        )


@contextmanager
def in_progress() -> Iterator[None]:
    """One thread at work."""
    if (counters := requests()) is None:
        yield
        return
    with counters.in_progress.track_inprogress():
        yield


def a_connection_was_made(**_: object) -> None:
    if (counters := requests()) is not None:
        counters.connections.inc()


connection_created.connect(a_connection_was_made)


@cache
def requests() -> Requests | None:
    """The counters of this process; None when nobody reads them, so that nothing is counted in vain."""
    return Requests() if settings.DMP_METRICS_ADDRESS else None


def count(route: str, status: int, seconds: float) -> None:
    """One request more, under the name of its route and the class of its status (`2xx`)."""
    if (counters := requests()) is not None:
        counters.seconds.labels(route, f"{status // 100}xx").observe(seconds)


class OfTheDatabase:
    """What the database knows, asked at each reading. A database that does not answer is a figure too."""

    def collect(self) -> Iterator[object]:
        family = prometheus().core.GaugeMetricFamily
        jobs = family("dmp_jobs", "Jobs that are not done.", labels=["kind", "urgency", "state"])
        oldest = family("dmp_oldest_due_job_seconds", "How long the oldest has been due.", labels=["urgency"])
        opened = family("dmp_doors_open", "1 when the database is the one that wrote last.")
        answers = family("dmp_database_answers", "1 when PostgreSQL answered this reading.")
        rows = _rows()
        answers.add_metric([], float(rows is not None))
        ages: dict[str, float] = {urgency.queue: 0.0 for urgency in Urgency}
        for kind, urgency, state, number, age in rows or ():
            name = Urgency(urgency).queue
            jobs.add_metric([kind, name, state], number)
            ages[name] = max(ages[name], float(age))
        for name, age in ages.items():
            oldest.add_metric([name], age)
        if (shut := surroundings.doors_shut()) is not None:
            opened.add_metric([], float(not shut))
        yield from (jobs, oldest, answers, opened)


class OfTheHouse:
    """What stands around the processes, told by the one that sees all of it: the scheduler."""

    def collect(self) -> Iterator[object]:
        family = prometheus().core.GaugeMetricFamily
        try:
            told = {
                "dmp_journal_writable": (
                    "1 when a withdrawal can be written.",
                    surroundings.journal_is_writable(),
                ),
                "dmp_journal_lines_waiting": ("Withdrawals not written yet.", surroundings.lines_waiting()),
                "dmp_checker_answers": ("1 when files can be checked.", surroundings.checker_answers()),
                "dmp_clock_ahead_seconds": ("Of the database's clock.", surroundings.clock_ahead()),
            }
        finally:
            connection.close()
        for name, (words, value) in told.items():
            if value is not None:
                yield family(name, words, value=float(value))
        ages = family("dmp_backup_age_seconds", "How old what was saved is.", labels=["part"])
        sound = family("dmp_backup_sound", "1 when the last verification found nothing.")
        if backup := surroundings.backup():
            for part, age in backup.ages.items():
                ages.add_metric([part], age)
            if backup.sound is not None:
                sound.add_metric([], float(backup.sound))
        yield from (ages, sound)


def _rows() -> list[tuple[str, int, str, int, float]] | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(JOBS)
            return cursor.fetchall()
    except DatabaseError:
        return None
    finally:
        connection.close()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_port = True  # each process listens at the same place, and any of them tells the sum

    def server_bind(self) -> None:
        """Without the search for a name of this machine, which may wait for a network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """No line for each reading."""


def serve_if_asked(*, of_the_house: bool = False) -> None:
    """Begin to serve figures, in a thread. A process that cannot listen there says so and does its work."""
    if (where := address()) is None:
        return
    if not of_the_house and (counters := requests()) is not None:
        counters.threads.set(settings.DMP_WEB_THREADS)
    library = prometheus()
    registry = library.CollectorRegistry()
    library.multiprocess.MultiProcessCollector(registry)
    registry.register(OfTheDatabase())
    if of_the_house:
        registry.register(OfTheHouse())
    try:
        server = _Server(where, _Silent)
    except OSError as failure:
        log.error("figures not served", error=type(failure).__name__)
        return
    server.set_app(library.make_wsgi_app(registry))
    threading.Thread(target=server.serve_forever, daemon=True, name="figures").start()
