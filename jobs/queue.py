"""The durable queue: asked for in a business transaction, worked once, followed, decided about, forgotten.

What is due is decided by the database's clock alone: whoever asks says after how long, never when.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db import connection, transaction
from structlog.contextvars import get_contextvars

from jobs import bell, leases
from jobs.handlers import closed_by, urgency_of
from jobs.leases import MAX_ATTEMPTS, AskedOutsideATransaction, Fenced, Held, Later, Lease
from jobs.models import State
from jobs.urgency import Urgency
from jobs.working import Work

__all__ = [
    "MAX_ATTEMPTS",
    "AskedOutsideATransaction",
    "Enqueuing",
    "Fenced",
    "Held",
    "JobState",
    "Later",
    "Lease",
    "close",
    "enqueue",
    "enqueuing",
    "purge",
    "retry",
    "retry_stopped",
    "returning",
    "ring_on_commit",
    "state",
    "stopped",
    "waiting",
    "work",
    "work_due",
]

JOBS = UUID("6f0e1d0e-8a53-4a06-9a8b-3c1f5b0f2d77")  # the namespace of job identifiers
NOW = timedelta()
FORGOTTEN_AT_ONCE, ROUNDS_OF_FORGETTING = 1000, 20


@dataclass(frozen=True, slots=True)
class JobState:
    """Where a job is, for whoever looks after the queue. No page about a person rests on it."""

    id: UUID
    kind: str
    subject_id: UUID
    idem: str
    state: State
    attempts: int
    run_after: datetime
    code: str
    created_at: datetime
    done_at: datetime | None


# -- Asking ----------------------------------------------------------------------------------------


_ROW = """
INSERT INTO jobs_job (id, kind, urgency, idem, subject_id, author_id, structure_id, state, attempts,
    run_after, code, request, created_at)
SELECT %s::uuid, %s::text, %s::smallint, %s::text, %s::uuid, %s::uuid, %s::uuid, 'ready', 0,
    statement_timestamp() + %s::interval, '', %s::text, %s::timestamptz {where}
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Enqueuing:
    """An INSERT for a composite statement: `WITH … AS (<sql>)`. Asking again inserts nothing."""

    job_id: UUID
    urgency: Urgency
    params: tuple[object, ...]

    @property
    def sql(self) -> str:
        return _ROW.format(where="")

    def sql_if(self, part: str) -> str:
        """The same, provided that this part of the larger statement gives a row."""
        return _ROW.format(where=f"WHERE EXISTS (SELECT FROM {part})")

    def __iter__(self) -> Iterator[Any]:
        return iter((self.job_id, self.sql, self.params))


def job_id_of(kind: str, idem: str) -> UUID:
    """A job asked for again is the same job: its identifier says so."""
    return uuid5(JOBS, f"{kind}\0{idem}")


def enqueuing(
    kind: str,
    *,
    subject_id: UUID,
    idem: str,
    at: datetime,
    after: timedelta = NOW,
    author_id: UUID | None = None,
    structure_id: UUID | None = None,
) -> Enqueuing:
    """The statement that asks for a job, to be executed by the caller inside a larger one.

    `at` is when the act took place, for people to read; the job is due `after` the statement runs, by the
    clock of the database. `author_id`, `structure_id`: of whoever fills the queue, so that it may be bounded.
    """
    job_id, urgency = job_id_of(kind, idem), urgency_of(kind)
    request = get_contextvars().get("request", "")
    params = (job_id, kind, int(urgency), idem, subject_id, author_id, structure_id, after, request, at)
    return Enqueuing(job_id, urgency, params)


def enqueue(kind: str, *, subject_id: UUID, idem: str, at: datetime, after: timedelta = NOW) -> UUID:
    """Ask for a job in the transaction of the act that wants it; the bell rings when it commits."""
    asked = enqueuing(kind, subject_id=subject_id, idem=idem, at=at, after=after)
    with connection.cursor() as cursor:
        cursor.execute(asked.sql, asked.params)
    if after <= NOW:
        ring_on_commit(asked)
    return asked.job_id


def ring_on_commit(asked: Enqueuing) -> None:
    transaction.on_commit(partial(bell.ring_soon, asked.urgency), robust=True)


# What one may have waiting. Two who ask at the same instant may both find room: the bound is one of load.
_ROOM = """
(SELECT count(*) < %s AND count(*) FILTER (WHERE w.author_id = %s::uuid) < %s
  FROM (SELECT author_id FROM jobs_job
    WHERE {whose} AND author_id IS NOT NULL AND urgency = %s::smallint AND state IN ('ready', 'leased')
    LIMIT %s) w)
"""


def room(urgency: Urgency, *, author_id: UUID, structure_id: UUID | None) -> tuple[str, list[object]]:
    """An SQL condition and its parameters: whether this structure, and this author in it, may ask for more.

    Bounds are `DMP_WAITING_PER_AUTHOR` and `DMP_WAITING_PER_STRUCTURE`. Whoever has no structure is
    bounded alone.
    """
    mine, ours = settings.DMP_WAITING_PER_AUTHOR, settings.DMP_WAITING_PER_STRUCTURE
    if structure_id is None:
        whose, ours = "structure_id IS NULL AND author_id = %s::uuid", mine
        of: UUID = author_id
    else:
        whose, of = "structure_id = %s::uuid", structure_id
    return _ROOM.format(whose=whose), [ours, author_id, mine, of, int(urgency), ours]


