"""Camille opens her dossier from home, page after page."""

import re
from uuid import UUID

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import insurer
from accounts.identity import nir_key
from accounts.paris import paris_day
from accounts.sessions import SessionStore
from dossiers import enrolment
from tests.dossiers.conftest import CAMILLE_ANSWERS

pytestmark = pytest.mark.django_db

PASSWORD = "quatre tuiles bleues sous la pluie"


def go(browser, name, **answers):
    return browser.post(reverse(f"public:{name}"), answers)


def identify(browser, **changes):
    """From the first page to the answer of the insurer."""
    typed = CAMILLE_ANSWERS | changes
    go(browser, "enrol")
    go(browser, "enrol_nir", nir=typed["nir"])
    go(browser, "enrol_name", birth_name=typed["birth_name"], given_name=typed["given_name"])
    born = typed["birth_date"]
    go(browser, "enrol_birth", birth_date_jour=born[6:], birth_date_mois=born[4:6], birth_date_annee=born[:4])
    go(browser, "enrol_card", vitale_serial=typed["vitale_serial"])
    return go(browser, "enrol_review")


def prove(browser, the_insurer):
    identify(browser)
    go(browser, "enrol_channel", contact="c1")
    return go(browser, "enrol_code", code=the_insurer.codes[-1])


def choose_accesses(browser, own_codes):
    go(browser, "enrol_login", login="camille-l-79", password=PASSWORD, again=PASSWORD)
    go(browser, "enrol_contact", channel="sms", value="06 12 34 56 42")
    return go(browser, "enrol_contact_code", code=own_codes[-1])


def test_a_patient_opens_her_dossier_and_finds_herself_at_home(browser, the_insurer, own_codes):
    prove(browser, the_insurer)
    choose_accesses(browser, own_codes)
    browser.get(reverse("public:enrol_information"))

    opened = go(browser, "enrol_consent", agreed="on", break_glass="on", regulation="on")
    home = browser.get(opened.url)

    assert opened.url == reverse("patient:home")
    assert "Bienvenue Camille" in home.content.decode()


@pytest.mark.parametrize(
    ("ticked", "doctor", "regulation"),
    [
        ({"break_glass": "on", "regulation": "on"}, "l’avez permis", "l’avez permis"),
        ({"regulation": "on"}, "l’avez refusé", "l’avez permis"),
        ({"break_glass": "on"}, "l’avez permis", "l’avez refusé"),
        ({}, "l’avez refusé", "l’avez refusé"),
    ],
)
def test_each_emergency_box_is_refused_alone(browser, the_insurer, own_codes, ticked, doctor, regulation):
    prove(browser, the_insurer)
    choose_accesses(browser, own_codes)

    home = browser.get(go(browser, "enrol_consent", agreed="on", **ticked).url).content.decode()

    told = home[
        home.index("Un professionnel de santé, qui écrit pourquoi") : home.index("Votre identité de santé")
    ]
    assert told.index(doctor) < told.rindex(regulation)


def test_the_emergency_boxes_are_ticked_to_begin_with_and_the_agreement_is_not(
    browser, the_insurer, own_codes
):
    prove(browser, the_insurer)
    choose_accesses(browser, own_codes)

    page = browser.get(reverse("public:enrol_consent"))

    boxes = {bound.name: bound.value() for bound in page.context["form"]}
    assert boxes == {"agreed": None, "break_glass": True, "regulation": True}


def test_nothing_opens_without_the_box_of_the_agreement(browser, the_insurer, own_codes):
    prove(browser, the_insurer)
    choose_accesses(browser, own_codes)

    answer = go(browser, "enrol_consent", break_glass="on")

    assert answer.status_code == 200
    assert "Cochez cette case pour ouvrir votre dossier" in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("enrol_nir", {"nir": "2 79 03 51 215 189"}, "Il manque 2"),
        ("enrol_nir", {"nir": ""}, "Saisissez votre numéro de sécurité sociale"),
        ("enrol_name", {"birth_name": "Moreau"}, "Saisissez votre premier prénom"),
        ("enrol_birth", {}, "Saisissez le jour, le mois et l’année"),
        ("enrol_birth", {"birth_date_jour": "14", "birth_date_mois": "3", "birth_date_annee": "58"}, "4"),
        ("enrol_card", {"vitale_serial": "ABC"}, "ne contient que des chiffres"),
    ],
)
def test_a_mistake_is_told_first_kept_and_linked_to_its_field(browser, name, typed, sentence):
    go(browser, "enrol")

    page = go(browser, name, **typed).content.decode()

    assert page.index("data-error-summary") < page.index("<h1")
    assert sentence in page
    assert page.count("<title>Erreur\u00a0: ") == 1
    for value in typed.values():
        assert f'value="{value}"' in page or not value
    target = page.split("data-error-summary")[1].split('href="#')[1].split('"')[0]
    assert f'id="{target}"' in page


