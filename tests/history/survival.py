"""Real workers on a real database, killed at random moments while statements are imported."""

import random
import signal
import subprocess
import sys
import time

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


def import_under_fire(database, redis_server: str, *, imports: int, kills: int) -> None:
    """Open `imports` dossiers, kill -9 a worker `kills` times while they are fed, empty Redis half-way.

    Returns when all is as if nothing had happened: one current statement each, whole, and a ledger
    without a fault.
    """
    chance = random.Random(5)
    insured = people(imports)
    sent = {person.ins[1]: statement(person, lines=LINES) for person in insured}
    with serving(sent, pause=0.4) as address:  # so that there is something to kill
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

        for person in insured:
            open_dossier(person, at=timezone.now())
        workers, sweeper, killed = [worker(), worker()], Sweeper(), 0
        deadline = time.monotonic() + 60 + 2 * imports
        try:
            while (waiting := len(not_done())) and time.monotonic() < deadline:
                sweeper.sweep()
                time.sleep(chance.uniform(0.01, 0.15))
                if killed < kills and waiting <= imports - killed * imports // (2 * kills):
                    victim = chance.randrange(2)
                    workers[victim].send_signal(signal.SIGKILL)
                    workers[victim].wait()
                    workers[victim] = worker()
                    killed += 1
                    if killed == kills // 2:
                        with valkey.operator(settings.DMP_VAR) as server:
                            server.flushall()
            survived = [process.poll() for process in workers]
        finally:
            sweeper.stop(1)
            for process in workers:
                children.stop(process, patience=5)

    assert survived == [None, None], "the workers did not work"
    undone = [(job.state, job.code, job.attempts) for job in not_done()]
    assert (undone, killed) == ([], kills), f"{killed} kills, left undone: {undone}"
    assert current_statements(database) == [(1, 1, LINES, 1, 0)] * imports
    assert list(Verification().of_ledger()) == []
