"""What looks at the queue reads its head, whatever waits behind; what is done is forgotten in batches."""

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from jobs import leases, queue
from jobs.models import State
from jobs.urgency import Urgency

DUE, DONE = 500, 20_000
SWEEP_MS = 0.2


@pytest.fixture
def backlog(real_database):
    """Five hundred jobs due in each class, many more done, as after a night without workers."""
    with real_database.owner() as owner:
        owner.execute(
            f"""
            INSERT INTO jobs_job (id, kind, urgency, idem, subject_id, state, attempts, run_after, code,
                created_at, done_at)
            SELECT gen_random_uuid(), 'test', n % 4, n::text, gen_random_uuid(),
                CASE WHEN n <= {DUE * 4} THEN 'ready' ELSE 'done' END, 0,
                now() - n * interval '1 s', '', now(),
                CASE WHEN n <= {DUE * 4} THEN NULL ELSE now() - n * interval '1 min' END
            FROM generate_series(1, {DUE * 4} + {DONE}) n
            """
        )
        owner.execute("ANALYZE jobs_job")


def explained(statement, parameters=()):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", parameters)
        return "\n".join(line for (line,) in cursor.fetchall())


def statements_of(act):
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        act()
    return [each["sql"] for each in captured.captured_queries]


def test_a_sweep_of_five_hundred_due_jobs_reads_four_heads(backlog):
    [statement] = statements_of(leases.due)

    plans = [explained(statement) for _ in range(5)]

    best = min(float(re.search(r"Execution Time: ([\d.]+) ms", plan)[1]) for plan in plans)
    assert best <= SWEEP_MS, plans[-1]
    assert "Seq Scan on jobs_job" not in plans[-1]
    assert len(leases.due()[0]) == len(Urgency)


def test_taking_a_job_reads_no_more_than_its_own_row(backlog):
    [statement] = statements_of(lambda: leases.take_next(Urgency.CHECKS))

    plan = explained(statement)

    assert "jobs_in_order" in plan
    assert "Seq Scan on jobs_job" not in plan
    assert not re.search(r"rows=\d{2,}(?:\.\d+)? loops=1\)\n +Index Cond", plan), plan


def test_what_was_done_long_ago_is_forgotten_and_nothing_else(backlog, settings):
    settings.DMP_DONE_JOBS_DAYS = 7
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM jobs_job WHERE done_at < now() - interval '7 days'")
        [old] = cursor.fetchone()
        for state in (State.HELD, State.DEAD):
            cursor.execute(
                "UPDATE jobs_job SET state = %s, run_after = now() - interval '1 year'"
                " WHERE id = (SELECT id FROM jobs_job WHERE state = 'ready' LIMIT 1)",
                [state],
            )

    assert old > 1000
    assert queue.purge() == old

    assert queue.purge() == 0
    assert len(queue.waiting([State.HELD, State.DEAD])) == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FILTER (WHERE state = 'ready'), count(*) FROM jobs_job")
        assert cursor.fetchone() == (DUE * 4 - 2, DUE * 4 + DONE - old)


@pytest.mark.parametrize("state", ["ready", "leased", "done"])
@pytest.mark.parametrize("decision", ["retry", "close"])
@pytest.mark.django_db
def test_a_person_decides_of_what_waits_for_one_and_of_nothing_else(kind, state, decision):
    job_id = queue.enqueue(kind, subject_id=uuid4(), idem="i", at=timezone.now())
    with connection.cursor() as cursor:
        if state == "leased":
            leases.take(job_id)
        if state == "done":
            cursor.execute("UPDATE jobs_job SET state = 'done', done_at = now() WHERE id = %s", [job_id])
    seen = queue.state(job_id)

    decide = (
        queue.retry
        if decision == "retry"
        else lambda job, seen_at: queue.close(job, seen_at=seen_at, at=seen_at)
    )
    assert decide(job_id, seen_at=seen.run_after) is False

    assert queue.state(job_id) == seen


@pytest.mark.django_db
def test_the_role_of_the_web_changes_no_job_but_by_deciding(kind):
    from django.db import ProgrammingError, transaction

    job_id = queue.enqueue(kind, subject_id=uuid4(), idem="i", at=timezone.now())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', 'dmp_web', true)")
        with pytest.raises(ProgrammingError, match="waits for nobody"), transaction.atomic():
            cursor.execute("UPDATE jobs_job SET state = 'done', done_at = now() WHERE id = %s", [job_id])
        cursor.execute("SELECT set_config('role', 'none', true)")


@pytest.mark.parametrize("ahead", [300, -300])
def test_a_web_five_minutes_away_delays_no_job(real_database, kind, ahead):
    from datetime import timedelta

    at = timezone.now() + timedelta(seconds=ahead)
    job_id = queue.enqueue(kind, subject_id=uuid4(), idem="i", at=at)

    assert leases.take(job_id) is not None
