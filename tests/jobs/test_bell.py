"""The bell may fail; nobody waits for it, and nothing is lost."""

import json
import time
from base64 import b64decode
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from jobs import bell, leases, queue, scheduling
from jobs.handlers import handles
from jobs.models import State
from jobs.scheduling import Sweeper
from jobs.urgency import Urgency
from tests import queues
from tests.waiting import waited

HALF_A_SECOND = 0.5


def timed(act):
    before = waited()
    result = act()
    return result, waited() - before


@pytest.mark.parametrize("gone", ["dead_redis", "silent_redis", "full_redis"])
def test_the_bell_fails_in_less_than_half_a_second(gone, request):
    request.getfixturevalue(gone)
    bell.ring(Urgency.BULK)  # the modules are loaded, as in any process that serves
    bell.silence_over()

    rung, seconds = timed(lambda: bell.ring(Urgency.BULK))

    assert rung is False
    assert seconds < HALF_A_SECOND


def test_after_a_failure_the_next_bells_cost_nothing(silent_redis):
    bell.ring(Urgency.BULK)

    _, seconds = timed(lambda: [bell.ring(Urgency.BULK) for _ in range(100)])

    assert seconds < 0.05


@pytest.mark.parametrize("urgency", list(Urgency))
def test_the_bell_names_a_class_and_nothing_else(emptied_redis, urgency):
    assert bell.ring(urgency) is True

    (message,) = emptied_redis.lrange(urgency.queue, 0, -1)
    body = json.loads(b64decode(json.loads(message)["body"]))
    assert body[:2] == [[], {"urgency": urgency.queue}]


def test_jobs_asked_for_together_share_a_message_for_each_class(emptied_redis):
    for urgency in (Urgency.CHECKS, Urgency.CODES, Urgency.CHECKS, Urgency.CHECKS):
        bell.ring_soon(urgency)

    wait_for(lambda: emptied_redis.llen("codes") and emptied_redis.llen("checks"))
    assert (emptied_redis.llen("codes"), emptied_redis.llen("checks")) == (1, 1)


def wait_for(read):
    for _ in range(200):
        if found := read():
            return found
        time.sleep(0.01)
    raise AssertionError("the bell was not rung within two seconds")


def test_a_redis_that_came_back_is_rung_again(redis_server, settings):
    living, settings.CELERY_BROKER_URL = settings.CELERY_BROKER_URL, "redis://127.0.0.1:1/0"
    assert bell.ring(Urgency.BULK) is False
    settings.CELERY_BROKER_URL = living
    assert bell.ring(Urgency.BULK) is False, "not before the silence is over"

    bell.silence_over()

    assert bell.ring(Urgency.BULK) is True


def test_without_redis_the_act_commits_and_the_scheduler_does_the_work(
    real_database, kind, dead_redis, monkeypatch
):
    worked = []
    handles(kind, urgency=Urgency.BULK)(lambda lease: worked.append(lease.job_id))
    monkeypatch.setattr(scheduling, "ABANDONED_AFTER", timedelta())
    subject = uuid4()

    def act():
        with transaction.atomic():
            return queue.enqueue(kind, subject_id=subject, idem="i", at=timezone.now())

    job_id, seconds = timed(act)
    assert seconds < HALF_A_SECOND
    assert queues.latest(kind, subject).state == State.READY

    sweeper = Sweeper()
    sweeper.sweep()
    try:
        assert wait_for(lambda: queues.latest(kind, subject).state == State.DONE)
    finally:
        sweeper.stop(1)

    assert worked == [job_id]


def test_the_scheduler_leaves_to_workers_what_they_attend_to(real_database, kind, redis_server, monkeypatch):
    """A class that is only slow is not helped: its slots are there to be all there is."""
    monkeypatch.setattr(scheduling, "ABANDONED_AFTER", timedelta())
    handles(kind, urgency=Urgency.BULK)(lambda lease: None)
    for number in range(2):
        queue.enqueue(kind, subject_id=uuid4(), idem=str(number), at=timezone.now())
    leases.take_next(Urgency.BULK)  # a worker has the first

    sweeper = Sweeper()
    sweeper.sweep()

    assert sweeper.own is None


def test_a_bell_that_nobody_answers_is_rung_again(real_database, kind, emptied_redis, monkeypatch):
    handles(kind, urgency=Urgency.BULK)(lambda lease: None)
    clock = [1000.0]
    monkeypatch.setattr("jobs.scheduling.time.monotonic", lambda: clock[0])
    sweeper = Sweeper()

    queue.enqueue(kind, subject_id=uuid4(), idem="i", at=timezone.now())
    wait_for(lambda: emptied_redis.llen("bulk"))
    emptied_redis.flushall()
    sweeper.sweep()
    sweeper.sweep()
    assert emptied_redis.llen("bulk") == 1, "rung once, not at each round"
    clock[0] += scheduling.RING_AGAIN_SECONDS + 1
    sweeper.sweep()
    assert emptied_redis.llen("bulk") == 2


def test_a_rolled_back_act_asks_for_nothing(real_database, kind, emptied_redis):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue.enqueue(kind, subject_id=uuid4(), idem="i", at=timezone.now())
        raise ZeroDivisionError

    assert leases.due()[0] == []
    assert emptied_redis.llen("bulk") == 0
