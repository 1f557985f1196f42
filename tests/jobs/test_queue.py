"""A job is done once, whatever happens to whoever does it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from jobs import queue
from jobs.handlers import handles
from jobs.models import State
from jobs.urgency import Urgency
from tests import queues


def asked(kind, *, subject=None, idem=None, after=queue.NOW):
    subject = subject or uuid4()
    at = timezone.now() - timedelta(seconds=1)
    return queue.enqueue(kind, subject_id=subject, idem=idem or str(uuid4()), at=at, after=after), subject


def seen(job_id):
    """As which a person saw the job."""
    return queue.state(job_id).run_after


def lease_ended(job_id):
    """As if the worker had been silent for longer than its lease."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET lease_until = now() - interval '1 s' WHERE id = %s", [job_id])


@pytest.mark.django_db
def test_a_job_is_worked_once(kind):
    worked = []
    handles(kind, urgency=Urgency.BULK)(lambda lease: worked.append(lease.idem))
    job_id, subject = asked(kind, idem="i")

    assert queue.work(job_id) is True
    assert queue.work(job_id) is False

    state = queues.latest(kind, subject)
    assert worked == ["i"]
    assert (state.id, state.state, state.attempts) == (job_id, State.DONE, 1)
    assert state.done_at is not None


@pytest.mark.django_db
def test_asking_twice_is_asking_once(kind):
    worked = []
    handles(kind, urgency=Urgency.BULK)(lambda lease: worked.append(lease.job_id))

    first, subject = asked(kind, idem="same")
    second, _ = asked(kind, idem="same", subject=subject)
    queue.work_due(10)

    assert first == second
    assert worked == [first]


@pytest.mark.django_db
def test_a_job_waits_for_its_time(kind):
    handles(kind, urgency=Urgency.BULK)(lambda lease: None)
    job_id, subject = asked(kind, after=timedelta(hours=1))

    assert queue.work(job_id) is False
    assert queue.work_due(10) == 0
    assert queues.latest(kind, subject).state == State.READY


@pytest.mark.django_db
def test_done_inside_the_effect_stays_done_with_its_code(kind):
    def handler(lease):
        with transaction.atomic():
            lease.fence()
            lease.done(code="nothing")

    handles(kind, urgency=Urgency.BULK)(handler)
    job_id, subject = asked(kind)

    queue.work(job_id)

    state = queues.latest(kind, subject)
    assert (state.state, state.code) == (State.DONE, "nothing")


@pytest.mark.django_db
def test_a_late_worker_writes_nothing(kind):
    kept = []

    def handler(lease):
        kept.append(lease)
        if len(kept) == 1:  # paused beyond its lease: another worker takes the job and finishes it
            lease_ended(lease.job_id)
            assert queue.work(lease.job_id) is True
            with pytest.raises(queue.Fenced), transaction.atomic():
                lease.fence()
            with transaction.atomic():
                lease.done()

    handles(kind, urgency=Urgency.BULK)(handler)
    job_id, subject = asked(kind)

    queue.work(job_id)

    state = queues.latest(kind, subject)
    assert len(kept) == 2
    assert kept[0].token != kept[1].token
    assert (state.state, state.attempts) == (State.DONE, 2)


def test_fencing_outside_a_transaction_is_refused(kind, real_database):
    refused = []

    def handler(lease):
        try:
            lease.fence()
        except queue.AskedOutsideATransaction:
            refused.append(lease.job_id)

    handles(kind, urgency=Urgency.BULK)(handler)
    job_id, _ = asked(kind)

    queue.work(job_id)

    assert refused == [job_id]


@pytest.mark.django_db
def test_a_failure_is_tried_again_later_and_then_buried(kind):
    def handler(lease):
        raise ZeroDivisionError("the value it broke on")

    handles(kind, urgency=Urgency.BULK)(handler)
    job_id, subject = asked(kind)

    for attempt in range(1, queue.MAX_ATTEMPTS + 1):
        due_now(job_id)
        queue.work(job_id)
        assert queues.latest(kind, subject).attempts == attempt

    state = queues.latest(kind, subject)
    assert (state.state, state.code) == (State.DEAD, "error.ZeroDivisionError")
    assert queue.waiting([State.DEAD, State.HELD]) == [state]
    assert queue.work(job_id) is False


def due_now(job_id):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET run_after = now() - interval '1 s' WHERE id = %s", [job_id])


