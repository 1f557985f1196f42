"""Real workers on a real database, killed at random moments while statements are imported."""

import random
import signal
import subprocess
import sys
import time
from threading import Event

from django.conf import settings
from django.utils import timezone

from audit.verification import Verification
from dmp import children, valkey
from jobs import queue
from jobs.models import State
from jobs.scheduling import Sweeper

from .cast import statement
from .conftest import open_dossier
from .insurer import TOKEN, people, serving

LINES = 60
MOST_THOUGHT = 0.4  # seconds the insurer takes to answer


def current_statements(database) -> list[tuple]:
    """For each dossier: how many current statements, versions, lines, documents, things held apart."""
    with database.owner() as owner:
        return owner.execute(
            """SELECT count(s.version) FILTER (WHERE s.superseded_at IS NULL), count(s.version),
                 max(s.line_count),
                 (SELECT count(*) FROM documents_document o WHERE o.dossier_id = d.id),
                 (SELECT count(*) FROM history_held h WHERE h.dossier_id = d.id)
               FROM dossiers_dossier d LEFT JOIN history_statement s ON s.dossier_id = d.id GROUP BY d.id"""
        ).fetchall()


def not_done() -> list[queue.JobState]:
    return queue.waiting([state for state in State if state is not State.DONE], limit=1000)


class PatientInsurer:
    """Answers a question after a while drawn at random; about whoever is held, not before being let go."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.asked: list[str] = []
        self.waiting: dict[str, Event] = {}  # set once this number was asked about
        self.let_go: dict[str, Event] = {}

    def hold(self, number: str) -> None:
        self.waiting[number], self.let_go[number] = Event(), Event()

    def __call__(self, number: str) -> None:
        self.asked.append(number)
        if held := self.waiting.get(number):
            held.set()
        time.sleep(self.chance.uniform(0, MOST_THOUGHT))
        if held:
            self.let_go[number].wait()


def import_under_fire(database, redis_server: str, *, imports: int, kills: int) -> None:
    """Open `imports` dossiers in `kills` waves, kill -9 a worker while each is fed, empty Redis half-way.

    In each wave one statement is asked for, and not sent before the kill: never are all filed by then.
    Half-way both workers are killed at once, so that whichever waits for it is among them.

    Returns when all is as if nothing had happened: one current statement each, whole, and a ledger
    without a fault.
    """
    chance = random.Random(5)
    insured = people(imports)
    sent = {person.ins[1]: statement(person, lines=LINES) for person in insured}
    insurer = PatientInsurer(chance)
    with serving(sent, before=insurer) as address:
        environment = database.environment(
            DMP_JOB_LEASE_SECONDS="1",
            DMP_LOG_LEVEL="CRITICAL",
            DMP_HISTORY_URL=address,
            DMP_HISTORY_TOKEN=TOKEN,
        )

        def worker() -> subprocess.Popen:
            command = [sys.executable, "-m", "celery", "-A", "dmp", "worker", "-l", "critical"]
            command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
            return children.start(
                children.dying_with_us(command), environment=environment, output=subprocess.DEVNULL
            )

        def kill(*victims: int) -> None:
            for victim in victims:
                workers[victim].send_signal(signal.SIGKILL)
            for victim in victims:
                workers[victim].wait()
                workers[victim] = worker()

        workers, sweeper = [worker(), worker()], Sweeper()
        try:
            for number in range(kills):
                wave = insured[number * imports // kills : (number + 1) * imports // kills]
                last = wave[-1].ins[1]
                insurer.hold(last)
                for person in wave:
                    open_dossier(person, at=timezone.now())
                assert insurer.waiting[last].wait(60), "the workers did not work"
                time.sleep(chance.uniform(0, 1.5 * MOST_THOUGHT))
                assert not_done(), "a statement arrived that was not sent"
                if number == kills // 2:
                    kill(0, 1)
                    with valkey.operator(settings.DMP_VAR) as server:
                        server.flushall()
                else:
                    kill(chance.randrange(2))
                insurer.let_go[last].set()
            deadline = time.monotonic() + 60 + imports
            while not_done() and time.monotonic() < deadline:
                sweeper.sweep()
                time.sleep(0.05)
            survived = [process.poll() for process in workers]
        finally:
            for held in insurer.let_go.values():
                held.set()
            sweeper.stop(1)
            for process in workers:
                children.stop(process, patience=5)

    assert survived == [None, None], "the workers did not work"
    assert [(job.state, job.code, job.attempts) for job in not_done()] == []
    assert len(insurer.asked) > imports, "no kill cut an import"
    assert current_statements(database) == [(1, 1, LINES, 1, 0)] * imports
    assert list(Verification().of_ledger()) == []
