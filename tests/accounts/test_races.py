"""Posts that arrive together: of many that would do, one does."""

import threading
from collections.abc import Callable

from django.db import connections
from django.utils import timezone

from accounts import attempts, begun, devices, signing_in
from accounts.browsers import Browser
from accounts.hashers import HashingBusy
from accounts.models import User
from tests.accounts.people import ELSEWHERE, open_camille, provision_roy
from tests.accounts.test_codes import SOON, another, begin, code_at, device_of, send
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
    sign_in, code = send(open_camille().user_id)

    results = race(20, lambda: begun.use_code(sign_in, code, at=SOON))

    assert results.count("") == 1
    assert len(results) == 20


def test_of_twenty_simultaneous_guesses_five_are_looked_at(real_database):
    sign_in, code = send(open_camille().user_id)

    results = race(20, lambda: begun.use_code(sign_in, another(code), at=SOON))

    assert results.count("WrongCode") == 4
    assert results.count("NoTriesLeft") == 16


def test_of_ten_simultaneous_requests_one_code_leaves(real_database):
    camille = open_camille().user_id
    sign_in, device_id = begin(camille), device_of(camille).pk

    results = race(10, lambda: begun.new_code(sign_in, device_id, at=NOON))

    assert results.count("") == 1


def test_of_ten_simultaneous_uses_of_a_code_one_succeeds(real_database):
    roy = User.objects.get(pk=provision_roy().user_id)
    keyring = subjects.keyring(roy.pk)

    results = race(10, lambda: devices.use_totp(roy, keyring, code_at(NOON), at=NOON))

    assert results.count("") == 1


def test_parallel_guesses_are_counted_one_by_one(real_database):
    said = []

    race(30, lambda: said.append(attempts.guess("camille.moreau", ELSEWHERE, known=False, at=NOON).said))

    assert said.count(True) == attempts.FOR_A_LOGIN.burst


def test_of_ten_sign_ins_begun_at_once_with_the_printed_password_five_begin(real_database):
    opened = open_camille(printed=True)
    browsers = iter([Browser(f"192.0.2.{number}/32", str(number) * 43) for number in range(10)])
    now = timezone.now()

    def begin_somewhere() -> None:
        browser = next(browsers)
        while True:
            try:
                signing_in.begin("camille.moreau", opened.first_password, at=now, browser=browser)
            except HashingBusy:
                continue
            return

    results = race(10, begin_somewhere)

    assert (results.count(""), results.count("FirstPasswordOver")) == (5, 5)
    assert User.objects.get().first_password_uses == 5


def test_of_two_passwords_chosen_at_once_one_is_kept(real_database):
    open_camille(printed=True)
    user = User.objects.get()
    chosen = iter(["six hérons bleus au marché", "sept mirabelles au soleil"])

    results = race(2, lambda: signing_in.change_first_password(user, next(chosen), at=timezone.now()))

    assert sorted(results) == ["", "CodeExpired"]
