"""A form that lets somebody in, sent twice, leads in both times, to the page wished for, in one session."""

import re
import threading
import time
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from accounts import begun, directory, notices, sent_twice, signing_in
from tests.conscience import Conscience
from tests.portal_counter.conftest import CPAM, SECRET, code_now
from tests.portal_counter.conftest import PASSWORD as ROYS

WISHED = "/mon-dmp/documents/"
PASSWORD = "quatre tuiles bleues sous la pluie"
COOKIE = settings.SESSION_COOKIE_NAME


@pytest.fixture
def codes(monkeypatch):
    sent = []
    monkeypatch.setattr(notices, "queue_device_code", lambda device, code, *, at: sent.append(code))
    return sent


@pytest.fixture
def at_the_code(browser, dossier, codes):
    """Camille has a password of hers, and is before the page of the code."""
    _sign_in(browser, dossier.login, dossier.first_password)
    browser.post(reverse("public:sign_in_code"), {"code": codes[-1]})
    browser.post(reverse("public:first_password"), {"password": PASSWORD, "again": PASSWORD})
    browser.post(reverse("public:sign_out"))
    with pytest.MonkeyPatch.context() as at_once:
        at_once.setattr("accounts.begun.AGAIN_AFTER", timedelta(0))
        _sign_in(browser, dossier.login, PASSWORD)
    return browser


def _sign_in(browser, login, password):
    browser.post(reverse("public:sign_in"), {"login": login, "password": password})


def with_the_cookies_of(browser) -> Client:
    """The same browser, before the answer to what it is about to send."""
    other = Conscience()
    other.cookies = SimpleCookie(browser.cookies.output(header="", sep=";"))
    for name, morsel in browser.cookies.items():
        other.cookies[name] = morsel.value
    return other


def sent(browser, code, suite=WISHED):
    return browser.post(reverse("public:sign_in_code"), {"code": code, "suite": suite})


@pytest.mark.django_db
def test_the_second_finds_her_signed_in_where_she_wished_in_the_session_of_the_first(at_the_code, codes):
    again = with_the_cookies_of(at_the_code)
    first = sent(at_the_code, codes[-1])
    second = sent(again, codes[-1])

    assert first["Location"] == second["Location"] == WISHED
    assert again.cookies[COOKIE].value == at_the_code.cookies[COOKIE].value
    assert again.get(WISHED).status_code == at_the_code.get(WISHED).status_code == 200
    assert again.cookies["csrf"].value, "and a new token"


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["another code", "another page", "left meanwhile", "a minute later"])
def test_nothing_else_is_given_the_session(at_the_code, codes, monkeypatch, change):
    again = with_the_cookies_of(at_the_code)
    if change == "a minute later":
        monkeypatch.setattr(sent_twice, "LASTS", timedelta(0))
    sent(at_the_code, codes[-1])
    if change == "left meanwhile":
        at_the_code.post(reverse("public:sign_out"))
    code = "000000" if change == "another code" else codes[-1]
    second = sent(again, code, suite="" if change == "another page" else WISHED)

    assert second["Location"].startswith(reverse("public:sign_in"))
    assert again.get("/mon-dmp/").status_code == 302


@pytest.mark.django_db
def test_another_browser_that_knows_the_code_is_given_nothing(at_the_code, codes):
    other = Conscience()
    sent(at_the_code, codes[-1])

    assert sent(other, codes[-1])["Location"].startswith(reverse("public:sign_in"))
    other.cookies[COOKIE] = "a" * 32
    assert sent(other, codes[-1])["Location"].startswith(reverse("public:sign_in"))


@pytest.mark.django_db
def test_a_wrong_code_sent_twice_is_wrong_twice(at_the_code, codes):
    wrong = "000000" if codes[-1] != "000000" else "111111"

    assert sent(at_the_code, wrong).status_code == sent(at_the_code, wrong).status_code == 200
    assert sent(at_the_code, codes[-1])["Location"] == WISHED


