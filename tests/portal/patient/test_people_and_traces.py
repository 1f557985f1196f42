"""Camille sees who may read, takes it back, and sees who did."""

import re

import pytest
from django.utils import timezone

from dossiers import sharing
from tests.cast import LEFEVRE, NADIA, PAUL

pytestmark = pytest.mark.django_db

PEOPLE, TRACES = "/mon-dmp/soignants/", "/mon-dmp/acces/"


@pytest.fixture
def grant(dossier_id):
    return sharing.declare_agreement(dossier_id, by=LEFEVRE, at=timezone.now()).grant_id


def text(client, address):
    return client.get(address).content.decode()


def test_at_first_nobody_may_read(hers):
    assert "Personne ne peut lire votre dossier" in text(hers, PEOPLE)


def test_each_person_is_shown_with_the_end_of_the_agreement(hers, grant):
    page = text(hers, PEOPLE)

    assert "1 soignant peut lire votre dossier" in page
    assert "Dr Anne Lefèvre" in page
    assert str(timezone.localdate().year + 1) in page


def test_withdrawing_has_a_page_that_says_what_changes(hers, grant):
    page = text(hers, f"{PEOPLE}{grant}/retirer/")

    assert "Retirer l’autorisation du Dr" in page
    assert "Ne rien changer" in page


def test_withdrawing_ends_the_agreement_and_says_so(hers, grant, dossier_id):
    answer = hers.post(f"{PEOPLE}{grant}/retirer/", follow=True)

    assert "ne peut plus lire votre dossier" in answer.content.decode()
    assert "Personne ne peut lire votre dossier" in answer.content.decode()
    assert "Autorisations passées" in answer.content.decode()


def test_withdrawing_twice_is_told_calmly(hers, grant):
    hers.post(f"{PEOPLE}{grant}/retirer/")

    assert "était déjà terminée" in hers.post(f"{PEOPLE}{grant}/retirer/", follow=True).content.decode()
    assert hers.get(f"{PEOPLE}{grant}/retirer/").status_code == 404


def test_accesses_are_sentences(hers, deposited):
    deposited("Bilan sanguin")
    hers.get("/mon-dmp/documents/")

    page = text(hers, TRACES)

    assert "a déclaré votre accord jusqu’au" in page
    assert "a déposé «\u202fBilan sanguin\u202f»" in page
    assert "<strong>Vous</strong> avez parcouru la liste de vos documents." in page
    assert "a ouvert votre dossier avec vous" in page


def test_a_refusal_is_told_with_its_reason(hers, entered, dossier_id):
    entered(NADIA).get(f"/pro/dossiers/{dossier_id}/soins/")

    page = text(hers, TRACES)

    assert "Nadia Benali" in page
    assert "Refusé\u00a0: vous ne lui avez pas donné votre accord." in page


def test_older_accesses_are_one_link_further(hers, monkeypatch):
    monkeypatch.setattr("dossiers.traces.PAGE", 1)
    hers.get("/mon-dmp/documents/")

    first = hers.get(TRACES)
    second = hers.get(first.context["older"])

    assert "Accès les plus récents" in second.content.decode()
    assert "avez parcouru la liste" in first.content.decode()
    assert "avez parcouru la liste" not in second.content.decode()


@pytest.mark.parametrize("asked", ["suite=x", "suite=12", "suite=" + "0" * 78, "voir=x", "suite=%00"])
def test_a_mangled_address_is_not_understood(hers, asked):
    assert hers.get(f"{TRACES}?{asked}").status_code == 400


@pytest.mark.parametrize(
    ("word", "told", "not_told"),
    [
        ("lectures", "a déclaré votre accord", "a déposé"),
        ("depots", "a déposé", "a déclaré votre accord"),
        ("moi", "avez parcouru la liste", "a déposé"),
    ],
)
def test_some_lines_are_looked_for(hers, deposited, word, told, not_told):
    deposited("Bilan sanguin")
    hers.get("/mon-dmp/documents/")

    page = text(hers, f"{TRACES}?voir={word}")

    assert told in page and not_told not in page
    assert re.search(rf'href="{TRACES}\?voir={word}" aria-current="true"', page)


def test_nothing_found_says_why_and_leads_to_all(hers):
    page = text(hers, f"{TRACES}?voir=refus")

    assert "Aucun refus" in page and "avec son nom" in page
    assert "Voir tous les accès" in page


def test_what_was_read_in_a_day_opens_without_a_script(hers, deposited, entered, dossier_id):
    first, second = deposited("Bilan sanguin"), deposited("Radiographie")
    his = entered(LEFEVRE)
    for document in (first, second):
        his.get(f"/pro/dossiers/{dossier_id}/documents/{document}/")

    page = text(hers, TRACES)

    assert "a lu 2\u00a0documents." in page
    assert "<summary>Lesquels" in page
    assert "<li>«\u202fBilan sanguin\u202f», à " in page


def test_another_patient_sees_nothing_of_hers(entered, grant, deposited):
    document = deposited("À elle seule")
    paul = entered(PAUL)

    assert paul.get(f"/mon-dmp/documents/{document}/").status_code == 404
    assert paul.get(f"{PEOPLE}{grant}/retirer/").status_code == 404
