"""The last statement of a transaction leaves with its COMMIT: all of it, or nothing."""

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

# What a transaction sets for the session is undone with it, and needs no table.
SET = "SELECT set_config('scratch.{}', %s, false)"


def run(statement: str, *values: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return str(cursor.fetchone()[0])


def kept() -> str:
    return run("SELECT concat(current_setting('scratch.a', true), current_setting('scratch.b', true))")


@pytest.fixture(autouse=True)
def scratch(real_database):
    yield
    connection.close()


def test_it_commits_what_came_before_and_what_waits_for_a_commit_is_done():
    done = []
    with CaptureQueriesContext(connection) as made, transaction.atomic(durable=True):
        run(SET.format("a"), "1")
        transaction.on_commit(lambda: done.append(kept()))
        assert connection.committed_with(SET.format("b"), ["2"])

    assert (kept(), done) == ("12", ["12"])
    assert "set_config('scratch.b', '2', false); COMMIT" in str([query["sql"] for query in made])


def test_when_it_fails_nothing_of_the_transaction_stays():
    with pytest.raises(DataError), transaction.atomic(durable=True):
        run(SET.format("a"), "1")
        connection.committed_with("SELECT 1 / %s::integer", ["0"])

    assert kept() == ""


def test_inside_another_transaction_nothing_is_done():
    with transaction.atomic(), transaction.atomic():
        assert not connection.committed_with(SET.format("b"), ["2"])

    assert kept() == ""
