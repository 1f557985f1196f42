"""The forms of patients and of professionals, sent again by the hand that doubts: one act."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import sent_twice
from dossiers import sharing, traces
from tests.cast import LEFEVRE, NADIA, ROY
from tests.dossiers.conftest import CAMILLE_ANSWERS
from tests.portal.public.test_opening_online import choose_accesses, go, identify, prove
from tests.portal.public.test_sent_twice import codes, with_the_cookies_of  # noqa: F401  (fixture)

pytestmark = pytest.mark.django_db

SHOWN = {"csrfmiddlewaretoken": "what the page wrote in its form"}
LATER = {"csrfmiddlewaretoken": "what the same page wrote when it was shown again"}
PEOPLE = "/mon-dmp/soignants/"


def twice(client, address, **form):
    """The pages that a double click leads to, the second sent before the first was answered."""
    again = with_the_cookies_of(client)
    first, second = (one.post(address, form | SHOWN) for one in (client, again))
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"]
    return again.get(second["Location"]).content.decode()


def kinds(dossier_id, by):
    return [trace.kind for trace in traces.traces(dossier_id, by=by, at=timezone.now()).entries]


def test_an_authorisation_is_taken_back_once(hers, camille, dossier_id):
    grant = sharing.declare_agreement(dossier_id, by=LEFEVRE, at=timezone.now()).grant_id

    page = twice(hers, f"{PEOPLE}{grant}/retirer/")

    assert "ne peut plus lire votre dossier" in page and "était déjà terminée" not in page
    assert kinds(dossier_id, camille).count("withdraw") == 1
    late = hers.post(f"{PEOPLE}{grant}/retirer/", LATER, follow=True).content.decode()
    assert "était déjà terminée" in late


def test_an_agreement_is_declared_once(entered, camille, dossier_id):
    twice(entered(NADIA), reverse("professional:agreement", args=[dossier_id]))

    assert kinds(dossier_id, camille).count("authorise") == 1
    assert len(sharing.people(dossier_id, by=camille, at=timezone.now()).authorised) == 1


def test_an_agreement_of_a_moment_ago_is_the_same(entered, camille, dossier_id):
    """In another window, or by a program that sends no token."""
    for _ in range(3):
        entered(NADIA).post(reverse("professional:agreement", args=[dossier_id]))

    [one] = sharing.people(dossier_id, by=camille, at=timezone.now()).authorised
    assert one.in_force


def test_a_form_refused_by_its_page_may_be_sent_again(browser, the_insurer):
    identify(browser)
    go(browser, "enrol_channel", contact="c1")
    wrong = {"code": "000000"} | SHOWN

    pages = [browser.post(reverse("public:enrol_code"), wrong).content.decode() for _ in range(2)]

    assert [re.search(r"Il vous reste\s(\d)\sessais", page)[1] for page in pages] == ["4", "3"]


def test_the_code_of_the_insurer_leaves_once_and_is_typed_once(browser, the_insurer):
    identify(browser)

    assert 'name="code"' in twice(browser, reverse("public:enrol_channel"), contact="c1")
    assert len(the_insurer.codes) == 1
    assert 'name="login"' in twice(browser, reverse("public:enrol_code"), code=the_insurer.codes[-1])


def test_the_insurer_is_asked_once(browser, the_insurer):
    identify(browser)
    asked = the_insurer.asked

    twice(browser, reverse("public:enrol_review"))

    assert the_insurer.asked <= asked + 1


def test_ways_in_and_ways_to_be_told_are_chosen_once(browser, the_insurer, own_codes):
    prove(browser, the_insurer)
    password = "quatre tuiles bleues sous la pluie"

    login = {"login": "camille-l-79", "password": password, "again": password}
    assert 'name="value"' in twice(browser, reverse("public:enrol_login"), **login)
    contact = {"channel": "sms", "value": "06 12 34 56 42"}
    assert 'name="code"' in twice(browser, reverse("public:enrol_contact"), **contact)
    assert len(own_codes) == 1
    twice(browser, reverse("public:enrol_contact_code"), code=own_codes[-1])


def test_a_dossier_is_opened_once(browser, the_insurer, own_codes):
    prove(browser, the_insurer)
    choose_accesses(browser, own_codes)
    again = with_the_cookies_of(browser)
    form = {"agreed": "on", "break_glass": "on", "regulation": "on"} | SHOWN

    answers = [one.post(reverse("public:enrol_consent"), form) for one in (browser, again)]

    assert [answer["Location"] for answer in answers] == [reverse("patient:home")] * 2
    assert again.get(reverse("patient:home")).status_code == 200


@pytest.mark.parametrize("waiting", [True, False])
def test_who_sends_one_form_many_times_does_not_take_every_thread(hers, dossier_id, monkeypatch, waiting):
    grant = sharing.declare_agreement(dossier_id, by=LEFEVRE, at=timezone.now()).grant_id
    monkeypatch.setattr(sent_twice.Sent, "take", lambda *_, **__: False)  # it is being answered
    monkeypatch.setattr(sent_twice.Sent, "_read", lambda _: {})
    monkeypatch.setattr(sent_twice, "WAITS_SECONDS", 0.1)
    refused_as_forged = Client(enforce_csrf_checks=True)
    refused_as_forged.cookies = hers.cookies
    if waiting:
        assert sent_twice._waiting.acquire(blocking=False)

    try:
        answer, forged = (one.post(f"{PEOPLE}{grant}/retirer/", SHOWN) for one in (hers, refused_as_forged))
    finally:
        if waiting:
            sent_twice._waiting.release()

    assert answer.status_code == (503 if waiting else 302)
    assert forged.status_code == (503 if waiting else 403)
    assert sent_twice._waiting.acquire(blocking=False)
    sent_twice._waiting.release()


def test_half_a_minute_later_it_is_another_act(hers, dossier_id, monkeypatch):
    grant = sharing.declare_agreement(dossier_id, by=LEFEVRE, at=timezone.now()).grant_id
    monkeypatch.setattr(sent_twice, "LASTS", timedelta(0))

    hers.post(f"{PEOPLE}{grant}/retirer/", SHOWN)

    assert (
        "était déjà terminée" in hers.post(f"{PEOPLE}{grant}/retirer/", SHOWN, follow=True).content.decode()
    )


def test_nothing_of_a_form_is_kept_that_somebody_could_read(hers, dossier_id):
    grant = sharing.declare_agreement(dossier_id, by=LEFEVRE, at=timezone.now()).grant_id
    hers.post(f"{PEOPLE}{grant}/retirer/", SHOWN)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_session")
        table = str([[bytes(one) if isinstance(one, memoryview) else one for one in row] for row in cursor])

    assert str(grant) not in table and hers.cookies[settings.SESSION_COOKIE_NAME].value not in table
    assert not re.search(r"soignants", table)


def test_giving_up_twice_is_giving_up(browser, the_insurer):
    identify(browser)

    twice(browser, reverse("public:enrol_give_up"))


def test_answers_written_twice_are_the_same(browser):
    go(browser, "enrol")
    for name, typed in (
        ("enrol_nir", {"nir": CAMILLE_ANSWERS["nir"]}),
        ("enrol_name", {"birth_name": "Moreau-Tréboul", "given_name": "Camille"}),
        ("enrol_birth", {"birth_date_jour": "28", "birth_date_mois": "3", "birth_date_annee": "1979"}),
        ("enrol_card", {"vitale_serial": CAMILLE_ANSWERS["vitale_serial"]}),
    ):
        twice(browser, reverse(f"public:{name}"), **typed)


def test_a_post_chosen_twice_is_one(entered):
    twice_over = entered(ROY)
    for form in (SHOWN, SHOWN):
        assert twice_over.post(reverse("counter:post"), {"poste": "x"} | form)["Location"] == "/guichet/"


def test_a_code_to_come_in_is_asked_for_once(browser, dossier, codes):  # noqa: F811
    browser.post(reverse("public:sign_in"), {"login": dossier.login, "password": dossier.first_password})
    with pytest.MonkeyPatch.context() as a_minute_later:
        a_minute_later.setattr("accounts.begun.AGAIN_AFTER", timedelta(0))
        page = browser.get(reverse("public:sign_in_where")).content.decode()
        contact = re.search(r'name="contact"[^>]*value="([^"]+)"', page)[1]
        twice(browser, reverse("public:sign_in_where"), contact=contact)

    assert len(codes) == 2
