"""The durable queue: asked for in a business transaction, taken under a lease, settled once.

A lease carries a fencing token: whoever was paused, killed or replaced no longer has it, and writes nothing.
The attempt is counted when the job is taken, so that a job which kills its worker is counted too.
"""

import random
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4, uuid5

import structlog
from django.conf import settings
from django.db import connection, transaction

from jobs import bell
from jobs.bell import ring
from jobs.handlers import handler_of
from jobs.models import State

__all__ = [
    "AskedOutsideATransaction",
    "Fenced",
    "Held",
    "JobState",
    "Later",
    "Lease",
    "close",
    "due",
    "enqueue",
    "enqueuing",
    "latest",
    "retry",
    "ring",
    "ring_on_commit",
    "state",
    "waiting",
    "work",
    "work_due",
]

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
LONGEST_WAIT = timedelta(hours=1)
JOBS = UUID("6f0e1d0e-8a53-4a06-9a8b-3c1f5b0f2d77")  # the namespace of job identifiers


class Fenced(Exception):
    """The lease is no longer ours: another worker has the job, or had it. Nothing of this may be kept."""


class AskedOutsideATransaction(RuntimeError):
    """Fencing means something only inside the transaction it protects."""


class Later(Exception):
    """Not now: try again after a while. A patient wait does not exhaust the attempts."""

    def __init__(self, code: str, after: timedelta, *, patient: bool = False) -> None:
        super().__init__(code)
        self.code, self.after, self.patient = code, after, patient


class Held(Exception):
    """Not without a person: the job waits at the staff door, under this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class JobState:
    """Where a job is, for whoever follows it."""

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


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do one job, for a time. Its verbs belong inside the transaction of the effect."""

    job_id: UUID
    token: UUID
    kind: str
    subject_id: UUID
    idem: str
    attempts: int
    kept: list[bool] = field(default_factory=list, compare=False, repr=False)

    def fence(self) -> None:
        """Keep the job ours until this transaction ends. Raises Fenced when it is no longer ours."""
        self._ours("SELECT FROM jobs_job WHERE id = %s::uuid AND lease_token = %s::uuid FOR UPDATE", [])

    def done(self, *, code: str = "") -> None:
        """The job is done if, and only if, this transaction commits. Raises Fenced when it is not ours."""
        self._ours(
            """
            UPDATE jobs_job SET state = 'done', done_at = statement_timestamp(), code = %s,
                lease_token = NULL, lease_until = NULL
            WHERE id = %s::uuid AND lease_token = %s::uuid
            """,
            [code],
        )
        transaction.on_commit(lambda: self.kept.append(True))

    def _ours(self, statement: str, parameters: list[object]) -> None:
        if not connection.in_atomic_block:
            raise AskedOutsideATransaction
        with connection.cursor() as cursor:
            cursor.execute(statement, [*parameters, self.job_id, self.token])
            if cursor.rowcount != 1:
                raise Fenced(self.job_id)


# -- Asking ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Enqueuing:
    """An INSERT for a composite statement: `WITH … AS (<sql>)`. Asking again inserts nothing."""

    job_id: UUID
    sql: str
    params: tuple[object, ...]

    def __iter__(self) -> Any:
        return iter((self.job_id, self.sql, self.params))


_INSERT = """
INSERT INTO jobs_job (id, kind, idem, subject_id, state, attempts, run_after, code, created_at)
VALUES (%s::uuid, %s::text, %s::text, %s::uuid, 'ready', 0, %s::timestamptz, '', %s::timestamptz)
ON CONFLICT DO NOTHING
"""


def job_id_of(kind: str, idem: str) -> UUID:
    """A job asked for again is the same job: its identifier says so."""
    return uuid5(JOBS, f"{kind}\0{idem}")


def enqueuing(
    kind: str, *, subject_id: UUID, idem: str, at: datetime, run_after: datetime | None = None
) -> Enqueuing:
    """The statement that asks for a job, to be executed by the caller inside a larger one."""
    job_id = job_id_of(kind, idem)
    return Enqueuing(job_id, _INSERT, (job_id, kind, idem, subject_id, run_after or at, at))


def enqueue(
    kind: str, *, subject_id: UUID, idem: str, at: datetime, run_after: datetime | None = None
) -> UUID:
    """Ask for a job in the transaction of the act that wants it; the bell rings when it commits."""
    asked = enqueuing(kind, subject_id=subject_id, idem=idem, at=at, run_after=run_after)
    with connection.cursor() as cursor:
        cursor.execute(asked.sql, asked.params)
    if run_after is None or run_after <= at:
        ring_on_commit(asked.job_id)
    return asked.job_id


def ring_on_commit(job_id: UUID) -> None:
    transaction.on_commit(partial(bell.ring_soon, job_id), robust=True)


# -- Working ---------------------------------------------------------------------------------------

_DUE = """
(state = 'ready' AND run_after <= statement_timestamp())
OR (state = 'leased' AND lease_until <= statement_timestamp())
"""

# A lease that ended without a word is an attempt that failed; the last one buries the job.
_TAKE = """
UPDATE jobs_job SET
    state = CASE WHEN attempts >= {max_attempts} THEN 'dead' ELSE 'leased' END,
    code = CASE WHEN attempts >= {max_attempts} THEN 'attempts_exhausted' ELSE code END,
    lease_token = CASE WHEN attempts >= {max_attempts} THEN NULL ELSE %s::uuid END,
    lease_until = CASE WHEN attempts >= {max_attempts} THEN NULL
                       ELSE statement_timestamp() + %s::interval END,
    attempts = LEAST(attempts + 1, {max_attempts})
WHERE id = (SELECT id FROM jobs_job WHERE {which} LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, state, kind, subject_id, idem, attempts
"""
_TAKE_THIS = _TAKE.format(max_attempts=MAX_ATTEMPTS, which=f"id = %s::uuid AND ({_DUE})")
_TAKE_ANY = _TAKE.format(max_attempts=MAX_ATTEMPTS, which=f"{_DUE}")