def test_answers_are_kept_for_whoever_goes_back(browser, the_insurer):
    identify(browser)

    assert "MOREAU" in browser.get(reverse("public:enrol_name")).content.decode().upper()
    assert 'value="1979"' in browser.get(reverse("public:enrol_birth")).content.decode()


def birth(browser, born, **more):
    day, month, year = born.split("/")
    answer = go(
        browser,
        "enrol_birth",
        birth_date_jour=day,
        birth_date_mois=month,
        birth_date_annee=year,
        **more,
    )
    return answer, answer.content.decode().replace("\u00a0", " ").replace("\u202f", " ")


def box(page):
    """The value of the box that confirms what is doubted."""
    return re.search(r'name="sure"[^>]*value="([0-9a-f]{16})"', page)[1]


@pytest.mark.parametrize(
    ("born", "sentence"),
    [
        ("29/02/1979", "Il n’y a pas de 29 février en 1979 : ce mois a 28 jours."),
        ("00/03/1979", "Il n’y a pas de jour 0."),
        ("14/13/1979", "Il n’y a pas de mois 13 : le mois va de 1 à 12."),
        ("14/20/1979", "Il n’y a pas de mois 20 : le mois va de 1 à 12."),
        ("32/03/1979", "Il n’y a pas de jour 32 : le jour va de 1 à 31."),
        ("00/00/1979", "Il n’y a pas de mois 0 : le mois va de 1 à 12."),
        ("14/06/1988", "Votre numéro de sécurité sociale, 2 79 03…, dit mars 79."),
        ("28/03/1978", "Votre numéro de sécurité sociale, 2 79 03…, dit mars 79."),
    ],
)
def test_a_date_that_is_doubted_is_confirmed_on_its_page(browser, the_insurer, born, sentence):
    identify(browser)
    before = the_insurer.asked

    answer, page = birth(browser, born)

    assert answer.status_code == 200
    assert sentence in page
    assert page.index("data-error-summary") < page.index("<h1")
    sure, elsewhere = box(page), birth(browser, "30/02/1979")[1]
    assert box(elsewhere) != sure, "another date is doubted anew"
    assert birth(browser, born, sure="on")[0].status_code == 200
    assert birth(browser, born, sure=sure)[0].url == reverse("public:enrol_card")
    assert the_insurer.asked == before
    assert go(browser, "enrol_review").url == reverse("public:enrol_channel")


def test_a_number_changed_afterwards_is_compared_with_the_date(browser, the_insurer):
    identify(browser)
    before, thirteen = the_insurer.asked, "2880635238907"
    go(browser, "enrol_nir", nir=thirteen + nir_key(thirteen))

    assert go(browser, "enrol_review").url == reverse("public:enrol_birth")
    page = browser.get(reverse("public:enrol_birth")).content.decode()
    page = page.replace("\u00a0", " ").replace("\u202f", " ")

    assert "2 88 06…, dit juin 88." in page
    assert 'value="1979"' in page
    assert the_insurer.asked == before


def test_a_dash_says_that_there_is_no_such_name(browser, the_insurer):
    identify(browser, given_name="-", birth_name="\u2014")

    review = browser.get(reverse("public:enrol_review")).content.decode()

    assert review.count("<dd>Aucun</dd>") == 2
    assert 'value="-"' in browser.get(reverse("public:enrol_name")).content.decode()


