"""Workers killed at any moment, Redis emptied: every effect happens exactly once."""

import random
import signal
import subprocess
import sys
import time
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from dmp import children, valkey
from jobs import queue
from jobs.models import State
from jobs.scheduling import Sweeper
from tests.jobs.worker import KIND

JOBS = 24
KILLS = 3


@pytest.mark.slow
def test_each_effect_happens_once_whoever_is_killed(real_database, redis_server):
    with real_database.superuser() as superuser:
        superuser.execute("CREATE TABLE effect (idem text)")
        superuser.execute("GRANT INSERT, SELECT ON effect TO dmp_app")
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

    for number in range(JOBS):
        queue.enqueue(KIND, subject_id=uuid4(), idem=str(number), at=timezone.now())
    workers = [worker(), worker()]
    deadline = time.monotonic() + 180
    kills = 0
    try:
        while left() and time.monotonic() < deadline:
            sweeper.rung_at.clear()
            sweeper.sweep()
            time.sleep(chance.uniform(0.1, 0.5))
            if kills < KILLS and left() < JOBS - 5 * kills:
                victim = chance.randrange(2)
                kill(workers[victim])
                workers[victim] = worker()
                kills += 1
                if kills == 2:
                    with valkey.operator(settings.DMP_VAR) as server:
                        server.flushall()
    finally:
        sweeper.stop(1)
        for process in workers:
            children.stop(process, patience=5)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT idem) FROM effect")
        effects = cursor.fetchone()
    assert queue.waiting([State.READY, State.LEASED, State.DEAD, State.HELD]) == []
    assert effects == (JOBS, JOBS)
    assert kills == KILLS
