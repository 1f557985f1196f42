"""What waits for a person: codes and dates, never a content, never a name.

A job that waits is not forgotten before somebody decided. What its dossier says of it is written elsewhere,
by the package of its kind.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from access import gate
from access.policy import Action
from accounts.actors import Actor
from dossiers.opening import IMPORT_HISTORY
from dossiers.things import Register
from jobs import queue
from jobs.models import State

STUCK = (State.HELD, State.DEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returning:
    """The care histories that are asked for again by themselves, for one cause."""

    code: str
    count: int
    since: datetime  # the one that was asked for first
    next_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One job that a person must decide about."""

    id: UUID
    kind: str
    code: str
    dossier_id: UUID
    since: datetime
    attempts: int
    dead: bool  # given up after too many attempts; otherwise held apart at once
    seen_at: datetime  # what a decision about it is bound to


def waiting(*, by: Actor, at: datetime) -> list[Waiting]:
    """Everything that waits for a person, oldest first."""
    with gate.admitted(by, Action.REVIEW, Register(), at=at):
        return [
            Waiting(
                id=job.id,
                kind=job.kind,
                code=job.code,
                dossier_id=job.subject_id,
                since=job.created_at,
                attempts=job.attempts,
                dead=job.state is State.DEAD,
                seen_at=job.run_after,
            )
            for job in queue.waiting(STUCK)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Everything of one kind that one cause stopped."""

    kind: str
    code: str
    count: int
    since: datetime
    seen_at: datetime  # what a decision about all of it is bound to


def causes(*, by: Actor, at: datetime) -> list[Cause]:
    """What stops whatever waits for a person, the cause of most first."""
    with gate.admitted(by, Action.REVIEW, Register(), at=at):
        return [
            Cause(kind=one.kind, code=one.code, count=one.count, since=one.since, seen_at=one.seen_at)
            for one in queue.stopped(STUCK)
        ]


def returning(*, by: Actor, at: datetime) -> list[Returning]:
    """What stops the imports that need nobody, the cause of most of them first."""
    with gate.admitted(by, Action.REVIEW, Register(), at=at):
        return [
            Returning(code=one.code, count=one.count, since=one.since, next_at=one.next_at)
            for one in queue.returning(IMPORT_HISTORY)
        ]


def retry(job_id: UUID, *, seen_at: datetime, by: Actor, at: datetime) -> bool:
    """Have it tried again. False when it no longer waits as it was seen to wait."""
    with gate.admitted(by, Action.REVIEW, Register(), at=at, decided="retry", job=str(job_id)):
        return queue.retry(job_id, seen_at=seen_at)


def retry_all(kind: str, code: str, *, seen_at: datetime, by: Actor, at: datetime) -> int:
    """Have all that one cause stopped tried again, as it was seen to wait; how many."""
    with gate.admitted(by, Action.REVIEW, Register(), at=at, decided="retry", cause=code) as passage:
        retried = queue.retry_stopped(STUCK, kind, code, seen_at=seen_at)
        passage.tell(count=retried)
        return retried


def close(job_id: UUID, *, seen_at: datetime, by: Actor, at: datetime) -> bool:
    """Let it rest, and have what was held apart forgotten. False when it no longer waits so."""
    with gate.admitted(by, Action.REVIEW, Register(), at=at, decided="close", job=str(job_id)):
        return queue.close(job_id, seen_at=seen_at, at=at)