@pytest.mark.django_db
def test_the_token_of_the_page_before_leads_in_as_well(at_the_code, codes):
    """The first answer arrived, and its cookies; the second click came just before its page."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = with_the_cookies_of(at_the_code).cookies
    page = strict.get(reverse("public:sign_in_code")).content.decode()
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = {"code": codes[-1], "suite": WISHED, "csrfmiddlewaretoken": token}
    assert strict.post(reverse("public:sign_in_code"), form)["Location"] == WISHED

    second = strict.post(reverse("public:sign_in_code"), form)

    assert second.status_code == 302 and second["Location"] == WISHED
    assert strict.post(reverse("public:sign_in_code"), form | {"code": "000000"}).status_code == 403


@pytest.mark.django_db
def test_what_was_typed_is_written_nowhere(at_the_code, codes):
    sent(at_the_code, codes[-1])
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_session")
        table = str([[bytes(one) if isinstance(one, memoryview) else one for one in row] for row in cursor])

    assert codes[-1] not in table and at_the_code.cookies[COOKIE].value not in table and WISHED not in table


@pytest.mark.django_db
def test_coming_back_to_the_code_with_the_browsers_button_leads_where_one_is(at_the_code, codes):
    sent(at_the_code, codes[-1])

    for page in ("sign_in_code", "first_password", "asleep"):
        assert at_the_code.get(reverse(f"public:{page}"))["Location"] == reverse("patient:home")


@pytest.mark.django_db
def test_a_first_password_sent_twice_leads_in_twice(browser, dossier, codes):
    _sign_in(browser, dossier.login, dossier.first_password)
    before = with_the_cookies_of(browser)
    for one in (browser, before):
        assert sent(one, codes[-1])["Location"].startswith(reverse("public:first_password"))
    form = {"password": PASSWORD, "again": PASSWORD}
    again = with_the_cookies_of(browser)

    for one in (browser, again):
        assert one.post(reverse("public:first_password"), form)["Location"] == reverse("patient:home")
    assert again.get("/mon-dmp/").status_code == 200


@pytest.mark.django_db
def test_an_agent_is_let_in_twice():
    directory.provision_agent(
        login="bernard.roy",
        name="Bernard Roy",
        structure=CPAM,
        at=timezone.now(),
        password=ROYS,
        totp_secret=SECRET,
    )
    roy = Conscience()
    roy.post(reverse("counter:sign_in"), {"login": "bernard.roy", "password": ROYS})
    again, form = with_the_cookies_of(roy), {"code": code_now()}

    for one in (roy, again):
        assert one.post(reverse("counter:sign_in_code"), form)["Location"] == reverse("counter:home")
    assert again.cookies[COOKIE].value == roy.cookies[COOKIE].value


def test_two_at_once_are_one_session(real_database, at_the_code, codes, monkeypatch):
    finish, under_way = signing_in.finish, threading.Event()

    def slowly(request, proved, *, at):
        under_way.set()
        time.sleep(0.3)
        return finish(request, proved, at=at)

    monkeypatch.setattr(signing_in, "finish", slowly)
    again, answers = with_the_cookies_of(at_the_code), []

    def first():
        answers.append(sent(at_the_code, codes[-1]))
        connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    under_way.wait(10)
    answers.append(sent(again, codes[-1]))
    thread.join()

    assert [answer["Location"] for answer in answers] == [WISHED, WISHED]
    assert again.cookies[COOKIE].value == at_the_code.cookies[COOKIE].value
    assert again.get(WISHED).status_code == 200


def test_two_passwords_at_once_send_one_code_and_lead_to_its_page(
    real_database, browser, dossier, codes, monkeypatch
):
    """Neither has seen the code of the other when it asks for its own: one leaves, and both wait for it."""
    browser.get(reverse("public:sign_in"))
    new_code, both_looked = begun.new_code, threading.Barrier(2)

    def once_both_looked(*args, **kwargs):
        both_looked.wait(20)
        return new_code(*args, **kwargs)

    monkeypatch.setattr(begun, "new_code", once_both_looked)
    form, answers = {"login": dossier.login, "password": dossier.first_password, "suite": WISHED}, []

    def click(one):
        answers.append(one.post(reverse("public:sign_in"), form))
        connections.close_all()

    again = with_the_cookies_of(browser)
    threads = [threading.Thread(target=click, args=[one]) for one in (browser, again)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [302, 302]
    assert {answer["Location"].partition("?")[0] for answer in answers} == {reverse("public:sign_in_code")}
    assert len(codes) == 1
    for one in (browser, again):
        assert "Nous l’avons envoyé" in one.get(reverse("public:sign_in_code")).content.decode()
    assert sent(again, codes[-1])["Location"].startswith(reverse("public:first_password"))


@pytest.mark.django_db
def test_the_second_password_takes_nothing_from_the_page_that_the_first_led_to(browser, dossier, codes):
    """Its answer never came: the page of the code is that of the first, and the code is typed there."""
    _sign_in(browser, dossier.login, dossier.first_password)
    lost = with_the_cookies_of(browser)
    _sign_in(lost, dossier.login, dossier.first_password)

    assert len(codes) == 1
    assert sent(browser, codes[-1])["Location"].startswith(reverse("public:first_password"))


@pytest.mark.django_db
def test_a_session_that_awaits_nothing_of_hers_is_left_behind(browser, dossier, codes):
    """What another sign-in left in this browser is not what hers goes on in."""
    _sign_in(browser, dossier.login, dossier.first_password)
    before = browser.cookies[COOKIE].value
    browser.cookies[settings.DMP_BROWSER_COOKIE_NAME] = "b" * 43
    _sign_in(browser, dossier.login, dossier.first_password)

    assert browser.cookies[COOKIE].value != before


def test_whoever_dies_while_it_answers_keeps_nobody_waiting_for_long(
    real_database, at_the_code, codes, monkeypatch
):
    """Its mark stays: the form sent again waits a little, then is answered like any other."""
    monkeypatch.setattr(sent_twice, "WAITS_SECONDS", 0.1)
    monkeypatch.setattr(sent_twice.Sent, "release", lambda self: None)
    monkeypatch.setattr(SessionBase, "flush", _killed)
    with pytest.raises(KeyboardInterrupt):
        sent(at_the_code, codes[-1])
    monkeypatch.undo()
    monkeypatch.setattr(sent_twice, "WAITS_SECONDS", 0.1)

    assert "ne marche plus" in sent(at_the_code, codes[-1]).content.decode()


def _killed(self):
    raise KeyboardInterrupt


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [False, True], ids=["without scripts", "with scripts"])
def test_a_double_click_on_the_code_leads_to_the_page_wished_for(window, dossier, codes, scripts):
    with window(width=390, scripts=scripts) as seen:
        page = seen.open(WISHED)
        page.fill("#id_login", dossier.login)
        page.fill("#id_password", dossier.first_password)
        press_twice(page, "Continuer", until=reverse("public:sign_in_code"))
        page.fill("#id_code", codes[-1])
        press_twice(page, "Me connecter", until=reverse("public:first_password"))
        page.fill("#id_password", PASSWORD)
        page.fill("#id_again", PASSWORD)
        press_twice(page, "Entrer dans mon dossier", until=f"{WISHED}$")

        assert page.inner_text("h1") == "Documents"
        assert len(codes) == 1
        page.go_back()
        expect(page).to_have_url(re.compile("/mon-dmp/"))


def press_twice(page, words, *, until):
    """As a hand that doubts does: the second click comes while the first is being answered."""
    place = page.get_by_role("button", name=words, exact=True).bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    for _ in range(2):
        page.mouse.click(x, y)
    expect(page).to_have_url(re.compile(until), timeout=30_000)
    page.wait_for_load_state()
