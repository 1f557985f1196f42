"""The bell may fail; nobody waits for it, and nothing is lost."""

import time
from datetime import timedelta
from uuid import uuid4

import pytest
import redis
from django.db import transaction
from django.utils import timezone

from jobs import bell, queue
from jobs.handlers import handles
from jobs.models import State
from jobs.scheduling import Sweeper

HALF_A_SECOND = 0.5


def timed(act):
    started = time.perf_counter()
    result = act()
    return result, time.perf_counter() - started


@pytest.mark.parametrize("gone", ["dead_redis", "silent_redis", "full_redis"])
def test_the_bell_fails_in_less_than_half_a_second(gone, request):
    request.getfixturevalue(gone)
    bell.ring(uuid4())  # the modules are loaded, as in any process that serves
    bell.silence_over()

    rung, seconds = timed(lambda: bell.ring(uuid4()))

    assert rung is False
    assert seconds < HALF_A_SECOND


def test_after_a_failure_the_next_bells_cost_nothing(silent_redis):
    bell.ring(uuid4())

    _, seconds = timed(lambda: [bell.ring(uuid4()) for _ in range(100)])

    assert seconds < 0.05


def test_the_bell_carries_an_identifier_and_nothing_else(redis_server):
    with redis.Redis(unix_socket_path=redis_server) as server:
        server.flushall()
        job_id = uuid4()

        assert bell.ring(job_id) is True

        (message,) = server.lrange("celery", 0, -1)
        assert str(job_id).encode() in message
        server.flushall()


def test_jobs_asked_for_together_share_a_message(redis_server):
    with redis.Redis(unix_socket_path=redis_server) as server:
        server.flushall()
        asked = [uuid4() for _ in range(4)]

        for job_id in asked:
            bell.ring_soon(job_id)

        messages = wait_for(lambda: server.lrange("celery", 0, -1))
        assert all(str(job_id).encode() in messages[0] for job_id in asked)
        server.flushall()


def wait_for(read):
    for _ in range(200):
        if found := read():
            return found
        time.sleep(0.01)
    raise AssertionError("the bell was not rung within two seconds")


def test_a_redis_that_came_back_is_rung_again(redis_server, settings, dead_redis):
    assert bell.ring(uuid4()) is False
    settings.CELERY_BROKER_URL = f"redis+socket://{redis_server}?virtual_host=0"
    assert bell.ring(uuid4()) is False, "not before the silence is over"

    bell.silence_over()

    assert bell.ring(uuid4()) is True


def test_without_redis_the_act_commits_and_the_scheduler_does_the_work(real_database, kind, dead_redis):
    worked = []
    handles(kind)(lambda lease: worked.append(lease.job_id))
    subject, at = uuid4(), timezone.now() - timedelta(seconds=1)

    def act():
        with transaction.atomic():
            return queue.enqueue(kind, subject_id=subject, idem="i", at=at)

    job_id, seconds = timed(act)
    assert seconds < HALF_A_SECOND
    assert queue.latest(kind, subject).state == State.READY

    assert Sweeper().sweep() == 1

    assert worked == [job_id]
    assert queue.latest(kind, subject).state == State.DONE


def test_a_bell_that_nobody_answers_is_rung_again_then_the_scheduler_works(
    real_database, kind, redis_server, monkeypatch
):
    handles(kind)(lambda lease: None)
    subject, at = uuid4(), timezone.now() - timedelta(seconds=1)
    clock = [1000.0]
    monkeypatch.setattr("jobs.scheduling.time.monotonic", lambda: clock[0])
    sweeper = Sweeper()

    with redis.Redis(unix_socket_path=redis_server) as server:
        server.flushall()
        queue.enqueue(kind, subject_id=subject, idem="i", at=at)
        wait_for(lambda: server.llen("celery"))
        server.flushall()
        assert sweeper.sweep() == 0
        assert sweeper.sweep() == 0
        assert server.llen("celery") == 1, "rung once, not at each round"
        clock[0] += 21
        assert sweeper.sweep() == 0
        assert server.llen("celery") == 2
        clock[0] += 60
        assert sweeper.sweep() == 1
        server.flushall()

    assert queue.latest(kind, subject).state == State.DONE


def test_a_rolled_back_act_asks_for_nothing(real_database, kind, redis_server):
    with redis.Redis(unix_socket_path=redis_server) as server:
        server.flushall()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            queue.enqueue(kind, subject_id=uuid4(), idem="i", at=timezone.now())
            raise ZeroDivisionError

        assert queue.due(10) == []
        assert server.llen("celery") == 0
