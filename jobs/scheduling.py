"""Waking what is due, and doing it when nobody else does: with this alone, every job ends."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from django.db import DatabaseError, connection

from jobs import bell, queue
from jobs.chores import Every, chores

log = structlog.get_logger(__name__)

RING_AGAIN_SECONDS = 20.0  # a worker had that long to hear
OVERDUE_SECONDS = 60.0  # and that long to begin; then the scheduler does it itself
AT_ONCE = 200


@dataclass
class Sweeper:
    """Rings for what is due; works itself when the bell does not ring, or when nobody answers it."""

    rung_at: dict[UUID, float] = field(default_factory=dict)
    first_rung_at: dict[UUID, float] = field(default_factory=dict)

    def sweep(self) -> int:
        """How many jobs this round did itself."""
        due = queue.due(AT_ONCE)
        for memory in (self.rung_at, self.first_rung_at):
            for forgotten in memory.keys() - set(due):
                del memory[forgotten]
        return sum(self._wake(job_id) for job_id in due)

    def _wake(self, job_id: UUID) -> bool:
        now = time.monotonic()
        if now - self.first_rung_at.get(job_id, now) > OVERDUE_SECONDS:
            return queue.work(job_id)
        if now - self.rung_at.get(job_id, -RING_AGAIN_SECONDS) < RING_AGAIN_SECONDS:
            return False
        if not bell.ring(job_id):
            return queue.work(job_id)
        self.rung_at[job_id] = now
        self.first_rung_at.setdefault(job_id, now)
        return False


@dataclass
class Rounds:
    """When each chore was last done."""

    done_at: dict[str, float] = field(default_factory=dict)

    def go(self, at: datetime) -> None:
        for every in chores():
            now = time.monotonic()
            if now - self.done_at.get(every.name, -every.seconds) >= every.seconds:
                self.done_at[every.name] = now
                _do(every, at)


def _do(every: Every, at: datetime) -> None:
    try:
        every.chore(at=at)
    except DatabaseError:
        raise
    except Exception:  # one chore that fails must not keep the others from being done
        log.exception("chore failed", chore=every.name)


def reconnect() -> None:
    """Let go of a connection that the database closed; the next statement opens another."""
    connection.close_if_unusable_or_obsolete()