@pytest.mark.django_db
def test_a_job_that_kills_its_worker_each_time_is_buried(kind):
    handles(kind, urgency=Urgency.BULK)(
        lambda lease: pytest.fail("a worker killed at the take runs no handler")
    )
    job_id, subject = asked(kind)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE jobs_job SET state = 'leased', attempts = %s, lease_token = %s, lease_until = now()
            WHERE id = %s
            """,
            [queue.MAX_ATTEMPTS, uuid4(), job_id],
        )
    lease_ended(job_id)

    assert queue.work(job_id) is True

    state = queues.latest(kind, subject)
    assert (state.state, state.code, state.attempts) == (State.DEAD, "attempts_exhausted", queue.MAX_ATTEMPTS)


@pytest.mark.django_db
def test_a_patient_wait_does_not_exhaust_the_attempts(kind):
    def handler(lease):
        raise queue.Later("insurer.silent", timedelta(minutes=5), patient=True)

    handles(kind, urgency=Urgency.BULK)(handler)
    job_id, subject = asked(kind)

    for _ in range(queue.MAX_ATTEMPTS + 2):
        due_now(job_id)
        queue.work(job_id)

    state = queues.latest(kind, subject)
    assert (state.state, state.code, state.attempts) == (State.READY, "insurer.silent", 0)
    assert state.run_after > timezone.now() + timedelta(minutes=4)


@pytest.mark.django_db
def test_what_is_held_waits_for_a_person(kind):
    answers = [queue.Held("identity.differs"), None]

    def handler(lease):
        if answer := answers.pop(0):
            raise answer

    handles(kind, urgency=Urgency.BULK)(handler)
    job_id, subject = asked(kind)
    queue.work(job_id)
    assert queues.latest(kind, subject).code == "identity.differs"
    assert queue.work_due(5) == 0

    assert queue.retry(job_id, seen_at=seen(job_id)) is True
    due_now(job_id)
    queue.work(job_id)

    assert queues.latest(kind, subject).state == State.DONE
    assert queue.retry(job_id, seen_at=seen(job_id)) is False


@pytest.mark.django_db
def test_what_a_person_closes_rests(kind):
    def handler(lease):
        raise queue.Held("identity.differs")

    handles(kind, urgency=Urgency.BULK)(handler)
    job_id, subject = asked(kind)
    queue.work(job_id)

    assert queue.close(job_id, seen_at=seen(job_id), at=timezone.now()) is True

    state = queues.latest(kind, subject)
    assert (state.state, state.code) == (State.DONE, "closed")
    assert queue.work_due(5) == 0


@pytest.mark.django_db
def test_a_kind_that_nobody_handles_is_tried_again(kind):
    job_id, subject = asked(kind)

    queue.work(job_id)

    state = queues.latest(kind, subject)
    assert (state.state, state.code) == (State.READY, "error.UnknownKind")


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["dmp_web", "dmp_counter", "dmp_feed", "dmp_worker"])
def test_every_gated_role_may_ask(kind, role):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', %s, true)", [role])
        job_id, subject = asked(kind)
        assert queues.latest(kind, subject).id == job_id
        cursor.execute("SELECT set_config('role', 'none', true)")


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["dmp_counter", "dmp_feed"])
def test_the_counter_and_the_feeds_change_no_job(kind, role):
    job_id, _ = asked(kind)

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', %s, true)", [role])
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            queue.retry(job_id, seen_at=timezone.now())
        cursor.execute("SELECT set_config('role', 'none', true)")


@pytest.mark.django_db
def test_a_composite_statement_asks_too(kind):
    handles(kind, urgency=Urgency.BULK)(lambda lease: None)
    at = timezone.now() - timedelta(seconds=1)
    job_id, sql, params = queue.enqueuing(kind, subject_id=uuid4(), idem="i", at=at)

    with connection.cursor() as cursor:
        cursor.execute(f"WITH asked AS ({sql}) SELECT 1", params)

    assert queue.work(job_id) is True


def test_what_its_effect_said_is_not_said_again(kind, real_database, django_assert_num_queries):
    def handler(lease):
        with transaction.atomic():
            lease.done()

    handles(kind, urgency=Urgency.BULK)(handler)
    job_id, _ = asked(kind)

    with django_assert_num_queries(4):  # taken; then begun, done, committed
        queue.work(job_id)
