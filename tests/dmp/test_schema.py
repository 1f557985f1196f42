"""The schema changes under the previous release: no table is waited for long, nobody changes it twice."""

import threading
import time
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connections, transaction

from dmp import schema

TABLE = "jobs_job"


def change() -> None:
    """What a change of a table begins with."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")


@contextmanager
def in_use(database):
    with database.superuser() as server, server.transaction():
        server.execute(f"SELECT 1 FROM {TABLE} LIMIT 1")
        yield


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(schema, "LOCK_SECONDS", 0.2)
    monkeypatch.setattr(schema, "apply", change)


def test_a_table_in_use_is_tried_again_until_it_is_free(real_database, impatient):
    said: list[str] = []
    with real_database.superuser() as server:
        server.execute("BEGIN")
        server.execute(f"SELECT 1 FROM {TABLE} LIMIT 1")
        ending = threading.Timer(0.8, server.execute, ["COMMIT"])
        ending.start()

        schema.bring_up_to_date(said.append, pause=0.1)

        ending.join()
    assert said[0].startswith("A table is in use")
    assert said[-1].startswith("Schema: accounts 0")


def test_a_table_always_in_use_ends_with_nothing_done_and_nobody_waiting(
    real_database, impatient, monkeypatch
):
    monkeypatch.setattr(schema, "TRIES", 2)
    with in_use(real_database), pytest.raises(schema.StillInUse):
        schema.bring_up_to_date(lambda _: None, pause=0)

    with real_database.superuser() as server:
        [waiting] = server.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    assert waiting == 0


def test_other_faults_are_not_hidden(real_database, monkeypatch):
    def fail():
        raise OperationalError("the disk is full")

    monkeypatch.setattr(schema, "apply", fail)

    with pytest.raises(OperationalError, match="disk"):
        schema.bring_up_to_date(lambda _: None)


def test_two_that_start_together_follow_each_other(real_database, monkeypatch):
    began = time.monotonic()
    monkeypatch.setattr(schema, "apply", lambda: None)
    with real_database.owner() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [schema.ONE_AT_A_TIME])
        ending = threading.Timer(0.5, other.execute, ["SELECT pg_advisory_unlock_all()"])
        ending.start()

        schema.bring_up_to_date(lambda _: None)

        ending.join()
    assert time.monotonic() - began >= 0.5