def work(job_id: UUID) -> bool:
    """Do this job if it is due and free. False when there was nothing to do."""
    return _work(_TAKE_THIS, [job_id])


def work_due(limit: int) -> int:
    """Do at most `limit` jobs that are due; how many were."""
    return next((done for done in range(limit) if not _work(_TAKE_ANY, [])), limit)


def due(limit: int) -> list[UUID]:
    """What should be worked on now, longest-waiting first."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM jobs_job WHERE {_DUE} ORDER BY run_after LIMIT %s", [limit])  # noqa: S608
        return [job_id for (job_id,) in cursor.fetchall()]


def _work(statement: str, parameters: list[object]) -> bool:
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(statement, [token, timedelta(seconds=settings.DMP_JOB_LEASE_SECONDS), *parameters])
        row = cursor.fetchone()
    if row is None:
        return False
    job_id, state, kind, subject_id, idem, attempts = row
    told = log.bind(job=str(job_id), kind=kind, attempt=attempts)
    if state == State.DEAD:
        told.error("job dead", code="attempts_exhausted")
        return True
    lease = Lease(job_id, token, kind, subject_id, idem, attempts)
    started = time.perf_counter()
    outcome = _outcome(lease, told)
    _settle(lease, outcome)
    told.info(
        "job worked",
        outcome=outcome.state,
        code=outcome.code,
        seconds=round(time.perf_counter() - started, 3),
    )
    return True


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: str  # a State, or "fenced": then nothing is written
    code: str = ""
    after: timedelta = timedelta()
    counted: bool = True


def _outcome(lease: Lease, told: Any) -> _Outcome:
    try:
        handler_of(lease.kind)(lease)
    except Fenced:
        return _Outcome("fenced")
    except Later as later:
        if later.patient or lease.attempts < MAX_ATTEMPTS:
            return _Outcome(State.READY, later.code, later.after, counted=not later.patient)
        return _Outcome(State.DEAD, later.code)
    except Held as held:
        return _Outcome(State.HELD, held.code)
    except (
        Exception
    ) as failure:  # the job's end is the job's, not the worker's: it is counted and tried again
        code = f"error.{type(failure).__name__}"
        told.exception("job failed")
        if lease.attempts < MAX_ATTEMPTS:
            return _Outcome(State.READY, code, _back_off(lease.attempts))
        return _Outcome(State.DEAD, code)
    return _Outcome(State.DONE)


def _settle(lease: Lease, outcome: _Outcome) -> None:
    """Write how it ended, if the job is still ours and its effect has not said so already."""
    if outcome.state == "fenced" or lease.kept:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE jobs_job SET state = %s, code = %s, lease_token = NULL, lease_until = NULL,
                run_after = statement_timestamp() + %s::interval,
                attempts = attempts - %s,
                done_at = CASE WHEN %s THEN statement_timestamp() END
            WHERE id = %s::uuid AND lease_token = %s::uuid
            """,
            [
                outcome.state,
                outcome.code,
                outcome.after,
                0 if outcome.counted else 1,
                outcome.state == State.DONE,
                lease.job_id,
                lease.token,
            ],
        )


def _back_off(attempts: int) -> timedelta:
    """2, 4, 8 … seconds, an hour at most, give or take a quarter: who failed together comes back apart."""
    seconds = min(2.0**attempts, LONGEST_WAIT.total_seconds())
    return timedelta(seconds=seconds * random.uniform(0.75, 1.25))  # noqa: S311


# -- Following -------------------------------------------------------------------------------------

_COLUMNS = "id, kind, subject_id, idem, state, attempts, run_after, code, created_at, done_at"


def state(job_id: UUID) -> JobState | None:
    return next(iter(_states("id = %s::uuid", [job_id])), None)


def latest(kind: str, subject_id: UUID) -> JobState | None:
    """The last job of this kind asked for this subject."""
    which = "kind = %s AND subject_id = %s::uuid ORDER BY created_at DESC LIMIT 1"
    return next(iter(_states(which, [kind, subject_id])), None)


def waiting(states: Collection[str], *, limit: int = 200) -> list[JobState]:
    """The jobs in these states, oldest first."""
    return _states(
        "state = ANY(%s::text[]) ORDER BY created_at LIMIT %s", [[str(state) for state in states], limit]
    )


def _states(which: str, parameters: list[object]) -> list[JobState]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_COLUMNS} FROM jobs_job WHERE {which}", parameters)  # noqa: S608
        return [JobState(*row[:4], State(row[4]), *row[5:]) for row in cursor.fetchall()]


# -- A person decides ------------------------------------------------------------------------------


def retry(job_id: UUID, at: datetime) -> bool:
    """Have a job that waits for a person tried again from the start. False when it does not wait for one."""
    moved = _decided("state = 'ready', attempts = 0, run_after = %s::timestamptz, code = ''", job_id, at)
    if moved:
        ring_on_commit(job_id)
    return moved


def close(job_id: UUID, at: datetime) -> bool:
    """Let a job that waits for a person rest, undone. False when it does not wait for one."""
    return _decided("state = 'done', done_at = %s::timestamptz, code = 'closed'", job_id, at)


def _decided(change: str, job_id: UUID, at: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE jobs_job SET {change} WHERE id = %s::uuid AND state IN ('held', 'dead')",  # noqa: S608
            [at, job_id],
        )
        return cursor.rowcount == 1
