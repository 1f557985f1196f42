"""What goes wrong is a French page that says what to do next."""

from datetime import timedelta

import pytest
from django.test import Client, RequestFactory

from accounts.attempts import TooManyTries
from portal import errors

pytestmark = pytest.mark.django_db


def test_a_form_that_waited_too_long_says_that_nothing_was_kept():
    answer = Client(enforce_csrf_checks=True).post("/connexion/", {"login": "x"})

    assert answer.status_code == 403
    page = answer.content.decode()
    assert "Rien n’a été enregistré" in page
    # Reloading this very page would send what is too old once more.
    assert "Revenez à la page précédente et rechargez-la" in page


def test_a_breakdown_is_told_without_asking_anything_of_what_is_broken():
    answer = errors.server_error(RequestFactory().get("/"))

    assert answer.status_code == 500
    assert "Quelque chose ne marche pas de notre côté" in answer.content.decode()


def test_a_page_that_is_not_there_keeps_those_inside_in_their_space(hers):
    answer = hers.get("/mon-dmp/nulle-part/")

    assert answer.status_code == 404
    assert 'data-portal="patient"' in answer.content.decode()


def test_another_verb_is_refused(browser):
    assert browser.get("/deconnexion/").status_code == 405


@pytest.mark.parametrize("address", ["/ouvrir/", "/oauth/token"])
def test_asked_too_often_says_how_long_to_wait(browser, monkeypatch, address):
    """Wherever it comes from, and whoever has no words of their own for it."""

    def often(*_, **__):
        raise TooManyTries(timedelta(seconds=90))

    monkeypatch.setattr("portal.public.enrolment.render", often)
    request = RequestFactory().get(address)
    request.actor = browser.get("/").wsgi_request.actor

    answer = errors.RefusalMiddleware(often).process_exception(request, TooManyTries(timedelta(seconds=90)))

    assert (answer.status_code, answer["Retry-After"]) == (429, "90")
    assert "minutes, puis recommencez" in answer.content.decode()
    assert browser.get("/ouvrir/").status_code == 429