@pytest.mark.parametrize("years", [3, 15, 16, 17])
def test_a_minor_is_told_at_once_who_can_open_a_dossier_and_who_cannot_yet(browser, the_insurer, years):
    go(browser, "enrol")
    thirteen = f"2{(paris_day(timezone.now()).year - years) % 100:02d}1235238907"
    go(browser, "enrol_nir", nir=thirteen + nir_key(thirteen))

    _, page = birth(browser, f"31/12/{paris_day(timezone.now()).year - years}")

    assert "Avant 18 ans, un dossier ne s’ouvre pas en ligne." in page
    assert "Un jeune qui a une carte Vitale à son nom peut l’ouvrir à un guichet" in page
    assert "Un enfant sans carte à son nom ne peut pas encore en avoir." in page
    assert 'name="sure"' not in page
    assert the_insurer.asked == 0


def test_a_year_typed_wrong_is_not_taken_for_a_child(browser, the_insurer):
    identify(browser)

    _, page = birth(browser, f"28/03/{paris_day(timezone.now()).year - 9}")

    said = page.split("data-error-summary")[1]
    assert "dit mars 79." in said
    assert "Si la date est fausse, corrigez-la. Avant 18 ans," in said
    assert 'name="sure"' not in page


def test_whoever_is_not_recognised_is_sent_to_a_counter_without_a_word_more(browser, the_insurer):
    the_insurer.knows = None

    assert identify(browser).url == reverse("public:enrol_counter")


@pytest.mark.parametrize(
    ("serial", "sentence"),
    [("12", "vous en avez saisi 2"), (CAMILLE_ANSWERS["nir"], "C’est votre numéro de sécurité sociale")],
)
def test_a_serial_number_that_cannot_be_one_is_told_on_its_page(browser, the_insurer, serial, sentence):
    identify(browser)

    assert sentence in go(browser, "enrol_card", vitale_serial=serial).content.decode().replace("\u00a0", " ")


def test_an_insurer_that_does_not_answer_costs_nothing(browser, the_insurer, monkeypatch):
    def silent(*_):
        raise insurer.InsurerUnreachable("timeout", None)

    monkeypatch.setattr(insurer, "verify", silent)

    assert identify(browser).url == reverse("public:enrol_unreachable")
    assert CAMILLE_ANSWERS["vitale_serial"] in browser.get(reverse("public:enrol_review")).content.decode()


def test_that_a_dossier_exists_is_told_after_the_code_only(browser, the_insurer, own_codes, dossier):
    before = identify(browser)
    go(browser, "enrol_channel", contact="c1")

    after = go(browser, "enrol_code", code=the_insurer.codes[-1])

    assert before.url == reverse("public:enrol_channel")
    assert after.url == reverse("public:enrol_exists")
    assert "Votre DMP existe déjà" in browser.get(after.url).content.decode()


def test_the_page_of_the_existing_dossier_is_shut_to_whoever_has_not_the_code(browser, the_insurer, dossier):
    identify(browser)

    assert browser.get(reverse("public:enrol_exists")).url == reverse("public:enrol_channel")


def test_a_wrong_code_says_how_many_tries_remain(browser, the_insurer):
    identify(browser)
    go(browser, "enrol_channel", contact="c1")
    wrong = f"{(int(the_insurer.codes[-1]) + 1) % 10**6:06d}"

    page = go(browser, "enrol_code", code=wrong).content.decode()

    assert "Il vous reste 4\u00a0essais" in page


def test_a_code_may_be_pasted_with_its_spaces(browser, the_insurer):
    identify(browser)
    go(browser, "enrol_channel", contact="c1")
    code = the_insurer.codes[-1]

    assert go(browser, "enrol_code", code=f" {code[:3]} {code[3:]} ").url == reverse("public:enrol_login")


def test_a_code_by_post_says_when_it_will_be_usable(browser, the_insurer, settings):
    settings.DMP_POST_DELAY_HOURS = 24
    identify(browser)

    go(browser, "enrol_channel", contact="c2")
    page = browser.get(reverse("public:enrol_code")).content.decode()

    assert "par courrier" in page
    assert "Il s’utilise à partir du" in page


def letter_asked(browser, settings):
    settings.DMP_POST_DELAY_HOURS = 24
    identify(browser)
    go(browser, "enrol_channel", contact="c2")


def days_later(browser):
    """The same browser, closed and opened again: what lasts is kept, the session is over."""
    back = type(browser)()
    for name, cookie in browser.cookies.items():
        if cookie["max-age"]:
            back.cookies[name] = cookie.value
    return back


