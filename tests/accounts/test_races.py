"""Posts that arrive together: of many that would do, one does."""

import threading
from collections.abc import Callable

from django.db import connections

from accounts import attempts, devices
from accounts.models import User
from tests.accounts.people import open_camille, provision_roy
from tests.accounts.test_attempts import fail
from tests.accounts.test_codes import SOON, another, code_at, device_of
from tests.cast import NOON
from vault import subjects


def race(count: int, act: Callable[[], object]) -> list[str]:
    """What each of `count` simultaneous calls gave: nothing, or the exception's name."""
    start, results = threading.Barrier(count), []

    def run():
        start.wait()
        try:
            act()
            results.append("")
        except Exception as error:
            results.append(type(error).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_twenty_simultaneous_posts_of_the_right_code_one_succeeds(real_database):
    camille = open_camille().user_id
    code = devices.new_code(device_of(camille).pk, "sign-in", at=NOON)

    results = race(20, lambda: devices.use_code(camille, "sign-in", code, at=SOON))

    assert results.count("") == 1
    assert len(results) == 20


def test_of_twenty_simultaneous_guesses_five_are_looked_at(real_database):
    camille = open_camille().user_id
    code = devices.new_code(device_of(camille).pk, "sign-in", at=NOON)

    results = race(20, lambda: devices.use_code(camille, "sign-in", another(code), at=SOON))

    assert results.count("WrongCode") == 4
    assert results.count("NoTriesLeft") == 16


def test_of_ten_simultaneous_requests_one_code_leaves(real_database):
    device_id = device_of(open_camille().user_id).pk

    results = race(10, lambda: devices.new_code(device_id, "sign-in", at=NOON))

    assert results.count("") == 1


def test_of_ten_simultaneous_uses_of_a_code_one_succeeds(real_database):
    roy = User.objects.get(pk=provision_roy().user_id)
    keyring = subjects.keyring(roy.pk)

    results = race(10, lambda: devices.use_totp(roy, keyring, code_at(NOON), at=NOON))

    assert results.count("") == 1


def test_parallel_tries_do_not_pass_more_than_one_at_a_time(real_database):
    for _ in range(attempts.FREE_FROM_ONE_ORIGIN):
        fail()

    results = race(12, fail)

    assert results.count("") == 1
