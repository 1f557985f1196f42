"""Camille reads her documents."""

import pytest

pytestmark = pytest.mark.django_db

SHELF = "/mon-dmp/documents/"


def text(client, address):
    return client.get(address).content.decode()


def test_an_empty_dossier_says_what_will_fill_it(hers):
    assert "Aucun document pour l’instant" in text(hers, SHELF)


def test_documents_are_listed_newest_first(hers, deposited):
    deposited("Ancien", days=400)
    deposited("Récent", days=2)

    page = text(hers, SHELF)

    assert page.index("Récent") < page.index("Ancien")
    assert page.count('<h2 class="year"') == 2


def test_older_documents_are_one_link_further(hers, deposited, monkeypatch):
    monkeypatch.setattr("documents.consultation.PAGE", 2)
    monkeypatch.setattr("documents.consultation.contents.__defaults__", None, raising=False)
    for days in range(1, 4):
        deposited(f"Numéro {days}", days=days)
    first = hers.get(SHELF)
    older = first.context["older"]

    second = hers.get(older)

    assert "Numéro 3" not in first.content.decode()
    assert "Numéro 3" in second.content.decode()
    assert "Documents les plus récents" in second.content.decode()


def test_a_document_is_shown_as_its_pages_with_their_words(hers, deposited):
    document = deposited("Tension 12/8")

    page = text(hers, f"{SHELF}{document}/")
    image = hers.get(f"{SHELF}{document}/page/1/")

    assert 'alt="Page 1 sur 1' in page
    assert "Tension 12/8 p1" in page
    assert image["Content-Type"] in {"image/webp", "image/png"}
    assert "no-store" in image["Cache-Control"]


def test_the_original_is_kept_as_a_file_and_never_opened_in_our_name(hers, deposited):
    answer = hers.get(f"{SHELF}{deposited('Bilan')}/fichier/")

    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer.content.startswith(b"%PDF")


def test_a_masked_document_is_hers_to_read_and_says_that_it_is_masked(hers, deposited):
    document = deposited("Suivi", masked=True)

    assert "Masqué</span>" in text(hers, SHELF)
    assert "ils ne voient pas qu’il existe" in text(hers, f"{SHELF}{document}/")


def test_what_is_withheld_does_not_exist_for_her(hers, deposited):
    document = deposited("Annonce", withheld=True)

    assert "Annonce" not in text(hers, SHELF)
    assert hers.get(f"{SHELF}{document}/").status_code == 404


def test_what_is_being_checked_is_told_and_not_opened(hers, deposited):
    document = deposited("En attente", checked=False)

    assert "En cours de vérification" in text(hers, SHELF)
    answer = hers.get(f"{SHELF}{document}/")
    assert answer.status_code == 403
    assert "Revenez un peu plus tard" in answer.content.decode()


@pytest.mark.parametrize("part", ["", "page/1/", "page/9/", "fichier/"])
def test_a_document_that_is_not_there_looks_like_a_page_that_is_not(hers, part):
    answer = hers.get(f"{SHELF}9ed32e3a-9d4e-41fa-acac-ecb8a0fbeab2/{part}")

    assert answer.status_code == 404
    assert "Cette page n’existe pas, ou ne vous est pas ouverte" in answer.content.decode()