def test_the_session_remembers_an_opening_and_no_cookie_does(browser, the_insurer):
    identify(browser)

    assert "ouverture" not in browser.cookies
    assert browser.get(reverse("public:enrol_review")).status_code == 200
    assert days_later(browser).get(reverse("public:enrol_review")).url == reverse("public:enrol")


def test_a_letter_brings_back_to_its_code_and_to_nothing_that_was_answered(browser, the_insurer, settings):
    letter_asked(browser, settings)
    back = days_later(browser)

    assert "J’ai reçu ma lettre" in back.get(reverse("public:enrol")).content.decode()
    assert "Il s’utilise à partir du" in back.get(reverse("public:enrol_code")).content.decode()
    for name in ("enrol_nir", "enrol_name", "enrol_birth", "enrol_card", "enrol_review", "enrol_login"):
        assert back.get(reverse(f"public:{name}")).url == reverse("public:enrol_code")


def test_its_code_opens_the_rest(browser, the_insurer, settings):
    settings.DMP_POST_DELAY_HOURS = 0
    identify(browser)
    go(browser, "enrol_channel", contact="c2")
    back = days_later(browser)

    sent_to = go(back, "enrol_code", code=the_insurer.codes[-1])

    assert sent_to.url == reverse("public:enrol_login")
    assert back.get(sent_to.url).status_code == 200
    assert back.cookies["ouverture"]["max-age"] == 0


def test_the_cookie_of_a_letter_is_worth_nothing_in_another_browser(browser, the_insurer, settings):
    letter_asked(browser, settings)
    thief = type(browser)()
    thief.cookies["ouverture"] = browser.cookies["ouverture"].value

    assert thief.get(reverse("public:enrol_code")).url == reverse("public:enrol")
    thief.cookies["navigateur"] = "x" * 43
    assert thief.get(reverse("public:enrol_code")).url == reverse("public:enrol")


def test_giving_up_forgets_the_letter_too(browser, the_insurer, settings):
    letter_asked(browser, settings)

    go(browser, "enrol_give_up")

    assert (browser.cookies["ouverture"]["max-age"], browser.cookies["ouverture"]["path"]) == (0, "/")
    assert browser.get(reverse("public:enrol_code")).url == reverse("public:enrol")


def test_answers_changed_after_the_letter_was_asked_are_not_for_who_comes_back(
    browser, the_insurer, settings
):
    letter_asked(browser, settings)
    go(browser, "enrol_name", birth_name="Autre", given_name="Camille")
    back = days_later(browser)

    assert back.get(reverse("public:enrol_code")).url == reverse("public:enrol")
    assert back.get(reverse("public:enrol_review")).url == reverse("public:enrol")


def test_a_step_cannot_be_skipped(browser, the_insurer):
    identify(browser)

    for name in ("enrol_login", "enrol_contact", "enrol_contact_code", "enrol_information", "enrol_consent"):
        assert browser.get(reverse(f"public:{name}")).url == reverse("public:enrol_channel")


@pytest.mark.parametrize("name", ["enrol_nir", "enrol_review", "enrol_code", "enrol_consent"])
def test_without_an_opening_under_way_one_is_sent_to_the_start(browser, name):
    assert browser.get(reverse(f"public:{name}")).url == reverse("public:enrol")


def test_an_opening_that_has_gone_says_so(browser, the_insurer):
    go(browser, "enrol")
    application = UUID(SessionStore(browser.cookies["session"].value)["opening"]["application"])
    enrolment.give_up(application, by=enrolment.applicant(application), at=timezone.now())

    answer = browser.get(reverse("public:enrol_nir"))

    assert answer.status_code == 403
    assert "Cette demande s’est effacée" in answer.content.decode()


def test_giving_up_forgets_everything(browser, the_insurer):
    identify(browser)

    assert go(browser, "enrol_give_up").url == reverse("public:home")
    assert browser.get(reverse("public:enrol_review")).url == reverse("public:enrol")


def test_nothing_of_an_opening_stays_in_a_cache(browser, the_insurer):
    identify(browser)

    assert "no-store" in browser.get(reverse("public:enrol_review"))["Cache-Control"]
