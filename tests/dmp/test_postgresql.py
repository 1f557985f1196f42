"""The first statement of a transaction leaves with BEGIN, the last with COMMIT: all of it, or nothing."""

import signal
from contextlib import suppress
from itertools import product
from threading import Timer

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from dmp.postgresql import messages

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
    assert "set_config('scratch.b', '2', false)" in str([query["sql"] for query in made])


def test_when_it_fails_nothing_of_the_transaction_stays():
    with pytest.raises(DataError), transaction.atomic(durable=True):
        run(SET.format("a"), "1")
        connection.committed_with("SELECT 1 / %s::integer", ["0"])

    assert kept() == ""


def test_inside_another_transaction_nothing_is_done():
    with transaction.atomic(), transaction.atomic():
        assert not connection.committed_with(SET.format("b"), ["2"])

    assert kept() == ""


def first(value: int) -> object:
    return connection.begun_with("SELECT set_config('scratch.a', %s, false), %s::int", [str(value), value])


def test_the_first_statement_begins_the_transaction_and_gives_its_rows():
    with transaction.atomic(durable=True):
        assert first(1) == [("1", 1)]
        assert connection.connection.info.transaction_status.name == "INTRANS"
        run(SET.format("b"), "2")

    assert kept() == "12"


def test_when_the_act_fails_what_the_first_statement_did_is_undone():
    with pytest.raises(ZeroDivisionError), transaction.atomic(durable=True):
        first(1)
        raise ZeroDivisionError

    assert kept() == ""


def test_a_first_statement_that_fails_is_raised_as_any_other_and_the_connection_serves_on():
    with pytest.raises(DataError), transaction.atomic(durable=True):
        connection.begun_with("SELECT 1 / %s::integer", [0])

    with transaction.atomic(durable=True):
        assert connection.begun_with("SELECT 4 / %s::integer", [2]) == [(2,)]


def test_a_plan_that_was_thrown_away_is_made_anew():
    """psycopg has all that is prepared thrown away after a DROP."""
    for value in (1, 2):
        with transaction.atomic(durable=True):
            assert first(value) == [(str(value), value)]
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")

    with transaction.atomic(durable=True):
        assert first(3) == [("3", 3)]
        run(SET.format("b"), "4")

    assert kept() == "34"


def plans() -> int:
    """How many of our statements the server keeps prepared for this connection."""
    return int(run("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'dmp%%'"))


def act_that_fails() -> None:
    with suppress(ZeroDivisionError), transaction.atomic(durable=True):
        first(1)
        raise ZeroDivisionError


def statement_that_fails() -> None:
    with suppress(DataError), transaction.atomic(durable=True):
        connection.begun_with("SELECT 1 / %s::integer", [0])


def part_that_is_undone() -> None:
    with transaction.atomic(durable=True):
        first(1)
        with suppress(ZeroDivisionError), transaction.atomic():
            raise ZeroDivisionError


@pytest.mark.parametrize("fails", [act_that_fails, statement_that_fails, part_that_is_undone])
def test_what_fails_again_and_again_leaves_no_plan_behind(fails):
    """psycopg has plans thrown away only when there are some of its own."""
    for _ in range(5):
        fails()

    assert plans() <= 1


def test_a_commit_that_fails_leaves_each_plan_where_it_is(real_database):
    with real_database.superuser() as server:
        server.execute("CREATE TABLE scratch_once (a integer, UNIQUE (a) DEFERRABLE INITIALLY DEFERRED)")
        server.execute("GRANT ALL ON scratch_once TO PUBLIC")
    for value in range(6):
        with pytest.raises(IntegrityError), transaction.atomic(durable=True):
            first(value)
            run("SELECT upper(%s)", "read often enough that psycopg prepares it")
            connection.committed_with("INSERT INTO scratch_once VALUES (%s), (%s)", [value, value])

    assert plans() == 2
    assert run("SELECT upper(%s)", "and its plan serves on") == "AND ITS PLAN SERVES ON"


def test_plans_of_one_connection_are_bounded():
    sizes = (1, 40_000, 5_000_000_000, None)
    for values in product(sizes, repeat=4):
        with transaction.atomic(durable=True):
            assert connection.begun_with("SELECT %s::int8, %s::int8, %s::int8, %s::int8", values) == [values]

    assert plans() <= messages.MOST_PLANS


def test_a_release_that_changes_what_a_first_statement_gives_costs_nothing(real_database):
    def enter():
        with transaction.atomic(durable=True):
            return connection.begun_with("SELECT * FROM scratch_seen WHERE a = %s", [1])

    with real_database.superuser() as server:
        server.execute("CREATE TABLE scratch_seen AS SELECT 1 AS a")
        server.execute("GRANT SELECT ON scratch_seen TO PUBLIC")
    assert enter() == enter() == [(1,)]

    with real_database.superuser() as server:
        server.execute("ALTER TABLE scratch_seen ADD b integer")

    assert enter() == [(1, None)]


@pytest.mark.parametrize("words", ["a\0b", "a\ud800b"])
def test_what_no_message_can_carry_costs_no_connection(words):
    """Raised before anything is sent, as by any cursor."""
    run("SELECT upper(%s)", "connected")
    connected = connection.connection
    for act in (connection.begun_with, connection.committed_with):
        with pytest.raises((DataError, UnicodeEncodeError)), transaction.atomic(durable=True):
            act("SELECT %s", [words])

    with transaction.atomic(durable=True):
        assert first(1) == [("1", 1)]
    assert connection.connection is connected


@pytest.mark.parametrize("how", ["begun_with", "committed_with"])
def test_somebody_interrupted_while_it_is_answered_serves_on_with_another_connection(how):
    class Interrupted(BaseException):
        pass

    def interrupt(*_):
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(Interrupted), transaction.atomic(durable=True):
            run("SELECT upper(%s)", "begun") if how == "committed_with" else None
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            getattr(connection, how)("SELECT count(*) FROM generate_series(1, %s)", [400_000_000])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    with transaction.atomic(durable=True):
        assert first(1) == [("1", 1)]


def test_an_act_is_told_even_when_a_part_of_it_was_undone():
    """psycopg has all that is prepared thrown away after a ROLLBACK, that of a savepoint too."""
    for value in ("1", "2", "3"):
        with transaction.atomic(durable=True):
            first(int(value))
            with suppress(ZeroDivisionError), transaction.atomic():
                run(SET.format("a"), "x")
                raise ZeroDivisionError
            assert connection.committed_with(SET.format("b"), [value])
        assert kept() == value * 2


def test_within_a_transaction_it_is_a_statement_like_another():
    with transaction.atomic(), transaction.atomic():
        assert first(1) == [("1", 1)]

    assert kept() == "1"


def test_a_message_larger_than_what_the_connection_takes_at_once_leaves_whole():
    large = "é" * 3_000_000
    with transaction.atomic(durable=True):
        assert connection.begun_with("SELECT length(%s), %s", [large, large]) == [(3_000_000, large)]


def test_a_server_that_ends_the_connection_meanwhile_costs_one_act_and_no_other(real_database):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    soon = Timer(0.3, end, [real_database, backend])
    soon.start()
    with pytest.raises(OperationalError), transaction.atomic(durable=True):
        connection.begun_with("SELECT count(*) FROM generate_series(1, %s)", [400_000_000])
    soon.join()

    connection.close_if_unusable_or_obsolete()
    with transaction.atomic(durable=True):
        assert first(1) == [("1", 1)]


def end(database, backend: int) -> None:
    with database.superuser() as superuser:
        superuser.execute("SELECT pg_terminate_backend(%s)", [backend])
