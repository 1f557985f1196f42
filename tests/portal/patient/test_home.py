"""Camille comes home: who she is, what is new, where her care history stands."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.sessions import SessionStore
from dossiers import information
from history import review
from history.consultation import ImportState, Phase
from jobs import queue
from portal.dates import weekday
from portal.patient import home
from portal.patient.arrival import arrival
from tests.cast import LEFEVRE, NOON, STAFF
from tests.history.cast import statement
from tests.portal.conftest import INSURED

pytestmark = pytest.mark.django_db

HOME, IMPORT = "/mon-dmp/", "/mon-dmp/soins/import/"


def text(client, address, **headers):
    return client.get(address, headers=headers).content.decode()


def test_she_is_greeted_and_sees_her_choices(hers):
    home = text(hers, HOME)

    assert "Bienvenue Camille" in home
    assert home.count("Vous l’avez permis") == 2
    assert INSURED.ins[1][:1] in home


def test_what_a_doctor_did_is_news(hers, deposited):
    deposited("Compte rendu de consultation")

    home = text(hers, HOME)

    assert "Le Dr\u00a0Anne Lefèvre" in home
    assert "a déposé «\u202fCompte rendu de consultation\u202f»" in home


def test_she_is_told_when_she_came_last(hers, camille, entered, monkeypatch):
    monkeypatch.setattr(home, "NEWCOMER", timedelta())
    today = weekday(timezone.now())
    first = text(hers, HOME)
    assert "Votre dernière visite" not in first + text(hers, HOME), "this is still the first"

    again = entered(camille)

    for _ in range(2):
        assert f"Votre dernière visite date du {today}" in text(again, HOME)


def test_who_agreed_to_an_earlier_text_is_told_once_what_changed(hers, camille, entered, monkeypatch):
    words = "Ce que nous vous disons a changé"
    assert words not in text(hers, HOME), "she agreed to this very text"
    monkeypatch.setattr(information, "VERSION", "later")

    first = entered(camille)
    assert words in text(first, HOME)
    assert words in text(first, HOME), "as long as this visit lasts"
    assert words not in text(entered(camille), HOME)
    assert words not in text(entered(camille), HOME)
    monkeypatch.setattr(information, "VERSION", "later still")
    assert words in text(entered(camille), HOME)


def test_nobody_in_particular_signs_in_first_and_comes_back(browser):
    answer = browser.get("/mon-dmp/acces/")

    assert answer.url == f"{reverse('public:sign_in')}?suite=%2Fmon-dmp%2Facces%2F"


def test_a_doctor_has_another_space_and_is_told_so(entered):
    answer = entered(LEFEVRE).get(HOME)

    assert answer.status_code == 403
    assert "Cette page appartient à un autre espace" in answer.content.decode()


def test_nothing_of_the_dossier_stays_in_a_cache(hers):
    assert "no-store" in hers.get(HOME)["Cache-Control"]


def test_the_import_is_said_to_be_under_way_and_looked_at_again(hers):
    home = text(hers, HOME)

    assert "Votre parcours de soins arrive" in home
    assert 'hx-trigger="every 3s"' in home
    assert f'href="{IMPORT}"' in home  # without scripts


def test_while_nothing_changes_nothing_is_said_again(hers):
    answer = hers.get(f"{IMPORT}?vu=asked", headers={"HX-Request": "true"})

    assert answer.status_code == 204


def test_once_done_the_page_is_told_and_stops_asking(hers, history, imported):
    history.sends(statement(INSURED, lines=24))
    imported()

    answer = hers.get(f"{IMPORT}?vu=asked", headers={"HX-Request": "true"})

    assert answer.status_code == 286
    assert "24\u00a0lignes" in answer.content.decode()
    assert "hx-get" not in answer.content.decode()


def test_an_insurer_that_is_silent_is_said_to_be_and_when_it_will_be_asked_again(hers, history, imported):
    history.is_silent()
    imported()

    page = text(hers, HOME)

    assert "L’Assurance Maladie ne répond pas" in page
    assert "Nous réessaierons" in page
    assert 'hx-trigger="every 30s"' in page


def test_a_page_whose_session_ended_elsewhere_goes_away(hers, browser):
    """What it asks by itself would bring the sign-in page inside it, with all that it shows around."""
    SessionStore(hers.cookies[settings.SESSION_COOKIE_NAME].value).delete()

    for client in (hers, browser):
        answer = client.get(f"{IMPORT}?vu=asked", headers={"HX-Request": "true"}, follow=True)
        assert (answer.status_code, answer["HX-Refresh"], answer.content) == (204, "true", b"")
        assert client.get(IMPORT).url.startswith(reverse("public:sign_in"))


def test_no_page_promises_what_should_have_been(hers, history, imported, monkeypatch):
    """The insurer was to be asked again a while ago: a page left open is told so."""
    seen = {"HX-Request": "true"}
    history.is_silent()
    imported()
    shown = re.search(r'hx-get="([^"]+)"', text(hers, HOME))[1]
    assert hers.get(shown, headers=seen).status_code == 204

    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=5))

    assert "Nous réessaierons bientôt" in text(hers, shown, **seen)
    assert hers.get(f"{IMPORT}?vu=trying_again", headers=seen).status_code == 204


def test_each_silence_is_told_anew():
    first = ImportState(holder=None, phase=Phase.TRYING_AGAIN, retry_at=NOON + timedelta(minutes=1))
    next_one = ImportState(holder=None, phase=Phase.TRYING_AGAIN, retry_at=NOON + timedelta(hours=3))

    told = [arrival(state, at=NOON) for state in (first, next_one)]

    assert len({one.version for one in told}) == len({one.sentence for one in told}) == 2


def test_an_insurer_that_knows_nothing_is_believed(hers, history, imported):
    history.says(204)
    imported()

    assert "ne connaissait aucun soin remboursé" in text(hers, HOME)


def test_what_is_about_somebody_else_is_kept_out_and_a_person_told(hers, history, imported):
    history.sends(statement(INSURED.but(birth_name="DURAND")))
    imported()

    page = text(hers, "/mon-dmp/soins/")

    assert "vérifié par une personne" in page
    assert "DURAND" not in page


def test_what_a_person_left_out_is_not_said_to_be_looked_at(hers, history, imported):
    history.sends(statement(INSURED.but(birth_name="DURAND")))
    imported()
    [held] = review.waiting(by=STAFF, at=timezone.now())
    review.close(held.id, seen_at=held.seen_at, by=STAFF, at=timezone.now())
    queue.work_due(5)

    page = text(hers, "/mon-dmp/soins/")

    assert "l’a laissé dehors" in page
    assert "vérifié par une personne" not in page


def test_the_import_has_a_page_of_its_own_without_scripts(hers):
    assert "Actualiser" in text(hers, IMPORT)
