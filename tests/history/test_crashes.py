"""Workers killed at any moment, Redis emptied, two imports at once: one current statement each, whole."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import redis
from django.db import connection, connections

from audit.verification import Verification
from dmp import children
from history.consultation import care_history
from history.importing import ask, settle
from jobs import queue
from jobs.models import State
from jobs.scheduling import Sweeper
from tests.cast import NOON

from .cast import CAMILLE, statement
from .conftest import holder_of, import_again, open_dossier
from .insurer import TOKEN, people, serving

IMPORTS = int(os.environ.get("DMP_PROOF_IMPORTS", "16"))
KILLS = int(os.environ.get("DMP_PROOF_KILLS", "4"))
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


@pytest.mark.slow
def test_each_statement_is_filed_once_whoever_is_killed(real_database, redis_server):
    insured = people(IMPORTS)
    statements = {person.ins[1]: statement(person, lines=LINES) for person in insured}
    chance = random.Random(5)
    with serving(statements) as address:
        environment = real_database.environment(
            DMP_JOB_LEASE_SECONDS="1",
            DMP_LOG_LEVEL="CRITICAL",
            DMP_HISTORY_URL=address,
            DMP_HISTORY_TOKEN=TOKEN,
        )

        def worker() -> subprocess.Popen:
            command = [sys.executable, "-m", "celery", "-A", "dmp", "worker", "-c", "2", "-l", "critical"]
            command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
            return children.start(
                children.dying_with_us(command), environment=environment, output=subprocess.DEVNULL
            )

        for person in insured:
            open_dossier(person)
        workers, sweeper, kills = [worker(), worker()], Sweeper(), 0
        deadline = time.monotonic() + 60 + IMPORTS
        try:
            while (left := _left()) and time.monotonic() < deadline:
                sweeper.rung_at.clear()
                sweeper.sweep()
                time.sleep(chance.uniform(0.02, 0.3))
                if kills < KILLS and left <= IMPORTS - kills * IMPORTS // (2 * KILLS):
                    victim = chance.randrange(2)
                    workers[victim].send_signal(signal.SIGKILL)
                    workers[victim].wait()
                    workers[victim] = worker()
                    kills += 1
                    if kills == KILLS // 2:
                        with redis.Redis(unix_socket_path=redis_server) as server:
                            server.flushall()
        finally:
            for process in workers:
                children.stop(process, patience=5)

    assert (_left(), kills) == (0, KILLS)
    assert current_statements(real_database) == [(1, 1, LINES, 1, 0)] * IMPORTS
    assert list(Verification().of_ledger()) == []


def _left() -> int:
    return len(queue.waiting([state for state in State if state is not State.DONE], limit=1000))


def test_two_imports_at_once_leave_one_statement(real_database, settings):
    settings.DMP_HISTORY_TOKEN = TOKEN
    dossier_id = open_dossier()
    jobs = [import_again(dossier_id, idem=str(number)) for number in range(4)]
    together = Barrier(len(jobs))

    def work(job_id):
        together.wait()
        try:
            return queue.work(job_id)
        finally:
            connections.close_all()

    with serving({CAMILLE.ins[1]: statement()}) as settings.DMP_HISTORY_URL:
        with ThreadPoolExecutor(len(jobs)) as pool:
            assert all(pool.map(work, jobs))
        time.sleep(2.1)  # those that lost the race wait two seconds
        queue.work_due(10)

    assert {job.state for job in queue.waiting(list(State)) if job.id in jobs} == {State.DONE}
    assert current_statements(real_database) == [(1, 1, 24, 1, 0)]
    assert care_history(dossier_id, by=holder_of(dossier_id), at=NOON).total == 24
    assert list(Verification().of_ledger()) == []


def test_a_crash_between_the_answer_and_the_commit_leaves_nothing(real_database, settings, monkeypatch):
    settings.DMP_HISTORY_TOKEN = TOKEN
    dossier_id = open_dossier()
    job_id = import_again(dossier_id, idem="again")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM jobs_job WHERE id <> %s", [job_id])

    class Crash(BaseException):
        pass

    def crash(*_: object) -> None:
        raise Crash

    def crashing(lease: queue.Lease) -> None:
        answer = ask(lease, at=NOON)
        monkeypatch.setattr("access.gate._leave", crash)
        settle(lease, answer, at=NOON)

    with serving({CAMILLE.ins[1]: statement()}) as settings.DMP_HISTORY_URL:
        monkeypatch.setattr(queue, "handler_of", lambda kind: crashing)
        with pytest.raises(Crash):
            queue.work(job_id)
        monkeypatch.undo()
        assert current_statements(real_database) == [(0, 0, None, 0, 0)]

        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobs_job SET lease_until = statement_timestamp()")
        queue.work(job_id)

    assert current_statements(real_database) == [(1, 1, 24, 1, 0)]
    assert list(Verification().of_ledger()) == []
