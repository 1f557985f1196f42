"""Ringing for what is due, doing it when no worker does, the chores: with this alone, every job ends."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, connection

from jobs import bell, leases
from jobs.chores import Every, chores
from jobs.clock import Watch
from jobs.slots import Slots
from jobs.urgency import Urgency

log = structlog.get_logger(__name__)

RING_AGAIN_SECONDS = 20.0  # a worker had that long to hear
# Work that was due for so long, in a class where nobody is at work: there is no worker.
ABANDONED_AFTER = timedelta(seconds=20)


@dataclass
class Sweeper:
    """Rings for the classes in which something is due; works itself in those that no worker attends."""

    rung_at: dict[Urgency, float] = field(default_factory=dict)
    own: Slots | None = None
    watch: Watch = field(default_factory=Watch)

    def sweep(self) -> datetime:
        """One round; what time it is for the database."""
        leases.reclaim()
        asked = time.time()
        due, now = leases.due()
        self.watch.compare(now, asked)
        for one in due:
            self._ring(one.urgency)
            if not one.attended and now - one.since >= ABANDONED_AFTER:
                self._work(one.urgency)
        return now

    def stop(self, patience: float) -> None:
        if self.own is not None:
            self.own.stop(patience)

    def _ring(self, urgency: Urgency) -> None:
        now = time.monotonic()
        if now - self.rung_at.get(urgency, -RING_AGAIN_SECONDS) >= RING_AGAIN_SECONDS and bell.ring(urgency):
            self.rung_at[urgency] = now

    def _work(self, urgency: Urgency) -> None:
        if self.own is None:
            self.own = Slots(list(Urgency), looking=False)
            self.own.start()
        log.warning("no worker", code=urgency.queue)
        self.own.wake(urgency)


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
