"""A clock that is not the database's is noticed, said, and corrected."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from jobs import clock


@pytest.fixture(autouse=True)
def _the_clock_as_it_was():
    yield
    clock._skew = 0.0


def compared(watch, ahead):
    """The database says a time, `ahead` seconds behind this process."""
    now = time.time()
    return watch.compare(datetime.fromtimestamp(now - ahead, UTC), now)


@pytest.mark.parametrize("ahead", [300.0, -300.0])
def test_a_difference_is_logged_in_seconds_and_corrected(ahead):
    with structlog.testing.capture_logs() as logs:
        compared(clock.Watch(), ahead)

    [line] = logs
    assert (line["event"], line["log_level"]) == ("clock skew", "warning")
    assert line["seconds"] == pytest.approx(ahead, abs=0.2)
    assert abs(clock.now() - datetime.now(UTC) + timedelta(seconds=ahead)) < timedelta(seconds=1)


def test_less_than_a_second_is_nothing():
    with structlog.testing.capture_logs() as logs:
        compared(clock.Watch(), 0.9)

    assert logs == []
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=0.5)


def test_it_is_said_once_a_minute():
    watch = clock.Watch()
    with structlog.testing.capture_logs() as logs:
        for _ in range(5):
            compared(watch, 10.0)

    assert len(logs) == 1


def test_a_slow_answer_is_not_taken_for_a_difference():
    now = time.time()
    with structlog.testing.capture_logs() as logs:
        clock.Watch().compare(datetime.fromtimestamp(now, UTC), now - 10)

    assert logs == []


@pytest.mark.django_db
def test_this_machine_and_its_database_agree():
    assert abs(clock.measure()) < 1.0
