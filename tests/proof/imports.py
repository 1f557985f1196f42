"""Imports through the real job and the real protocol, while whoever works is killed at any moment."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
from django.conf import settings

from audit.verification import Verification
from conftest import RealDatabase
from dmp import valkey
from tests.proof import people, processes
from tests.proof.processes import Process, until
from tests.sandbox.world import World

LEASE_SECONDS = "3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is there when everything has ended."""

    imports: int
    kills: int
    kills_during_an_import: int
    asked: int  # how often the insurer was asked: more than once for an import that was cut
    imported: int  # how many imports the ledger tells
    statements: int
    current: int
    whole: int  # those that show each line the insurer told, once
    documents: int
    held: int
    jobs_left: int
    alterations: int
    seconds: float


def under_kills(
    database: RealDatabase, world: World, logs: Path, *, imports: int, kills: int, seed: int
) -> Ended:
    """Open so many dossiers, and kill workers and scheduler so many times while their histories arrive."""
    insured = {people.open_dossier(person): person for person in people.who_have_a_history(imports)}
    environment = database.environment(
        **world.environment(),
        DMP_DEMO="1",  # the invented world is not reached over TLS
        DMP_JOB_LEASE_SECONDS=LEASE_SECONDS,
        DMP_LOG_LEVEL="WARNING",
    )
    draw = random.Random(seed)
    moments = sorted(draw.sample(range(1, imports * 9 // 10), kills))
    started = time.monotonic()
    workers = [processes.worker(environment, logs / f"worker-{number}.log") for number in (1, 2)]
    waker = processes.scheduler(environment, logs / "scheduler.log", every=0.5)
    during = 0
    try:
        with database.superuser() as server:
            for number, moment in enumerate(moments):
                assert until(lambda moment=moment: _done(server) >= moment, within=120), "the work stopped"
                time.sleep(draw.uniform(0, 0.06))
                during += _kill(draw, workers, waker, server)
                if number == kills // 2:
                    _empty_redis()
            ended = until(lambda: _left(server) == 0, within=120 + imports)
            assert ended, f"{_left(server)} jobs are left"
            seconds = time.monotonic() - started
    finally:
        for process in (*workers, waker):
            process.stop()
    with database.superuser() as server:
        return _counted(server, insured, kills, during, seconds)


def _kill(draw: random.Random, workers: list[Process], waker: Process, server: psycopg.Connection) -> bool:
    """One of those who work, one way or another; whether an import was under way."""
    victim = draw.choice([*workers, *workers, waker])
    under_way = _one(server, "SELECT count(*) FROM jobs_job WHERE state = 'leased'") > 0
    ways: list[Callable[[], object]] = [victim.kill, victim.kill_the_parent]
    draw.choice(ways)()
    if not victim.alive:
        victim.start()
    return under_way


def _empty_redis() -> None:
    with valkey.operator(settings.DMP_VAR) as server:
        server.flushall()


def _done(server: psycopg.Connection) -> int:
    return _one(server, "SELECT count(*) FROM jobs_job WHERE state = 'done'")


def _left(server: psycopg.Connection) -> int:
    return _one(server, "SELECT count(*) FROM jobs_job WHERE state <> 'done'")


def _one(server: psycopg.Connection, statement: str) -> int:
    row = server.execute(statement).fetchone()
    assert row
    return int(row[0])


def _counted(
    server: psycopg.Connection,
    insured: dict[UUID, people.Person],
    kills: int,
    during: int,
    seconds: float,
) -> Ended:
    lines: dict[UUID, int] = dict(
        server.execute(
            "SELECT dossier_id, line_count FROM history_statement WHERE superseded_at IS NULL"
        ).fetchall()
    )
    whole = sum(
        lines.get(dossier_id) == people.lines_told_by_the_insurer(person)
        for dossier_id, person in insured.items()
    )
    return Ended(
        imports=len(insured),
        kills=kills,
        kills_during_an_import=during,
        asked=_one(server, "SELECT count(*) FROM audit_event WHERE kind = 'ask_history'"),
        imported=_one(server, "SELECT count(*) FROM audit_event WHERE kind = 'import'"),
        statements=_one(server, "SELECT count(*) FROM history_statement"),
        current=len(lines),
        whole=whole,
        documents=_one(server, "SELECT count(*) FROM documents_document"),
        held=_one(server, "SELECT count(*) FROM history_held"),
        jobs_left=_left(server),
        alterations=len(list(Verification().of_ledger())),
        seconds=seconds,
    )
