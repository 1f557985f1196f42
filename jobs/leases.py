"""The right to do one job, for a short time: taken, renewed while the work goes on, given back once.

A lease carries a fencing token: whoever was paused, killed or replaced no longer has it, and writes nothing.
The attempt is counted when the job is taken, so that a job which kills its worker is counted too.
Every instant compared here is the database's.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction

from jobs.models import State
from jobs.urgency import Urgency
from revocation import doors

MAX_ATTEMPTS = 8
LONGEST_WAIT = timedelta(hours=1)
MOST_RECLAIMED = 100


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
class Lease:
    """The right to do one job, for a time. Its verbs belong inside the transaction of the effect."""

    job_id: UUID
    token: UUID
    kind: str
    subject_id: UUID
    idem: str
    attempts: int
    request: str = ""  # the reference of the request that asked for it
    settled: list[bool] = field(default_factory=list, compare=False, repr=False)

    @property
    def exhausted(self) -> bool:
        """Tried often enough: what remains is to bury it."""
        return self.attempts > MAX_ATTEMPTS

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
        transaction.on_commit(lambda: self.settled.append(True))

    def _ours(self, statement: str, parameters: list[object]) -> None:
        if not connection.in_atomic_block:
            raise AskedOutsideATransaction
        with connection.cursor() as cursor:
            cursor.execute(statement, [*parameters, self.job_id, self.token])
            if cursor.rowcount != 1:
                raise Fenced(self.job_id)


# -- Taking ----------------------------------------------------------------------------------------

# One more than MAX_ATTEMPTS: whoever takes it then has only to bury it.
_TAKE = """
UPDATE jobs_job SET state = 'leased', lease_token = %s::uuid, attempts = LEAST(attempts, {most}) + 1,
    lease_until = statement_timestamp() + %s::interval
WHERE id = ({which} LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, subject_id, idem, attempts, request
"""
_TAKE_THIS = _TAKE.format(
    most=MAX_ATTEMPTS,
    which="""
SELECT id FROM jobs_job WHERE id = %s::uuid
   AND (state = 'ready' AND run_after <= statement_timestamp()
        OR state = 'leased' AND lease_until <= statement_timestamp())""",
)
_TAKE_NEXT = _TAKE.format(
    most=MAX_ATTEMPTS,
    which="""
SELECT id FROM jobs_job
 WHERE state = 'ready' AND urgency = %s AND run_after <= statement_timestamp()
 ORDER BY run_after, id""",
)


def take(job_id: UUID) -> Lease | None:
    """This job, if it is due and nobody has it."""
    return _take(_TAKE_THIS, job_id)


def take_next(urgency: Urgency) -> Lease | None:
    """The job of this class that has been due for longest and that nobody has."""
    return _take(_TAKE_NEXT, int(urgency))


def _take(statement: str, which: object) -> Lease | None:
    doors.refuse_when_shut()
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(statement, [token, length(), which])
        row = cursor.fetchone()
    if row is None:
        return None
    job_id, kind, subject_id, idem, attempts, request = row
    return Lease(job_id, token, kind, subject_id, idem, attempts, request)


def length() -> timedelta:
    """How long a worker that says nothing keeps a job."""
    return timedelta(seconds=settings.DMP_JOB_LEASE_SECONDS)


# -- Keeping and losing ----------------------------------------------------------------------------


def renew(leases: Collection[Lease]) -> None:
    """Keep these for one more length. A row that its own transaction locks is already kept by it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH ours AS (
                SELECT id FROM jobs_job
                 WHERE id = ANY(%s::uuid[]) AND lease_token = ANY(%s::uuid[]) AND state = 'leased'
                   FOR UPDATE SKIP LOCKED)
            UPDATE jobs_job SET lease_until = statement_timestamp() + %s::interval
              FROM ours WHERE jobs_job.id = ours.id
            """,
            [[lease.job_id for lease in leases], [lease.token for lease in leases], length()],
        )


def reclaim() -> int:
    """Make ready again what a silent worker had, after a wait that grows with the attempts; how many.

    A job that kills its worker comes back later than those that died with it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH lost AS (
                SELECT id FROM jobs_job WHERE state = 'leased' AND lease_until <= statement_timestamp()
                 ORDER BY lease_until LIMIT {MOST_RECLAIMED} FOR UPDATE SKIP LOCKED)
            UPDATE jobs_job SET state = 'ready', lease_token = NULL, lease_until = NULL,
                run_after = statement_timestamp() + make_interval(secs => power(2, attempts - 1) - 1)
              FROM lost WHERE jobs_job.id = lost.id
            """  # noqa: S608 - a number of ours
        )
        return cursor.rowcount


def give_back(leases: Collection[Lease]) -> None:
    """Let others have at once what this process began and will not end. The attempt is not counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH ours AS (
                SELECT id FROM jobs_job
                 WHERE id = ANY(%s::uuid[]) AND lease_token = ANY(%s::uuid[]) AND state = 'leased'
                   FOR UPDATE SKIP LOCKED)
            UPDATE jobs_job SET state = 'ready', lease_token = NULL, lease_until = NULL,
                attempts = attempts - 1, run_after = statement_timestamp()
              FROM ours WHERE jobs_job.id = ours.id
            """,
            [[lease.job_id for lease in leases], [lease.token for lease in leases]],
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended, for now. `fenced`: it is no longer ours, and nothing is written."""

    state: State | None
    code: str = ""
    after: timedelta = timedelta()
    counted: bool = True


FENCED = Outcome(None)


def settle(lease: Lease, outcome: Outcome) -> None:
    """Write how it ended, if the job is still ours and its effect has not said so already."""
    if outcome.state is None or lease.settled:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE jobs_job SET state = %s, code = %s, lease_token = NULL, lease_until = NULL,
                run_after = statement_timestamp() + %s::interval,
                attempts = LEAST(attempts, {MAX_ATTEMPTS}) - %s,
                done_at = CASE WHEN %s THEN statement_timestamp() END
            WHERE id = %s::uuid AND lease_token = %s::uuid
            """,  # noqa: S608 - a number of ours
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


# -- Looking ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """A class in which something is due: since when, and whether somebody is at work in it."""

    urgency: Urgency
    since: datetime
    attended: bool


def due() -> tuple[list[Due], datetime]:
    """The classes in which something is due, and what time it is for the database.

    One look at the head of each class: what waits behind is not read.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT class, statement_timestamp(),
                (SELECT run_after FROM jobs_job
                  WHERE state = 'ready' AND urgency = class AND run_after <= statement_timestamp()
                  ORDER BY run_after, id LIMIT 1),
                EXISTS (SELECT FROM jobs_job
                  WHERE state = 'leased' AND urgency = class AND lease_until > statement_timestamp())
            FROM unnest(%s::smallint[]) AS class
            """,
            [[int(urgency) for urgency in Urgency]],
        )
        rows = cursor.fetchall()
    found = [Due(Urgency(urgency), since, attended) for urgency, _, since, attended in rows if since]
    return found, rows[0][1]
