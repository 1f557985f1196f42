"""Two people of one name, born the same day: whoever chooses or confirms sees what tells them apart."""

import re
from dataclasses import replace

import pytest
from django.urls import reverse

from accounts.traits import Traits
from sandbox.population import BERNARD, MARIE_OF_DIJON, MARIE_OF_NICE
from tests import crowd

from .conftest import open_for, receive, said

pytestmark = pytest.mark.django_db
MARTIN = {"par": "nom", "birth_name": "Martin", "birth_date": "05/05/1976"}
SOMEBODY_ELSE = "Quelqu’un d’autre porte ce nom et est né ce jour-là"


@pytest.fixture
def both(pharmacist):
    for one in (MARIE_OF_NICE, MARIE_OF_DIJON):
        open_for(pharmacist, one.slug)


def marked(page):
    return re.findall(r"<mark>([^<]+)</mark>", page)


def last(person):
    return f"{person.nir[10:13]} {person.nir[13:]}"


def test_a_doctor_reads_what_tells_them_apart(lefevre, both):
    page = said(lefevre.post(reverse("professional:search"), MARTIN))

    assert "2 personnes nées le même jour s’appellent Marie MARTIN" in page
    assert set(marked(page)) == {
        *("Marie, Claire", "Nice (06)", f"se termine par {last(MARIE_OF_NICE)}"),
        *("Marie, Thérèse", "Dijon (21)", f"se termine par {last(MARIE_OF_DIJON)}"),
    }
    assert page.count("<dt>Nom de naissance</dt><dd>MARTIN</dd>") == 2
    for one in (MARIE_OF_NICE, MARIE_OF_DIJON):
        assert one.nir[:10] not in re.sub(r"\s", "", page)


def test_whoever_is_alone_of_a_name_is_not_said_to_have_a_homonym(lefevre, pharmacist):
    open_for(pharmacist, MARIE_OF_NICE.slug)

    page = said(lefevre.post(reverse("professional:search"), MARTIN))
    asks = said(lefevre.get(re.search(r"/pro/dossiers/[0-9a-f-]{36}/accord/", page)[0]))

    assert (marked(page), "Nice (06)" in page) == ([], True)
    assert SOMEBODY_ELSE not in asks


def test_before_an_agreement_one_confirms_who_it_is_without_the_whole_number(lefevre, both):
    found = said(lefevre.post(reverse("professional:search"), MARTIN | {"given_name": "Claire"}))
    [asks] = set(re.findall(r"/pro/dossiers/[0-9a-f-]{36}/accord/", found))
    before = said(lefevre.get(asks))
    deposit = said(lefevre.get(asks.replace("accord/", "deposer/")))
    lefevre.post(asks)
    after = said(lefevre.get(asks))

    assert SOMEBODY_ELSE in before
    for words in ("MARTIN", "Marie, Claire", "5 mai 1976", "Nice (06)", last(MARIE_OF_NICE)):
        assert words in before
    for page in (before, deposit):
        assert MARIE_OF_NICE.nir[:10] not in re.sub(r"\s", "", page)
        assert last(MARIE_OF_NICE) in page
    assert MARIE_OF_NICE.nir in re.sub(r"\s", "", after)


def test_a_counter_is_told_that_somebody_else_has_this_name_and_this_day(pharmacist, roy):
    alone = said(roy.get(receive(roy, MARIE_OF_NICE.slug)))
    open_for(pharmacist, MARIE_OF_NICE.slug)
    herself = said(roy.get(receive(roy, MARIE_OF_NICE.slug)))
    the_other = said(roy.get(receive(roy, MARIE_OF_DIJON.slug)))
    somebody = said(roy.get(receive(roy, BERNARD.slug)))

    warning = "Deux personnes portent ce nom et sont nées ce jour-là"
    assert [warning in page for page in (alone, herself, the_other, somebody)] == [False, False, True, False]
    for words in ("MARTIN", "Marie, Thérèse", "Femme", "5 mai 1976", "Dijon (21)"):
        assert words in the_other


def test_more_people_than_are_shown_is_said(lefevre, monkeypatch, both):
    monkeypatch.setattr("dossiers.finding.MOST_ANSWERS", 1)

    page = said(lefevre.post(reverse("professional:search"), MARTIN))

    assert "Trop de réponses : voici les plus proches" in page
    assert "D’autres personnes répondent aussi" in page

    monkeypatch.setattr("dossiers.finding.MOST_CANDIDATES", 0)
    page = said(lefevre.post(reverse("professional:search"), MARTIN))

    assert "Trop de personnes nées ce jour-là" in page
    assert "Aucun" not in page


def test_given_names_choose_and_say_so(lefevre, both):
    chosen = said(lefevre.post(reverse("professional:search"), MARTIN | {"given_name": "Thérèse"}))
    nobody = said(lefevre.post(reverse("professional:search"), MARTIN | {"given_name": "Zoé"}))

    assert "1 patient" in chosen
    assert "cherchez sans le prénom" in chosen
    assert "2 patients" in nobody
    assert "Le prénom écrit n’est celui de personne ici" in nobody


def test_who_has_no_name_on_the_civil_register_is_looked_for_with_a_dash(lefevre):
    page = said(lefevre.post(reverse("professional:search"), MARTIN | {"birth_name": "-"}))
    wrong = said(lefevre.post(reverse("professional:search"), MARTIN | {"birth_name": "12"}))

    assert "Aucun dossier ouvert ne répond" in page
    assert "Si la personne n’en a pas, écrivez un tiret" in wrong


def test_people_of_one_name_are_counted_however_it_is_spelt(lefevre):
    one = Traits(birth_name="ROUX", given_names=("ÉLODIE",), sex="F", birth_date="19760505")
    crowd.open_all([one, replace(one, given_names=("ELODIE",), used_name="GALY")])

    page = said(lefevre.post(reverse("professional:search"), MARTIN | {"birth_name": "Roux"}))

    assert re.findall("(\\w+) personnes? née?s? le même jour s’appellent (\\w+ ROUX)", page) in (
        [("2", "Elodie ROUX")],
        [("2", "Élodie ROUX")],
    )
