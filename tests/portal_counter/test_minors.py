"""Before eighteen: who can have a dossier today, with whom, and where it is said who cannot yet."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.paris import paris_day
from jobs import queue
from sandbox.population import CAST, LEO, MANON

from .conftest import compare, receive, said

pytestmark = pytest.mark.django_db

WITH_A_CARD = "À un guichet, oui, avec une carte Vitale à son nom."
WITHOUT = "Un enfant sans carte à son nom"
SEARCH = "/pro/"


def opened(agent, **answers):
    agreement = compare(agent, receive(agent, MANON.slug))
    return agreement, agent.post(agreement, {"agreed": "on", **answers})


def test_somebody_of_sixteen_is_in_the_cast_with_a_card_of_her_own():
    assert MANON in CAST
    assert MANON.age_on(paris_day(timezone.now())) == 16


def test_her_dossier_is_opened_at_a_counter_with_her_mother(roy):
    agreement, alone = opened(roy)
    _, answer = opened(roy, representative="Anne Tessa, sa mère")

    asked = said(roy.get(agreement))
    sheet = said(roy.get(answer["Location"]))

    assert "Écrivez qui donne son accord pour l’enfant" in said(alone)
    assert "Le dossier de Manon Tessa est ouvert" in sheet
    assert "Identifiant" not in sheet, "nobody reads a minor's dossier online yet"
    assert "Qui donne son accord" not in asked, "the visit is over"


def test_a_professional_finds_it(roy, lefevre):
    opened(roy, representative="Anne Tessa, sa mère")

    found = said(lefevre.post(SEARCH, {"par": "numero", "ins": MANON.nir}))

    assert "1 patient" in found
    assert "16 ans" in found


def test_her_care_history_is_imported(roy):
    opened(roy, representative="Anne Tessa, sa mère")
    for _ in range(5):
        queue.work_due(10)

    assert not queue.waiting(["held"])


@pytest.mark.parametrize("door", ["public:home", "public:help", "public:enrol", "public:enrol_counter"])
def test_every_public_door_says_who_can_and_who_cannot_yet(door):
    page = said(Client().get(reverse(door)))

    assert WITH_A_CARD in page
    assert WITHOUT in page


def test_the_doors_of_those_who_open_say_it_too(roy, lefevre):
    for page in (said(roy.get(reverse("counter:home"))), said(lefevre.get(SEARCH))):
        assert "Avant 18 ans" in page
        assert WITHOUT in page


def test_a_child_without_a_card_is_in_no_reader(roy):
    assert LEO.name not in said(roy.get(reverse("counter:home")))