# -- Working ---------------------------------------------------------------------------------------


def work(job_id: UUID) -> bool:
    """Do this job here, from end to end, if it is due and free. False when there was nothing to do."""
    return _whole(leases.take(job_id))


def work_due(limit: int) -> int:
    """Do at most `limit` jobs that are due, the most urgent first; how many were."""
    return next((done for done in range(limit) if not _work_next()), limit)


def _work_next() -> bool:
    return any(_whole(leases.take_next(urgency)) for urgency in Urgency)


def _whole(lease: Lease | None) -> bool:
    if lease is None:
        return False
    Work(lease).whole()
    return True


# -- Following -------------------------------------------------------------------------------------

_COLUMNS = "id, kind, subject_id, idem, state, attempts, run_after, code, created_at, done_at"


def state(job_id: UUID) -> JobState | None:
    return next(iter(_states("id = %s::uuid", [job_id])), None)


@dataclass(frozen=True, slots=True)
class Returning:
    """Jobs of one kind that wait for their next attempt, for one cause."""

    code: str
    count: int
    since: datetime
    next_at: datetime


def returning(kind: str) -> list[Returning]:
    """What stops the jobs of a kind that will be tried again, the cause of most first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code, count(*), min(created_at), min(run_after) FROM jobs_job"
            " WHERE kind = %s AND state = 'ready' AND code <> '' GROUP BY code ORDER BY 2 DESC, code",
            [kind],
        )
        return [Returning(*row) for row in cursor.fetchall()]


def waiting(states: Collection[str], *, limit: int = 200) -> list[JobState]:
    """The jobs in these states, oldest first."""
    return _states(
        "state = ANY(%s::text[]) ORDER BY created_at LIMIT %s", [[str(state) for state in states], limit]
    )


@dataclass(frozen=True, slots=True)
class Stopped:
    """Jobs of one kind in the same states for one cause. `seen_at` is the latest `run_after` of them."""

    kind: str
    code: str
    count: int
    since: datetime
    seen_at: datetime


def stopped(states: Collection[str]) -> list[Stopped]:
    """The jobs in these states by kind and cause, most first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, code, count(*), min(created_at), max(run_after) FROM jobs_job"
            " WHERE state = ANY(%s::text[]) GROUP BY kind, code ORDER BY 3 DESC, kind, code",
            [[str(state) for state in states]],
        )
        return [Stopped(*row) for row in cursor.fetchall()]


def _states(which: str, parameters: list[object]) -> list[JobState]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_COLUMNS} FROM jobs_job WHERE {which}", parameters)  # noqa: S608
        return [JobState(*row[:4], State(row[4]), *row[5:]) for row in cursor.fetchall()]


# -- A person decides ------------------------------------------------------------------------------


def retry(job_id: UUID, *, seen_at: datetime) -> bool:
    """Have a job that waits for a person tried again from the start.

    `seen_at` is the `run_after` under which the person saw it wait. False when it does not wait for a
    person, or no longer for the same reason: what was decided was about something else.
    """
    job = state(job_id)
    if job is None or not _decided(job_id, "retry", seen_at):
        return False
    transaction.on_commit(partial(bell.ring_soon, urgency_of(job.kind)), robust=True)
    return True


def retry_stopped(states: Collection[str], kind: str, code: str, *, seen_at: datetime) -> int:
    """Have every job of a kind that one cause stopped tried again; how many.

    Those that came to wait after `seen_at`, the latest `run_after` shown, were not seen: they stay.
    """
    which = "state = ANY(%s::text[]) AND kind = %s AND code = %s AND run_after <= %s::timestamptz"
    found = _states(which, [[str(state) for state in states], kind, code, seen_at])
    return sum(retry(job.id, seen_at=job.run_after) for job in found)


def close(job_id: UUID, *, seen_at: datetime, at: datetime) -> bool:
    """Let a job that waits for a person rest, and ask for what its kind does when a person closes it.

    False as `retry` says it.
    """
    job = state(job_id)
    if job is None or not _decided(job_id, "close", seen_at):
        return False
    if closing := closed_by(job.kind):
        enqueue(closing, subject_id=job.subject_id, idem=f"{job.idem}:{seen_at.isoformat()}", at=at)
    return True


def _decided(job_id: UUID, decision: str, seen_at: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT jobs_decide(%s::uuid, %s, %s::timestamptz)", [job_id, decision, seen_at])
        [moved] = cursor.fetchone()
    return bool(moved)


# -- Forgetting ------------------------------------------------------------------------------------


def purge() -> int:
    """Forget the jobs done more than DMP_DONE_JOBS_DAYS ago, in bounded batches; how many."""
    forgotten = 0
    for _ in range(ROUNDS_OF_FORGETTING):
        with connection.cursor() as cursor:
            cursor.execute(
                """
                DELETE FROM jobs_job WHERE id IN (
                    SELECT id FROM jobs_job
                     WHERE state = 'done' AND done_at < statement_timestamp() - %s::interval
                     ORDER BY done_at LIMIT %s FOR UPDATE SKIP LOCKED)
                """,
                [timedelta(days=settings.DMP_DONE_JOBS_DAYS), FORGOTTEN_AT_ONCE],
            )
            forgotten += cursor.rowcount
            if cursor.rowcount < FORGOTTEN_AT_ONCE:
                break
    return forgotten
