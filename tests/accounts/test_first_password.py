"""The printed password: until one is chosen, thirty days, five sign-ins; and then nothing of it remains."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import logins, signing_in
from accounts.browsers import Browser
from accounts.models import SignIn, User
from accounts.signing_in import CodeExpired, FirstPasswordOver, Step, WrongCredentials
from tests.accounts.people import ELSEWHERE, HOME, next_visit, open_camille, provision_roy, visit
from tests.accounts.test_codes import code_at
from tests.accounts.test_signing_in import NEW_PASSWORD, begin, check, code_sent, send

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def came(password, browser=HOME, at=NOW):
    """Somebody comes with both factors; the request in which a password is still to choose."""
    pending = begin(password=password, browser=browser, at=at)
    send(pending, browser=browser, at=at)
    request = visit()
    request.browser = browser
    signing_in.finish(request, check(pending, code_sent(), browser=browser, at=at), at=at)
    return next_visit(request)


def another_browser(number):
    return Browser("192.0.2.10/32", f"{number:043d}")


def test_choosing_ends_every_other_sign_in_wherever_it_stands():
    printed = open_camille(printed=True).first_password
    to_type_its_code = begin(password=printed, browser=ELSEWHERE)
    send(to_type_its_code, browser=ELSEWHERE)
    its_code = code_sent()
    to_choose = came(printed, another_browser(1))
    hers = came(printed)

    signing_in.choose_password(hers, NEW_PASSWORD, at=NOW)

    assert SignIn.objects.count() == 0
    with pytest.raises(CodeExpired):
        check(to_type_its_code, its_code, browser=ELSEWHERE)
    assert signing_in.next_step(to_choose, at=NOW) is None
    with pytest.raises(CodeExpired):
        signing_in.choose_password(to_choose, "une autre phrase à moi", at=NOW)
    with pytest.raises(WrongCredentials):
        begin(password=printed, browser=ELSEWHERE)


def test_a_sign_in_begun_while_the_password_was_being_chosen_goes_no_further():
    """The hash was read before the choice, the row written after it: it is tied to the password it was begun
    with."""
    printed = open_camille(printed=True).first_password
    pending = begin(password=printed, browser=ELSEWHERE)
    row = SignIn.objects.get()
    signing_in.choose_password(came(printed), NEW_PASSWORD, at=NOW)
    row.save(force_insert=True)

    send(pending, browser=ELSEWHERE)
    with pytest.raises(CodeExpired):
        check(pending, code_sent(), browser=ELSEWHERE)


def test_a_proof_given_before_the_choice_enters_nowhere_after_it():
    printed = open_camille(printed=True).first_password
    pending = begin(password=printed, browser=ELSEWHERE)
    send(pending, browser=ELSEWHERE)
    proved = check(pending, code_sent(), browser=ELSEWHERE)
    signing_in.choose_password(came(printed), NEW_PASSWORD, at=NOW)

    with pytest.raises(CodeExpired):
        signing_in.finish(visit(), proved, at=NOW)


def test_it_begins_five_sign_ins_and_no_sixth():
    printed = open_camille(printed=True).first_password
    for number in range(5):
        begin(password=printed, browser=another_browser(number))

    with pytest.raises(FirstPasswordOver) as told:
        begin(password=printed, browser=another_browser(6))
    assert not told.value.too_old
    with pytest.raises(WrongCredentials):  # and nobody else learns it
        begin(password="AAAA-BBBB-CCCC-DDDD", browser=another_browser(7))


def test_a_slow_hand_that_loses_its_code_tries_again():
    printed = open_camille(printed=True).first_password
    for minute in (0, 10, 20, 30):
        at = NOW + timedelta(minutes=minute)
        send(begin(password=printed, at=at), at=at)
    request = came(printed, at=NOW + timedelta(minutes=40))

    assert signing_in.next_step(request, at=NOW + timedelta(minutes=50)) is Step.PASSWORD


def test_a_form_sent_twice_begins_one_sign_in():
    printed = open_camille(printed=True).first_password
    for second in range(8):
        begin(password=printed, at=NOW + timedelta(seconds=second))

    assert User.objects.get().first_password_uses == 1


def test_a_sign_in_that_waits_for_something_on_its_way_does_not_count():
    opened = open_camille(printed=True)
    for number in range(12):
        begin(password=opened.first_password, browser=another_browser(number))
        logins.uncount_first_password(opened.user_id)

    assert User.objects.get().first_password_uses == 0


def test_it_serves_for_thirty_days():
    printed = open_camille(printed=True, at=NOW - timedelta(days=30) + timedelta(minutes=1)).first_password

    assert begin(password=printed)
    with pytest.raises(FirstPasswordOver) as told:
        begin(password=printed, at=NOW + timedelta(minutes=2))
    assert told.value.too_old


def test_the_days_begin_with_the_letter_when_one_is_awaited():
    opened = open_camille(printed=True, at=NOW - timedelta(days=40))
    with pytest.raises(FirstPasswordOver):
        begin(password=opened.first_password)

    logins.first_password_counts_from(opened.user_id, at=NOW - timedelta(days=29))

    assert begin(password=opened.first_password)


def test_the_agents_and_the_teams_printed_password_wears_out_too():
    told = provision_roy(password=None)
    for number in range(5):
        begin("bernard.roy", told.first_password, browser=another_browser(number), kinds=("agent",))

    with pytest.raises(FirstPasswordOver):
        begin("bernard.roy", told.first_password, browser=ELSEWHERE, kinds=("agent",))


def test_a_chosen_password_never_wears_out():
    roy = provision_roy()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_user SET first_password_from = now() - interval '4000 days'")
    for number in range(7):
        pending = begin("bernard.roy", browser=another_browser(number), kinds=("agent",))

    assert check(pending, code_at(NOW), browser=another_browser(6)).user_id == roy.user_id
