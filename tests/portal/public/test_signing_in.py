"""Camille comes back: her login and password, a code, and her own password the first time."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts import notices

pytestmark = pytest.mark.django_db

PASSWORD = "quatre tuiles bleues sous la pluie"


@pytest.fixture
def codes(monkeypatch):
    """The codes that leave for her telephone."""
    sent = []
    monkeypatch.setattr(notices, "queue_device_code", lambda device, code, *, at: sent.append(code))
    return sent


@pytest.fixture
def hers_by_password(browser, dossier, codes, monkeypatch):
    """A browser in which Camille chose her password, and left; codes may leave again at once."""
    first_time(browser, dossier, codes)
    go(browser, "first_password", password=PASSWORD, again=PASSWORD)
    go(browser, "sign_out")
    monkeypatch.setattr("accounts.devices.AGAIN_AFTER", timedelta(0))
    return browser


def go(browser, name, **answers):
    return browser.post(reverse(f"public:{name}"), answers)


def first_time(browser, dossier, codes):
    go(browser, "sign_in", login=dossier.login, password=dossier.first_password)
    return go(browser, "sign_in_code", code=codes[-1])


def test_the_printed_password_opens_a_page_where_she_chooses_hers(browser, dossier, codes):
    answer = first_time(browser, dossier, codes)

    assert answer.url == reverse("public:first_password")
    assert browser.get("/mon-dmp/").status_code == 302  # not in yet
    assert go(browser, "first_password", password=PASSWORD, again=PASSWORD).url == reverse("patient:home")
    assert browser.get("/mon-dmp/").status_code == 200


def test_a_weak_password_says_what_to_change(browser, dossier, codes):
    first_time(browser, dossier, codes)

    page = go(browser, "first_password", password="camille", again="camille").content.decode()

    assert "caractères" in page
    assert 'aria-invalid="true"' in page


def test_two_passwords_that_differ_are_told_apart(browser, dossier, codes):
    first_time(browser, dossier, codes)

    page = go(browser, "first_password", password=PASSWORD, again=PASSWORD + "!").content.decode()

    assert "Les deux mots de passe diffèrent" in page
    assert PASSWORD not in page


def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(browser, dossier, codes):
    wrong = go(browser, "sign_in", login=dossier.login, password="autre chose").content.decode()
    unknown = go(browser, "sign_in", login="personne-de-connu", password="autre chose").content.decode()

    assert "ne convient pas" in wrong
    assert "ne convient pas" in unknown
    assert codes == []


def test_the_code_page_says_where_it_went_without_giving_it_away(browser, dossier, codes):
    page = browser.get(go(browser, "sign_in", login=dossier.login, password=dossier.first_password).url)

    shown = page.content.decode()
    assert "06 ** ** ** 42" in shown
    assert 'autocomplete="one-time-code"' in shown
    assert codes[-1] not in shown


def test_a_wrong_code_says_how_many_tries_remain(browser, dossier, codes):
    go(browser, "sign_in", login=dossier.login, password=dossier.first_password)
    wrong = f"{(int(codes[-1]) + 1) % 10**6:06d}"

    assert "Il vous reste 4\u00a0essais" in go(browser, "sign_in_code", code=wrong).content.decode()


def test_another_code_too_soon_says_how_long_to_wait(browser, dossier, codes):
    go(browser, "sign_in", login=dossier.login, password=dossier.first_password)
    where = browser.get(reverse("public:sign_in_where"))
    [(contact, _)] = where.context["form"].fields["contact"].choices

    assert "Attendez" in go(browser, "sign_in_where", contact=contact).content.decode()


def test_she_is_brought_to_the_page_she_asked_for(hers_by_password, dossier, codes):
    wished = {"suite": "/mon-dmp/acces/"}
    onward = go(hers_by_password, "sign_in", login=dossier.login, password=PASSWORD, **wished)

    answer = hers_by_password.post(onward.url, {"code": codes[-1]} | wished)

    assert answer.url == "/mon-dmp/acces/"


@pytest.mark.parametrize("elsewhere", ["https://ailleurs.example/", "//ailleurs.example/", "javascript:x"])
def test_she_is_never_brought_elsewhere(hers_by_password, dossier, codes, elsewhere):
    go(hers_by_password, "sign_in", login=dossier.login, password=PASSWORD)

    assert go(hers_by_password, "sign_in_code", code=codes[-1], suite=elsewhere).url == reverse(
        "patient:home"
    )


def test_signing_in_again_at_once_says_to_wait_for_the_code(browser, dossier, codes):
    go(browser, "sign_in", login=dossier.login, password=dossier.first_password)

    again = go(browser, "sign_in", login=dossier.login, password=dossier.first_password)

    assert "Un code vient de partir" in again.content.decode()


def test_leaving_is_seen_and_complete(hers):
    answer = hers.post(reverse("public:sign_out"), follow=True)

    assert "Vous avez quitté votre dossier" in answer.content.decode()
    assert hers.get("/mon-dmp/").status_code == 302


def test_without_a_sign_in_under_way_the_code_page_sends_back(browser):
    assert browser.get(reverse("public:sign_in_code")).url == reverse("public:sign_in")
