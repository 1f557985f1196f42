"""Whoever tries passwords is slowed down; whoever owns the login still gets in."""

from datetime import timedelta

import pytest

from accounts import attempts
from accounts.attempts import TooManyTries, network_of, tries_of
from accounts.models import Attempt
from tests.cast import NOON

pytestmark = pytest.mark.django_db
HOME, ELSEWHERE = "192.0.2.10", "203.0.113.7"


def fail(login="camille.moreau", origin=ELSEWHERE, at=NOON):
    attempts.count(tries_of(login, origin), at=at)


def test_a_few_tries_are_free_then_each_doubles_the_wait():
    for _ in range(attempts.FREE_FROM_ONE_ORIGIN):
        fail()
    at, waits = NOON, []
    for _ in range(12):
        fail(at=at)
        with pytest.raises(TooManyTries) as told:
            fail(at=at)
        waits.append(told.value.wait.total_seconds())
        at += told.value.wait

    assert waits[:6] == [2, 4, 8, 16, 32, 64]
    assert max(waits) == attempts.LONGEST_WAIT.total_seconds() == 900


def test_waiting_tells_when_in_a_sentence():
    assert (
        str(TooManyTries(timedelta(seconds=2)))
        == "Trop d’essais ont échoué : attendez une minute, puis recommencez."
    )
    assert "3 minutes" in str(TooManyTries(timedelta(seconds=121)))


def test_another_login_and_another_origin_are_not_slowed():
    for _ in range(attempts.FREE_FROM_ONE_ORIGIN + 1):
        fail()

    fail(login="paul.adam")
    fail(origin=HOME)


def test_a_right_password_is_not_held_against_anybody():
    for _ in range(10):
        tries = tries_of("camille.moreau", HOME)
        attempts.count(tries, at=NOON)
        attempts.succeeded(tries, at=NOON)

    assert sum(attempt.failures for attempt in Attempt.objects.all()) == 0


def test_tries_from_everywhere_never_keep_the_owner_out_of_her_usual_place():
    attempts.remember(tries_of("camille.moreau", HOME).here, at=NOON)
    refused = 0
    for number in range(500):
        try:
            fail(origin=f"198.51.{number // 250}.{number % 250}")
        except TooManyTries:
            refused += 1

    assert refused >= 500 - attempts.FREE_FOR_A_LOGIN - 1
    fail(origin=HOME)
    with pytest.raises(TooManyTries) as told:
        fail(origin=ELSEWHERE)
    assert told.value.wait <= attempts.LONGEST_WAIT


def test_failures_are_forgotten_after_an_hour():
    for _ in range(attempts.FREE_FROM_ONE_ORIGIN + 1):
        fail()

    later = NOON + attempts.FORGOTTEN_AFTER + timedelta(seconds=1)
    for _ in range(attempts.FREE_FROM_ONE_ORIGIN):
        fail(at=later)


def test_old_counts_are_deleted_and_known_places_kept():
    fail()
    attempts.remember(tries_of("camille.moreau", HOME).here, at=NOON)

    attempts.forget_old(at=NOON + timedelta(days=2))

    assert Attempt.objects.count() == 1


def test_the_table_names_nobody():
    fail()

    assert all(len(bytes(attempt.key_mac)) == 32 for attempt in Attempt.objects.all())


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.10", "192.0.2.10/32"),
        ("2001:db8:1:2:3::1", "2001:db8:1::/56"),
        ("2001:db8:1:2f:9::9", "2001:db8:1::/56"),
        ("", "unknown"),
    ],
)
def test_the_addresses_of_one_home_are_one_origin(address, network):
    assert network_of(address) == network
