"""One job, from the lease to its end, step by step."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from django.db import connection
from structlog.contextvars import bound_contextvars

from jobs import leases
from jobs.handlers import Asking, UnknownKind, known
from jobs.leases import FENCED, LONGEST_WAIT, MAX_ATTEMPTS, Fenced, Held, Later, Lease, Outcome
from jobs.models import State

log = structlog.get_logger(__name__)


class DatabaseOutsideASlot(RuntimeError):
    """A question to the outside reached for the database: it would hold a connection while it waits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question brought back: a value, or the exception it ended with."""

    value: Any = None
    failure: BaseException | None = None

    def get(self) -> Any:
        if self.failure is not None:
            raise self.failure
        return self.value


@dataclass(slots=True)
class Work:
    """One job under its lease. `begin`, then `resume` for each answer, until one of them says None."""

    lease: Lease
    log: Any = field(init=False)
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.log = log.bind(job=str(self.lease.job_id), kind=self.lease.kind, attempt=self.lease.attempts)
        if self.lease.request:
            self.log = self.log.bind(request=self.lease.request)
        self.started = time.monotonic()

    def begin(self) -> Asking | None:
        """The first step. A question when the job waits for somebody outside, None once it is settled."""
        if self.lease.exhausted:
            return self._end(self._buried("attempts_exhausted"))
        return self._step(lambda: known(self.lease.kind).handler(self.lease))

    def resume(self, asking: Asking, answer: Answer) -> Asking | None:
        """The step after an answer."""
        return self._step(lambda: asking.then(answer.get()))

    def whole(self) -> None:
        """Every step here and now, questions included."""
        asking = self.begin()
        while asking is not None:
            asking = self.resume(asking, answer_to(asking))

    def _step(self, step: Callable[[], Asking | None]) -> Asking | None:
        try:
            # What the job logs, and the jobs it asks for, are found under the same reference.
            with bound_contextvars(request=self.lease.request):
                asking = step()
        except Fenced:
            return self._end(FENCED)
        except Later as later:
            if later.patient or self.lease.attempts < MAX_ATTEMPTS:
                return self._end(Outcome(State.READY, later.code, later.after, counted=not later.patient))
            return self._end(self._buried(later.code))
        except Held as held:
            return self._end(Outcome(State.HELD, held.code))
        except (
            Exception
        ) as failure:  # the job's end is the job's, not the worker's: it is counted and tried again
            self.log.exception("job failed")
            code = f"error.{type(failure).__name__}"
            if self.lease.attempts < MAX_ATTEMPTS:
                return self._end(Outcome(State.READY, code, _back_off(self.lease.attempts)))
            return self._end(self._buried(code))
        return asking if asking is not None else self._end(Outcome(State.DONE))

    def _buried(self, code: str) -> Outcome:
        """Given up: first its own package says so, then the queue. What fails here is tried again."""
        try:
            given_up = known(self.lease.kind).given_up
            if given_up is not None:
                given_up(self.lease, code)
        except UnknownKind:
            pass
        except Fenced:
            return FENCED
        return Outcome(State.DEAD, code)

    def _end(self, outcome: Outcome) -> None:
        leases.settle(self.lease, outcome)
        told = self.log.error if outcome.state is State.DEAD else self.log.info
        told(
            "job dead" if outcome.state is State.DEAD else "job worked",
            outcome=str(outcome.state or "fenced"),
            code=outcome.code,
            seconds=round(time.monotonic() - self.started, 3),
        )


def answer_to(asking: Asking) -> Answer:
    """Ask, without the database: whatever comes is the answer."""
    try:
        with connection.execute_wrapper(_refuse):
            return Answer(asking.ask())
    except Exception as failure:  # raised again in a slot, where the job's end is decided
        return Answer(failure=failure)


def _refuse(*_: object) -> Any:
    raise DatabaseOutsideASlot


def _back_off(attempts: int) -> timedelta:
    """2, 4, 8 … seconds, an hour at most, give or take a quarter: who failed together comes back apart."""
    seconds = min(2.0**attempts, LONGEST_WAIT.total_seconds())
    return timedelta(seconds=seconds * random.uniform(0.75, 1.25))  # noqa: S311
