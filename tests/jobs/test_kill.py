"""Workers killed at any moment, Redis emptied: every effect happens exactly once."""

import random
import signal
import subprocess
import sys
import time
from functools import partial
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from dmp import children, valkey
from jobs import queue
from jobs.models import State
from jobs.scheduling import Sweeper
from tests.jobs.worker import HELD, KIND

JOBS = 24
KILLS = 2


@pytest.mark.slow
def test_each_effect_happens_once_whoever_is_killed(real_database, redis_server):
    with real_database.superuser() as superuser:
        superuser.execute("CREATE TABLE effect (idem text)")
        superuser.execute("GRANT INSERT, SELECT ON effect TO dmp_app")
        superuser.execute("CREATE TABLE hold AS SELECT 1 AS hold")
        superuser.execute("GRANT SELECT, UPDATE ON hold TO dmp_app")
    environment = real_database.environment(DMP_JOB_LEASE_SECONDS="1", DMP_LOG_LEVEL="CRITICAL")
    chance = random.Random(7)
    sweeper = Sweeper()

    def worker():
        command = [sys.executable, "-m", "celery", "-A", "tests.jobs.worker", "worker"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "critical"]
        return children.start(
            children.dying_with_us(command), environment=environment, output=subprocess.DEVNULL
        )

    def kill(process):
        process.send_signal(signal.SIGKILL)
        process.wait()

    def left():
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM jobs_job WHERE state <> 'done'")
            return cursor.fetchone()[0]

    def sweep_until(true):
        deadline = time.monotonic() + 60
        while not (came := true()) and time.monotonic() < deadline:
            sweeper.rung_at.clear()
            sweeper.sweep()
            time.sleep(chance.uniform(0.02, 0.1))
        return came

    workers = [worker(), worker()]
    try:
        for wave in range(KILLS):
            with real_database.superuser() as superuser, superuser.transaction():
                superuser.execute("SELECT FROM hold FOR UPDATE")
                names = [f"{wave}-{number}" for number in range(JOBS // KILLS - 1)]
                for name in [f"{HELD}-{wave}", *names]:
                    queue.enqueue(KIND, subject_id=uuid4(), idem=name, at=timezone.now())
                waits = partial(superuser.execute, "SELECT 1 FROM pg_locks WHERE NOT granted")
                assert sweep_until(lambda waits=waits: waits().fetchone()), "the workers did not work"
                time.sleep(chance.uniform(0, 0.4))
                victim = chance.randrange(2)
                kill(workers[victim])
                workers[victim] = worker()
                if wave == 1:
                    with valkey.operator(settings.DMP_VAR) as server:
                        server.flushall()
        sweep_until(lambda: not left())
    finally:
        sweeper.stop(1)
        for process in workers:
            children.stop(process, patience=5)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT idem) FROM effect")
        effects = cursor.fetchone()
    assert queue.waiting([State.READY, State.LEASED, State.DEAD, State.HELD]) == []
    assert effects == (JOBS, JOBS)
