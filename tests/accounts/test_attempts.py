"""Whoever guesses learns nothing more after a few tries; whoever owns the login gets in, at once."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import attempts, browsers, hashers, signing_in
from accounts.attempts import TooManyTries
from accounts.browsers import Browser
from accounts.models import Allowance, Notice, User
from accounts.signing_in import Unsaid, WrongCredentials
from audit.ledger import SYSTEM_CHAIN
from tests.accounts.people import ELSEWHERE, HOME, PASSWORD, open_camille, provision_roy, visit
from tests.accounts.test_codes import code_at
from tests.accounts.test_signing_in import begin, chain, check, code_sent, send
from tests.cast import NOON

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def stranger(number: int) -> Browser:
    """One of the addresses of a botnet, in a browser of its own."""
    return Browser(f"198.51.{number // 250}.{number % 250}/32", f"{number:043d}")


@pytest.fixture
def quick(monkeypatch):
    """Passwords looked at without the slowness that is not the subject here."""
    monkeypatch.setattr(hashers, "matches", lambda password, kept: bool(kept) and password == PASSWORD)
    monkeypatch.setattr(signing_in, "SAME_TIME", 0)


def verdicts(browser_of, tries: int, *, login="camille.moreau", during=timedelta(hours=1)) -> list[str]:
    """What is answered to wrong passwords, spread over a time."""
    told = []
    for number in range(tries):
        at = NOW + during * number / tries
        try:
            pending = begin(login, f"wrong {number}", browser=browser_of(number), at=at)
        except WrongCredentials:
            told.append("wrong")
        else:
            assert not pending.said
            told.append("unsaid")
    return told


def test_five_hundred_addresses_learn_no_more_than_thirty_verdicts_an_hour(quick):
    open_camille()

    told = verdicts(stranger, 500)

    assert told.count("wrong") <= attempts.FOR_A_LOGIN.burst + attempts.FOR_A_LOGIN.an_hour
    assert len(told) == 500  # and none was refused


def test_all_origins_together_stay_under_a_hundred_verdicts_an_hour():
    unknown = attempts.FOR_A_LOGIN.burst + attempts.FOR_A_LOGIN.an_hour
    known = attempts.FOR_A_KNOWN_BROWSER.burst + attempts.FOR_A_KNOWN_BROWSER.an_hour

    assert unknown + browsers.KNOWN_AT_MOST * known <= 100


def test_while_they_guess_the_owner_comes_in_at_once_from_a_browser_nobody_knows(quick):
    open_camille()
    verdicts(stranger, 150, during=timedelta(minutes=10))
    at = NOW + timedelta(minutes=10)

    pending = begin(browser=ELSEWHERE, at=at)

    assert not pending.said
    request = visit()
    actor = signing_in.finish(request, check(pending, code_sent(), browser=ELSEWHERE, at=at), at=at)
    assert actor.name == "Camille Moreau"


def test_and_from_one_address_that_stands_for_all_clients(quick):
    """A proxy that hides everybody behind its own address: the strangers and the owner are one network."""
    open_camille()
    verdicts(lambda number: Browser(ELSEWHERE.network, f"{number:043d}"), 600)
    at = NOW + timedelta(hours=1)

    pending = begin(browser=ELSEWHERE, at=at)

    assert check(pending, code_sent(), browser=ELSEWHERE, at=at).user_id == User.objects.get().pk


def test_a_known_browser_is_told_its_verdict_whatever_its_address_did(quick):
    camille = open_camille()
    signing_in.after_opening(visit(), camille.user_id, at=NOW)
    verdicts(lambda number: Browser(HOME.network, f"{number:043d}"), 300)
    at = NOW + timedelta(hours=1)

    with pytest.raises(WrongCredentials):
        begin(password="a slip of the hand", browser=HOME, at=at)
    assert begin(browser=HOME, at=at).said


def test_a_browser_known_for_one_login_is_not_for_another(quick):
    open_camille()
    other = open_camille(login="camille.autre")
    signing_in.after_opening(visit(), other.user_id, at=NOW)
    verdicts(stranger, 20, during=timedelta(0))

    assert not begin(browser=HOME).said


def test_a_known_browser_that_guesses_is_told_no_more_than_others(quick):
    camille = open_camille()
    signing_in.after_opening(visit(), camille.user_id, at=NOW)

    told = verdicts(lambda number: HOME, 200)

    most = sum(
        allowance.burst + allowance.an_hour
        for allowance in (attempts.FOR_A_KNOWN_BROWSER, attempts.FOR_A_LOGIN)
    )
    assert told.count("wrong") <= most


def test_an_account_knows_five_browsers(quick):
    camille = open_camille()
    for number in range(7):
        request = visit()
        request.browser = stranger(number)
        signing_in.after_opening(request, camille.user_id, at=NOW + timedelta(minutes=number))

    known = [browsers.is_known("camille.moreau", stranger(number), at=NOW) for number in range(7)]

    assert known == [False] * 2 + [True] * 5


def test_a_verdict_unsaid_looks_the_same_whatever_was_typed(quick):
    open_camille()
    verdicts(stranger, 20, during=timedelta(0))
    right, wrong = begin(browser=ELSEWHERE), begin(password="wrong", browser=ELSEWHERE)
    verdicts(stranger, 20, login="nobody", during=timedelta(0))
    nobody = begin("nobody", "wrong", browser=ELSEWHERE)

    for pending in (right, wrong, nobody):
        assert (pending.said, pending.kind, pending.until) == (False, "holder", right.until)
        assert signing_in.code_may_live(pending, at=NOW)
        for _ in range(7):
            with pytest.raises(Unsaid):
                check(pending, "000000", browser=ELSEWHERE)
    assert Notice.objects.filter(kind="code").count() == 1


def test_without_the_second_factor_a_right_password_stays_unsaid_at_the_door_of_agents(quick, monkeypatch):
    monkeypatch.setattr(hashers, "matches", lambda password, kept: bool(kept) and password == PASSWORD)
    roy = provision_roy()
    for number in range(20):
        try:
            begin("bernard.roy", "wrong", browser=stranger(number), kinds=("agent",))
        except WrongCredentials:
            continue
    right = begin("bernard.roy", browser=ELSEWHERE, kinds=("agent",))
    wrong = begin("bernard.roy", "wrong", browser=ELSEWHERE, kinds=("agent",))

    for pending in (right, wrong):
        with pytest.raises(Unsaid):
            check(pending, "000000", browser=ELSEWHERE)
    with pytest.raises(Unsaid):
        check(wrong, code_at(NOW), browser=ELSEWHERE)
    assert check(right, code_at(NOW), browser=ELSEWHERE).user_id == roy.user_id


def test_two_hundred_slips_a_day_behind_one_address_are_never_noticed(quick):
    """A CPAM of some hundred agents, most of them at eight in the morning."""
    provision_roy()
    morning = [NOW + timedelta(seconds=40 * number) for number in range(90)]
    day = [NOW + timedelta(hours=1, minutes=4 * number) for number in range(110)]

    for number, at in enumerate(morning + day):
        agent = Browser("203.0.113.7/32", f"{number % 100:043d}")
        with pytest.raises(WrongCredentials):
            begin(f"agent.{number % 100:03d}", "a slip", browser=agent, at=at, kinds=("agent",))

    assert begin("bernard.roy", browser=ELSEWHERE, at=day[-1], kinds=("agent",)).said


def test_a_right_password_is_not_held_against_anybody(quick):
    open_camille()
    for minute in range(30):
        assert begin(browser=ELSEWHERE, at=NOW + timedelta(minutes=minute)).said

    assert sum(row.level for row in Allowance.objects.all()) == 0


def test_a_code_that_served_does_not_count_against_its_person(quick):
    camille = open_camille()
    for minute in range(0, 60, 2):
        at = NOW + timedelta(minutes=minute)
        pending = begin(browser=ELSEWHERE, at=at)
        send(pending, browser=ELSEWHERE, at=at)
        code = Notice.objects.filter(kind="code").order_by("-created_at").first()
        assert code is not None
        check(pending, code_sent(), browser=ELSEWHERE, at=at)

    assert User.objects.get().pk == camille.user_id


def test_codes_that_nobody_used_are_counted_and_a_known_browser_has_its_own(quick):
    camille = open_camille()
    signing_in.after_opening(visit(), camille.user_id, at=NOW)
    for number in range(5):
        pending = begin(browser=stranger(number))
        send(pending, browser=stranger(number))

    late = begin(browser=stranger(6))
    with pytest.raises(signing_in.TooSoon) as told:
        send(late, browser=stranger(6))
    assert timedelta(minutes=11) < told.value.again_at - NOW <= timedelta(minutes=12)
    mine = begin(browser=HOME)
    assert send(mine, browser=HOME).mask == "06 ** ** ** 42"


def test_a_known_browser_tries_its_codes_whatever_strangers_try(quick):
    roy = provision_roy()
    signing_in.after_opening(visit(), roy.user_id, at=NOW)
    theirs = begin("bernard.roy", browser=ELSEWHERE, kinds=("agent",))
    for _ in range(20):
        with pytest.raises((signing_in.WrongCode, TooManyTries)):
            check(theirs, "000000", browser=ELSEWHERE)

    mine = begin("bernard.roy", browser=HOME, kinds=("agent",))

    assert check(mine, code_at(NOW), browser=HOME).user_id == roy.user_id


def test_the_tables_are_bounded_and_empty_themselves(quick, monkeypatch):
    monkeypatch.setattr(attempts, "SLOTS", 8)
    for number in range(200):
        attempts.guess(f"login-{number}", stranger(number), known=False, at=NOW)
        with suppress(TooManyTries):
            attempts.count_question(f"person-{number}", stranger(number).network, asker=str(number), at=NOW)

    assert Allowance.objects.count() <= 4 * 8
    attempts.forget_old(at=NOW + timedelta(hours=2))
    assert Allowance.objects.count() == 0


def test_what_refused_sign_ins_leave_is_bounded_too(quick):
    for number in range(300):
        with pytest.raises(WrongCredentials):
            begin(f"nobody-{number}", "x", browser=stranger(number))

    assert len(chain(SYSTEM_CHAIN)) <= 64


def test_the_tables_name_nobody():
    attempts.guess("camille.moreau", ELSEWHERE, known=False, at=NOON)

    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(to_jsonb(t)::text, ' ') FROM accounts_allowance t")
        kept = cursor.fetchone()[0]
    assert "camille" not in kept
    assert "203.0.113" not in kept


# Openings online ------------------------------------------------------------------------------


def question(asker: str, origin="203.0.113.7/32", at=NOON):
    attempts.count_question("279035121518989", origin, asker=asker, at=at)


def test_questions_about_somebody_are_slowed_for_who_asks_and_not_for_her():
    for number in range(6):
        question(f"stranger {number}")
    with pytest.raises(TooManyTries) as told:
        question("stranger 7")
    assert told.value.wait == attempts.EACH_WAITS

    question("hers", origin="192.0.2.10/32")


def test_behind_one_address_each_opening_waits_its_own_turn_and_nobody_takes_it():
    for number in range(6):
        question(f"stranger {number}")
    with pytest.raises(TooManyTries):
        question("hers")
    for number in range(400):
        with pytest.raises(TooManyTries):
            question(f"another {number}", at=NOON + timedelta(seconds=29))

    with pytest.raises(TooManyTries) as told:
        question("hers", at=NOON + timedelta(seconds=20))
    assert told.value.wait == timedelta(seconds=10)
    question("hers", at=NOON + timedelta(seconds=30))


def test_a_turn_serves_once():
    for number in range(7):
        try:
            question("one opening")
        except TooManyTries:
            assert number == 6
    question("one opening", at=NOON + timedelta(seconds=30))

    with pytest.raises(TooManyTries):
        question("one opening", at=NOON + timedelta(seconds=31))


def test_codes_of_the_insurer_that_came_back_are_not_counted():
    for _ in range(20):
        attempts.count_sending("279035121518989", ELSEWHERE.network, asker="hers", at=NOON)
        attempts.sending_served("279035121518989", ELSEWHERE.network)
