"""Camille comes back: her login and password, a code, and her own password the first time."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from accounts import notices
from tests.conscience import Conscience
from tests.dossiers.conftest import CAMILLE_NIR

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
    monkeypatch.setattr("accounts.begun.AGAIN_AFTER", timedelta(0))
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


def test_once_she_is_in_nothing_of_what_is_new_is_left_to_tell(browser, dossier, codes, monkeypatch):
    came = []
    monkeypatch.setattr(notices, "came", lambda dossier_id, *, at: came.append(dossier_id))

    first_time(browser, dossier, codes)
    assert came == []
    go(browser, "first_password", password=PASSWORD, again=PASSWORD)

    assert came == [dossier.dossier_id]


def test_a_weak_password_says_what_to_change(browser, dossier, codes):
    first_time(browser, dossier, codes)

    page = go(browser, "first_password", password="camille", again="camille").content.decode()

    assert "caractères" in page
    assert 'aria-invalid="true"' in page


HERS = {
    CAMILLE_NIR: "numéro de sécurité sociale",
    f"{CAMILLE_NIR[0]} {CAMILLE_NIR[1:3]} {CAMILLE_NIR[3:]}": "numéro de sécurité sociale",
    "carte 1234 5678 901": "numéro de votre carte Vitale",
    "jardin 28/03/1979": "date de naissance",
    "moreau treboul au jardin": "votre nom ou votre prénom",
    "mon 06 12 34 56 42 !": "numéro de téléphone",
    "motdepasse2024": "Beaucoup de gens",
    "jetaimemonamour": "Beaucoup de gens",
    "Juillet-2024!": "Beaucoup de gens",
}


@pytest.mark.parametrize("chosen", HERS)
def test_a_password_made_of_her_is_refused_says_why_and_four_words_are_offered(
    browser, dossier, codes, chosen
):
    first_time(browser, dossier, codes)

    page = browser.post(reverse("public:first_password"), {"password": chosen, "again": chosen})

    shown = page.content.decode().replace("\u00a0", " ")
    assert HERS[chosen] in shown
    assert len(re.findall(r"<li>\w+</li>", shown)) == 4
    assert chosen not in shown


def test_the_four_words_are_taken_as_they_are(browser, dossier, codes, monkeypatch):
    first_time(browser, dossier, codes)
    address = reverse("public:first_password")
    first = words_of(browser.post(address, {"choix": "autres"}))
    second = words_of(browser.post(address, {"choix": "autres"}))
    assert first != second

    assert browser.post(address, {"choix": "propose"}).url == reverse("patient:home")

    monkeypatch.setattr("accounts.begun.AGAIN_AFTER", timedelta(0))
    go(browser, "sign_out")
    sent = go(browser, "sign_in", login=dossier.login, password=" ".join(second))
    assert sent.url == reverse("public:sign_in_code")


def test_words_taken_when_none_were_shown_are_shown_first(browser, dossier, codes):
    first_time(browser, dossier, codes)

    page = browser.post(reverse("public:first_password"), {"choix": "propose", "password": "x"})

    assert len(words_of(page)) == 4


def words_of(page):
    return re.findall(r"<li>(\w+)</li>", page.content.decode())


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


def test_a_form_sent_twice_leaves_the_code_in_hand(browser, dossier, codes):
    """Twice in one browser, the second before the first was answered: from the same page, in another
    session."""
    browser.get(reverse("public:sign_in"))
    twin = Conscience()
    twin.cookies.update(browser.cookies)
    answers = {"login": dossier.login, "password": dossier.first_password}

    go(browser, "sign_in", **answers)
    sent_to = go(twin, "sign_in", **answers).url

    assert len(codes) == 1
    assert "06 ** ** ** 42" in twin.get(sent_to).content.decode()
    assert go(twin, "sign_in_code", code=codes[0]).url == reverse("public:first_password")


def test_closing_the_page_and_coming_back_finds_the_code_page(browser, dossier, codes):
    go(browser, "sign_in", login=dossier.login, password=dossier.first_password)

    back = browser.get(reverse("public:sign_in"), {"suite": "/mon-dmp/acces/"})

    assert back.url == reverse("public:sign_in_code") + "?suite=%2Fmon-dmp%2Facces%2F"
    page = browser.get(back.url).content.decode()
    assert "Reprendre avec l’identifiant" in page
    again = re.search(r'href="([^"]*autre=1[^"]*)"', page)[1].replace("&amp;", "&")
    assert 'name="password"' in browser.get(again).content.decode()


def test_only_the_last_code_counts_and_it_is_said(browser, dossier, codes, monkeypatch):
    monkeypatch.setattr("accounts.begun.AGAIN_AFTER", timedelta(0))
    go(browser, "sign_in", login=dossier.login, password=dossier.first_password)
    [(contact, _)] = browser.get(reverse("public:sign_in_where")).context["form"].fields["contact"].choices

    page = browser.get(go(browser, "sign_in_where", contact=contact).url).content.decode()

    assert len(codes) == 2
    assert "Seul le dernier code envoyé compte" in page


def test_waits_of_minutes_are_said_as_minutes(browser, dossier, codes, monkeypatch):
    monkeypatch.setattr("accounts.begun.AGAIN_AFTER", timedelta(0))
    go(browser, "sign_in", login=dossier.login, password=dossier.first_password)
    [(contact, _)] = browser.get(reverse("public:sign_in_where")).context["form"].fields["contact"].choices
    for _ in range(4):
        go(browser, "sign_in_where", contact=contact)

    page = go(browser, "sign_in_where", contact=contact).content.decode()

    assert len(codes) == 5
    assert "Attendez encore 12\u00a0minutes" in page


ELSEWHERE = [
    "abc",
    "//ailleurs.example/",
    "///ailleurs.example/",
    "/\\ailleurs.example/",
    "\\\\ailleurs.example/",
    "https://ailleurs.example/",
    "http:///mon-dmp/",
    "javascript:alert(1)",
    "/mon-dmp/\x00",
    "/mon-dmp/\r\nSet-Cookie: a=b",
    "\t/mon-dmp/",
    " /mon-dmp/",
    "/pro/",
    "/guichet/",
    "/equipe/",
    "/connexion/",
    "/n-existe-pas/",
    "/mon-dmp/../pro/",
    "/" + "x" * 5000,
    "/mon-dmp/?" + "x" * 5000,
    "é",
    "/mon-dmp/é",
    "public:home",
    "None",
    "[]",
    "{{ 7 }}",
    "//",
    "/",
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_whatever_is_wished_for_one_comes_home(hers_by_password, dossier, codes, elsewhere):
    door = f"{reverse('public:sign_in')}?{urlencode({'suite': elsewhere})}"
    page = hers_by_password.get(door).content.decode()
    assert 'name="suite"' not in page
    sent_to = hers_by_password.post(door, {"login": dossier.login, "password": PASSWORD}).url
    assert sent_to == reverse("public:sign_in_code")

    answer = hers_by_password.post(
        f"{sent_to}?{urlencode({'suite': elsewhere})}", {"code": codes[-1], "suite": elsewhere}
    )

    assert answer.url == reverse("patient:home")


def test_past_many_failures_the_code_page_says_why_and_the_right_password_comes_in(
    hers_by_password, dossier, codes
):
    stranger = Conscience()
    for _ in range(12):
        answer = go(stranger, "sign_in", login=dossier.login, password="autre chose")
    assert answer.url == reverse("public:sign_in_code")
    page = stranger.get(answer.url).content.decode()
    assert "nous ne disons plus si le mot de passe est juste" in page
    assert "06 **" not in page
    assert "l’un des deux n’est sans doute pas le bon" in go(
        stranger, "sign_in_code", code="000000"
    ).content.decode().replace("\u00a0", " ")
    assert stranger.get(reverse("public:sign_in_where")).url == reverse("public:sign_in")

    elsewhere = Conscience()
    sent_to = go(elsewhere, "sign_in", login=dossier.login, password=PASSWORD).url
    shown = elsewhere.get(sent_to).content.decode()
    assert "nous ne disons plus" in shown
    assert "06 **" not in shown
    assert go(elsewhere, "sign_in_code", code=codes[-1]).url == reverse("patient:home")

    assert (
        "ne convient pas"
        in go(
            hers_by_password, "sign_in", login=dossier.login, password="un doigt de travers"
        ).content.decode()
    )


def test_a_printed_password_that_is_over_says_why_and_where_to_go(browser, dossier):
    for number in range(6):
        somewhere = Conscience()
        answer = go(somewhere, "sign_in", login=dossier.login, password=dossier.first_password)

    page = answer.content.decode().replace("\u00a0", " ")
    assert number == 5
    assert "a servi à commencer cinq connexions" in page
    assert "dit comment nous joindre" in page


def test_leaving_is_seen_and_complete(hers):
    answer = hers.post(reverse("public:sign_out"))

    assert answer["Clear-Site-Data"] == '"storage"'
    assert "Vous avez quitté votre dossier" in hers.get(answer.url).content.decode()
    assert hers.get("/mon-dmp/").status_code == 302


def test_without_a_sign_in_under_way_the_code_page_sends_back(browser):
    assert browser.get(reverse("public:sign_in_code")).url == reverse("public:sign_in")
