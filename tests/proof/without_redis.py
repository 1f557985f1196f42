"""People open dossiers while Redis is there, dead, silent, and back."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db import connection

from accounts import session_cache
from conftest import RealDatabase
from jobs import bell
from jobs.models import State
from jobs.urgency import Urgency
from sandbox.population import CAST
from tests import queues
from tests.proof import people, processes
from tests.proof.processes import Redis, until
from tests.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Times:
    """How long each opening took, the bell alone, and until the scheduler had done all that was asked."""

    openings: tuple[float, ...]
    bell: float
    work: float


def opening(
    database: RealDatabase, world: World, server: Redis, logs: Path, settings, *, each: int
) -> dict[str, Times]:
    """So many openings under each state of Redis; the scheduler, alone, does what they ask for."""
    settings.CELERY_BROKER_URL = settings.DMP_REDIS_URL = server.url
    insured = list(people.who_have_a_history(4 * each + len(CAST)))[-4 * each :]
    found: dict[str, Times] = {}
    states: Sequence[tuple[str, Callable[[], None]]] = (
        ("there", lambda: None),
        ("dead", server.die),
        ("silent", lambda: (server.start(), server.fall_silent())),
        ("back", server.speak_again),
    )
    environment = database.environment(
        **world.environment(),
        DMP_DEMO="1",  # the invented world is not reached over TLS
        REDIS_URL=server.url,
        DMP_LOG_LEVEL="WARNING",
    )
    waker = processes.scheduler(environment, logs / "scheduler.log", every=0.5)
    try:
        for state, become in states:
            become()
            _forget_what_redis_was()
            opened: list[UUID] = []
            openings = [
                _timed(lambda: opened.append(people.open_dossier(insured.pop()))) for _ in range(each)
            ]
            _forget_what_redis_was()
            alone = _timed(lambda: bell.ring(Urgency.BULK))
            began = time.monotonic()
            if state in ("dead", "silent"):
                assert until(lambda: _all_done(opened), within=90, every=0.1), f"Redis {state}: jobs are left"
            found[state] = Times(tuple(openings), alone, time.monotonic() - began)
    finally:
        waker.stop()
        _forget_what_redis_was()
    return found


def _forget_what_redis_was() -> None:
    bell.silence_over()
    session_cache._cache = None


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _all_done(opened: Sequence[UUID]) -> bool:
    connection.close_if_unusable_or_obsolete()
    states = [queues.latest("history.import", dossier_id) for dossier_id in opened]
    return all(job is not None and job.state == State.DONE for job in states)
