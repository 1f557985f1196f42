"""What waits for a person: codes and dates, never a content, never a name."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from access import gate
from access.policy import Action
from accounts.actors import Actor
from dossiers.opening import IMPORT_HISTORY
from dossiers.things import Register
from jobs import queue
from jobs.models import State

STUCK = (State.HELD, State.DEAD)


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

    @property
    def may_retry(self) -> bool:
        return True


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
            )
            for job in queue.waiting(STUCK)
        ]


def retry(job_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Have it tried again. False when it no longer waits."""
    with gate.admitted(by, Action.REVIEW, Register(), at=at, decided="retry", job=str(job_id)):
        return queue.retry(job_id, at)


def close(job_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Let it rest, and forget what was held apart. False when it no longer waits."""
    with gate.admitted(by, Action.REVIEW, JobAtTheDoor(job_id), at=at, decided="close", job=str(job_id)):
        job = queue.state(job_id)
        if job is None or not queue.close(job_id, at):
            return False
        if job.kind == IMPORT_HISTORY:
            with connection.cursor() as cursor:
                cursor.execute("SELECT history_forget(%s::uuid, %s::timestamptz)", [job.subject_id, at])
        return True


@dataclass(frozen=True, slots=True)
class JobAtTheDoor(Register):
    """A job that waits for a person. Its dossier is pinned: the decision reaches no other."""

    job_id: UUID

    @property
    def pin(self) -> UUID | None:
        job = queue.state(self.job_id)
        return job.subject_id if job else None
