"""Each class has slots that the others cannot take, and nobody outside holds one."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from jobs import leases, queue
from jobs.handlers import Asking, handles
from jobs.leases import Later
from jobs.models import State
from jobs.slots import Slots
from jobs.urgency import Urgency
from jobs.working import DatabaseOutsideASlot, answer_to

PATIENCE = 20.0


def until(true, within=PATIENCE):
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


@contextmanager
def at_work(*urgencies):
    slots = Slots(urgencies or list(Urgency))
    slots.start()
    try:
        yield slots
    finally:
        slots.stop(5)


def enqueue(kind, count=1, **how):
    at = timezone.now()
    return [queue.enqueue(kind, subject_id=uuid4(), idem=str(uuid4()), at=at, **how) for _ in range(count)]


def states(jobs):
    return {queue.state(job).state for job in jobs}


@pytest.fixture
def kinds():
    """Kinds of this test alone, by class."""
    from jobs import handlers

    made = {urgency: f"test.{urgency.queue}.{uuid4()}" for urgency in Urgency}
    yield made
    for name in made.values():
        handlers._kinds.pop(name, None)


def test_a_class_whose_slots_are_all_taken_keeps_no_other_waiting(real_database, kinds):
    busy, free = threading.Event(), threading.Event()

    def compute(lease):
        busy.set()
        free.wait(PATIENCE)

    handles(kinds[Urgency.CHECKS], urgency=Urgency.CHECKS)(compute)
    handles(kinds[Urgency.CODES], urgency=Urgency.CODES)(lambda lease: None)
    checks = enqueue(kinds[Urgency.CHECKS], 20)
    with at_work():
        assert busy.wait(PATIENCE)
        [code] = enqueue(kinds[Urgency.CODES])
        try:
            until(lambda: queue.state(code).state == State.DONE)
            assert State.DONE not in states(checks)
        finally:
            free.set()
        until(lambda: states(checks) == {State.DONE})


def test_questions_wait_outside_in_numbers_and_hold_no_slot(real_database, kinds, settings):
    kind, asked, answer = kinds[Urgency.FOREGROUND], threading.Semaphore(0), threading.Event()
    settled = []

    def ask():
        asked.release()
        answer.wait(PATIENCE)
        return "answer"

    handles(kind, urgency=Urgency.FOREGROUND)(lambda lease: Asking(ask, settled.append))
    jobs = enqueue(kind, 40)
    with at_work(Urgency.FOREGROUND):
        for number in range(32):
            assert asked.acquire(timeout=PATIENCE), f"only {number} questions were asked at once"
        assert settled == []
        answer.set()
        until(lambda: states(jobs) == {State.DONE})

    assert settled == ["answer"] * 40


def test_no_more_questions_wait_outside_than_the_settings_say(real_database, kinds, settings):
    settings.DMP_QUESTIONS = {"foreground": 3}
    kind, waiting, most, lock = kinds[Urgency.FOREGROUND], [0], [0], threading.Lock()

    def ask():
        with lock:
            waiting[0] += 1
            most[0] = max(most[0], waiting[0])
        time.sleep(0.02)
        with lock:
            waiting[0] -= 1

    handles(kind, urgency=Urgency.FOREGROUND)(lambda lease: Asking(ask, lambda _: None))
    jobs = enqueue(kind, 20)
    with at_work(Urgency.FOREGROUND):
        until(lambda: states(jobs) == {State.DONE})

    # One more for each slot that took a job while another was being asked about.
    assert 1 < most[0] <= 3 + settings.DMP_SLOTS["foreground"]


def test_a_question_that_reaches_for_the_database_is_refused(real_database):
    asking = Asking(lambda: connection.cursor().execute("SELECT 1"), lambda _: None)

    with pytest.raises(DatabaseOutsideASlot):
        answer_to(asking).get()


def test_what_a_question_ends_with_is_what_the_job_ends_with(real_database, kinds):
    def silent():
        raise Later("no_answer", timedelta(minutes=5), patient=True)

    handles(kinds[Urgency.BULK], urgency=Urgency.BULK)(lambda lease: Asking(silent, lambda _: None))
    [job] = enqueue(kinds[Urgency.BULK])
    with at_work(Urgency.BULK):
        until(lambda: queue.state(job).code == "no_answer")

    assert queue.state(job).state == State.READY


def test_jobs_of_a_class_are_taken_in_order(real_database, kinds, settings):
    settings.DMP_SLOTS = settings.DMP_SLOTS | {"bulk": 1}
    worked = []
    handles(kinds[Urgency.BULK], urgency=Urgency.BULK)(lambda lease: worked.append(lease.job_id))
    jobs = enqueue(kinds[Urgency.BULK], 30)
    with at_work(Urgency.BULK):
        until(lambda: len(worked) == 30)

    assert worked == jobs


def test_the_most_urgent_comes_first_where_one_alone_works(real_database, kinds):
    worked = []
    for urgency, kind in kinds.items():
        handles(kind, urgency=urgency)(lambda lease: worked.append(lease.kind))
    for urgency in reversed(Urgency):
        enqueue(kinds[urgency], 2)

    queue.work_due(8)

    assert worked == [kinds[urgency] for urgency in Urgency for _ in range(2)]


def test_a_job_longer_than_its_lease_keeps_it_while_it_works(real_database, kinds, settings):
    settings.DMP_JOB_LEASE_SECONDS = 1
    runs = []

    def slow(lease):
        runs.append(lease.attempts)
        time.sleep(3)

    handles(kinds[Urgency.CHECKS], urgency=Urgency.CHECKS)(slow)
    [job] = enqueue(kinds[Urgency.CHECKS])
    with at_work(Urgency.CHECKS):
        until(lambda: queue.state(job).state == State.DONE)

    assert runs == [1]


def test_a_job_that_its_own_transaction_locks_keeps_no_other_lease_from_being_renewed(
    real_database, kinds, settings
):
    settings.DMP_JOB_LEASE_SECONDS = 1
    runs = []

    def in_a_transaction(lease):
        from django.db import transaction

        runs.append(lease.job_id)
        with transaction.atomic():
            lease.done()
            time.sleep(3)

    def slow(lease):
        runs.append(lease.job_id)
        time.sleep(3)

    handles(kinds[Urgency.CHECKS], urgency=Urgency.CHECKS)(in_a_transaction)
    handles(kinds[Urgency.BULK], urgency=Urgency.BULK)(slow)
    jobs = enqueue(kinds[Urgency.CHECKS]) + enqueue(kinds[Urgency.BULK])
    with at_work(Urgency.CHECKS, Urgency.BULK):
        until(lambda: states(jobs) == {State.DONE})

    assert sorted(runs) == sorted(jobs)


def test_what_is_under_way_when_a_worker_stops_is_given_back_at_once(real_database, kinds):
    began = threading.Event()

    def never_answered():
        began.set()
        time.sleep(PATIENCE)

    handles(kinds[Urgency.FOREGROUND], urgency=Urgency.FOREGROUND)(
        lambda lease: Asking(never_answered, lambda _: None)
    )
    [job] = enqueue(kinds[Urgency.FOREGROUND])
    with at_work(Urgency.FOREGROUND):
        assert began.wait(PATIENCE)

    state = queue.state(job)
    assert (state.state, state.attempts) == (State.READY, 0)


def test_a_lease_that_nobody_renews_comes_back_to_the_queue(real_database, kinds, settings):
    """As after a kill, or a pause: with no bell, and without the job being named."""
    settings.DMP_JOB_LEASE_SECONDS = 1
    handles(kinds[Urgency.CODES], urgency=Urgency.CODES)(lambda lease: None)
    [job] = enqueue(kinds[Urgency.CODES])
    lost = leases.take(job)
    with at_work(Urgency.CODES):
        until(lambda: queue.state(job).state == State.DONE)

    assert queue.state(job).attempts == 2
    with pytest.raises(queue.Fenced):
        from django.db import transaction

        with transaction.atomic():
            lost.done()


def test_a_job_that_kills_its_worker_comes_back_after_those_that_died_with_it(real_database, kinds):
    poison, innocent = enqueue(kinds[Urgency.BULK], 2)
    for job in (poison, innocent):
        leases.take(job)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET lease_until = now() - interval '1 s'")
        cursor.execute("UPDATE jobs_job SET attempts = 5 WHERE id = %s", [poison])

    assert leases.reclaim() == 2

    assert queue.state(poison).run_after - queue.state(innocent).run_after > timedelta(seconds=10)


def test_a_slot_outlives_a_handler_that_breaks_and_a_connection_that_is_cut(real_database, kinds):
    def cut(lease):
        with real_database.superuser() as server:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s",
                [connection.connection.info.backend_pid],
            )
        connection.cursor().execute("SELECT 1")

    worked = []
    handles(kinds[Urgency.BULK], urgency=Urgency.BULK)(cut)
    handles(kinds[Urgency.CODES], urgency=Urgency.CODES)(lambda lease: 1 / 0)
    enqueue(kinds[Urgency.BULK])
    enqueue(kinds[Urgency.CODES])
    with at_work(Urgency.BULK, Urgency.CODES):
        until(lambda: leases.due()[0] == [])
        handles(kinds[Urgency.CHECKS], urgency=Urgency.BULK)(lambda lease: worked.append(1))
        enqueue(kinds[Urgency.CHECKS])
        until(lambda: worked == [1])
