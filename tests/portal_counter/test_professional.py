"""A doctor finds a patient, is let in, reads and deposits."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.middleware import actor_of
from accounts.sessions import SessionStore
from documents import consultation
from jobs import queue
from portal.dates import in_figures
from portal.professional.deposit import TypeField
from sandbox.population import BERNARD
from tests.conscience import Conscience
from tests.documents import files

from .conftest import authorised, open_for, prove_identity, said

pytestmark = pytest.mark.django_db

BY_NAME = {"par": "nom", "birth_name": "Lacoste", "birth_date": "02/09/1938"}
SEARCH = "/pro/"


@pytest.fixture
def bernard(pharmacist):
    """The dossier of Bernard Lacoste, opened by a pharmacist; answers its address."""
    open_for(pharmacist, "bernard")
    found = re.search(r"/pro/dossiers/[0-9a-f-]{36}/", said(pharmacist.post(SEARCH, BY_NAME)))
    return found[0]


@pytest.fixture
def let_in(lefevre, bernard):
    """The same, once the patient has agreed to be read by Dr Lefèvre."""
    lefevre.post(f"{bernard}accord/")
    return bernard


def pdf(content=None):
    return SimpleUploadedFile("radio.pdf", content or files.pdf(), "application/pdf")


def deposited(client, dossier, **answers):
    given = {
        "content": pdf(),
        "type": "Compte rendu d’imagerie médicale",
        "created_on": f"{timezone.localdate():%d/%m/%Y}",
        "title": "Radiographie du genou",
        "shown_to_professionals": "oui",
        "shown_to_holder": "oui",
        "again": "on",  # the same bytes serve several tests
    }
    return client.post(f"{dossier}deposer/", given | answers)


def checked():
    """The house checks what was deposited."""
    queue.work_due(10)


def documents_of(page):
    return re.findall(r'href="(/pro/dossiers/[^"]+/documents/[^"]+)"', page)


# Coming in --------------------------------------------------------------------------------------


def test_whoever_practises_in_two_places_says_where(db):
    client = Conscience()
    sent_to = prove_identity(client, "deux-lieux")
    page = said(client.get(sent_to))
    entered = client.post(sent_to, {"practice": "1"}, follow=True)

    assert "Où exercez-vous aujourd’hui ?" in page
    assert "Centre hospitalier de la Garonne" in said(entered)


def test_one_comes_back_to_the_page_one_asked_for(bernard):
    client = Conscience()
    door = client.get(f"{bernard}deposer/")["Location"]
    page = said(client.get(door))

    assert f'name="suite" value="{bernard}deposer/"' in page
    assert prove_identity(client, "lefevre", suite=f"{bernard}deposer/") == f"{bernard}deposer/"


def test_one_comes_back_to_it_from_the_choice_of_a_practice_too(bernard):
    client = Conscience()
    sent_to = prove_identity(client, "deux-lieux", suite=f"{bernard}deposer/")

    assert client.post(sent_to, {"practice": "0"})["Location"] == f"{bernard}deposer/"


@pytest.mark.parametrize("elsewhere", ["https://ailleurs.example/", "//ailleurs.example/", "javascript:x"])
def test_one_is_never_brought_elsewhere(db, elsewhere):
    assert prove_identity(Conscience(), "lefevre", suite=elsewhere) == reverse("professional:search")


def test_one_wish_does_not_outlive_another_sign_in(db):
    client = Conscience()
    client.post(reverse("professional:psc_start"), {"suite": "/pro/dossiers/"})

    assert prove_identity(client, "lefevre") == reverse("professional:search")


def test_a_page_elsewhere_does_not_spend_what_is_under_way(db):
    client = Conscience()
    asked = authorised(client, "lefevre")
    page = client.get(reverse("professional:psc_return"), {"code": "stolen", "state": "other"})

    assert page.status_code == 200
    assert "ne sert qu’une fois" in said(page)
    assert client.get(asked)["Location"] == reverse("professional:search")


def test_two_tabs_come_in_one_after_the_other(db, bernard):
    client = Conscience()
    first = authorised(client, "lefevre")
    second = authorised(client, "lefevre", suite=f"{bernard}deposer/")

    assert client.get(first)["Location"] == reverse("professional:search")
    assert client.get(second)["Location"] == f"{bernard}deposer/"
    assert client.get(reverse("professional:search")).status_code == 200


def test_two_tabs_that_both_ask_where_one_practises_both_end_inside(db):
    client = Conscience()
    for asked in [authorised(client, "deux-lieux"), authorised(client, "deux-lieux")]:
        assert client.get(asked)["Location"] == reverse("professional:practice")

    assert client.post(reverse("professional:practice"), {"practice": "1"})["Location"] == reverse(
        "professional:search"
    )
    assert client.post(reverse("professional:practice"), {"practice": "1"})["Location"] == reverse(
        "professional:search"
    )


def test_whoever_comes_back_as_somebody_else_is_somebody_else(db):
    client = Conscience()
    first, second = authorised(client, "lefevre"), authorised(client, "pharmacienne")
    client.get(first)

    client.get(second)

    assert actor_of(SessionStore(client.cookies["session"].value)).profession == "21"


def test_the_return_address_reloaded_leads_on(db):
    client = Conscience()
    asked = authorised(client, "deux-lieux")
    client.get(asked)
    assert client.get(asked)["Location"] == reverse("professional:practice")
    client.post(reverse("professional:practice"), {"practice": "0"})

    assert client.get(asked)["Location"] == reverse("professional:search")


@pytest.mark.parametrize("answered", [{}, {"state": ""}, {"state": "x" * 3000}, {"error": "access_denied"}])
def test_the_return_address_opened_from_nowhere_begins_again(db, answered):
    page = Conscience().get(reverse("professional:psc_return"), answered)

    assert page.status_code == 200
    assert "S’identifier avec Pro Santé Connect" in said(page)


def test_a_silent_provider_is_said_so(db, settings):
    settings.DMP_PSC_ISSUER = "http://127.0.0.1:9/psc"

    page = Conscience().post(reverse("professional:psc_start"))

    assert page.status_code == 503
    assert "La connexion n’a pas abouti" in said(page)


# Finding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {"par": "numero", "ins": BERNARD.nir},
        {"par": "numero", "ins": BERNARD.nir_said},
        BY_NAME,
        BY_NAME | {"birth_name": "LACOSTE", "birth_date": "2 9 1938", "given_name": "bern"},
    ],
)
def test_a_patient_is_found_by_number_or_by_name_and_birth_date(lefevre, bernard, asked):
    answer = lefevre.post(SEARCH, asked)

    assert answer.status_code == 200, "an address would tell who was looked for"
    assert "1 patient" in said(answer)
    assert "Demander l’accord" in said(answer)


def test_a_date_that_no_calendar_has_is_a_birth_date(lefevre, pharmacist):
    open_for(pharmacist, "fatou")

    asked = {"par": "nom", "birth_name": "N'Diaye", "birth_date": "31/02/1954"}
    doubted = said(lefevre.post(SEARCH, asked))
    sure = re.search(r'name="sure"[^>]*value="([0-9a-f]{16})"', doubted)[1]

    assert "Il n’y a pas de 31 février en 1954" in doubted
    assert "1 patient" not in doubted
    assert "1 patient" in said(lefevre.post(SEARCH, asked | {"sure": sure}))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("28/3/79", "Écrivez l’année avec 4 chiffres : 1979."),
        ("02/09", "Écrivez le jour, le mois et l’année"),
        ("2 septembre 1938", "Écrivez la date en chiffres"),
        ("02/09/2938", "Cette date est dans le futur"),
        ("09/14/1938", "Il n’y a pas de mois 14 : le jour s’écrit d’abord, puis le mois."),
    ],
)
def test_each_fault_of_a_date_of_birth_is_told_where_it_is_searched(lefevre, typed, sentence):
    page = said(lefevre.post(SEARCH, {"par": "nom", "birth_name": "Lacoste", "birth_date": typed}))

    assert sentence in page
    assert f'value="{typed}"' in page


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"par": "numero", "ins": "1 38 09"}, "Il manque 10 chiffres"),
        ({"par": "numero", "ins": BERNARD.nir[:-1] + "0"}, "la clé, ne correspondent pas"),
        ({"par": "nom", "birth_name": "", "birth_date": "02/09/1938"}, "Saisissez le nom."),
        ({"par": "nom", "birth_name": "Lacoste", "birth_date": "1938"}, "Écrivez le jour, le mois"),
        ({"par": "nom", "birth_name": "Nemo", "birth_date": "02/09/1938"}, "Aucun dossier ouvert"),
    ],
)
def test_what_cannot_be_found_is_said_so(lefevre, asked, sentence):
    assert sentence in said(lefevre.post(SEARCH, asked))


# Agreement --------------------------------------------------------------------------------------


def test_without_agreement_the_page_asks_for_it(lefevre, bernard):
    sent_to = lefevre.get(bernard)["Location"]
    page = said(lefevre.get(sent_to))

    assert sent_to == f"{bernard}accord/"
    assert "M. Lacoste est-il d’accord ?" in page
    assert "« Acceptez-vous que je lise votre dossier médical partagé ? »" in page


def test_an_agreement_declared_opens_the_dossier_until_its_end(lefevre, let_in):
    page = said(lefevre.get(let_in))
    again = said(lefevre.get(f"{let_in}accord/"))
    found = said(lefevre.post(SEARCH, BY_NAME))
    until = in_figures(timezone.now() + timedelta(days=settings.DMP_GRANT_DAYS))

    assert "LACOSTE" in page
    assert f"Votre accès</dt><dd>Jusqu’au {until}" in page
    assert "Vous avez déjà son accord jusqu’au" in again
    assert "Autorisé" in found


def test_the_end_of_one_s_access_stands_on_every_page_of_the_dossier(lefevre, let_in):
    receipt = deposited(lefevre, let_in)["Location"]
    checked()
    [document] = documents_of(said(lefevre.get(let_in)))
    until = in_figures(timezone.now() + timedelta(days=settings.DMP_GRANT_DAYS))

    for page in (let_in, f"{let_in}soins/", f"{let_in}deposer/", f"{let_in}accord/", receipt, document):
        assert f"Votre accès</dt><dd>Jusqu’au {until}" in said(lefevre.get(page)), page


# Depositing and reading ---------------------------------------------------------------------------


def test_a_deposit_is_told_truly_from_its_receipt_to_its_reading(lefevre, let_in):
    file = files.pdf()
    receipt = deposited(lefevre, let_in, content=pdf(file))["Location"]
    waiting, shelf_before = said(lefevre.get(receipt)), said(lefevre.get(let_in))
    checked()
    ready, shelf = said(lefevre.get(receipt)), said(lefevre.get(let_in))
    [address] = documents_of(shelf)
    read, image, original = (lefevre.get(address + part) for part in ("", "page/1/", "fichier/"))

    assert "en cours de vérification" in waiting
    assert "En cours de vérification" in shelf_before and documents_of(shelf_before) == []
    assert "Le document est dans le dossier" in ready
    assert "Radiographie du genou" in said(read) and "Tension 12/8" in said(read)
    assert image["Content-Type"].startswith("image/")
    assert original["Content-Disposition"] == 'attachment; filename="radio.pdf"'
    assert original.content == file
    assert all("no-store" in answer["Cache-Control"] for answer in (read, image, original))
    assert lefevre.get(f"{address}page/9/").status_code == 404


def test_one_deposits_without_reading(saidi, bernard):
    receipt = deposited(saidi, bernard)["Location"]

    with CaptureQueriesContext(connection) as queries:
        page = said(saidi.get(receipt))

    assert "en cours de vérification" in page and "LACOSTE" in page
    assert sum("audit_append" in query["sql"] for query in queries) == 1
    assert saidi.get(bernard)["Location"] == f"{bernard}accord/"


def test_a_file_that_acts_by_itself_is_refused_to_its_author_alone(lefevre, saidi, let_in):
    script = files.pdf(change=files._script)
    receipt = deposited(lefevre, let_in, content=pdf(script))["Location"]
    checked()
    saidi.post(f"{let_in}accord/")

    assert "Le fichier n’a pas pu être accepté" in said(lefevre.get(receipt))
    assert "actions automatiques" in said(lefevre.get(receipt))
    assert "Refusé à la vérification" in said(lefevre.get(let_in))
    assert "Radiographie" not in said(saidi.get(let_in))
    assert saidi.get(receipt).status_code == 404


def test_a_file_to_choose_again_is_asked_for(lefevre, let_in):
    page = said(deposited(lefevre, let_in, type="lettre"))

    assert "Choisissez le fichier de nouveau" in page and "convient à 5 types" in page


@pytest.mark.parametrize(
    ("word", "found"),
    [
        (
            "lettre",
            {"Lettre d’adressage", "Lettre de liaison d’entrée en structure sociale ou médico-sociale"},
        ),
        ("biologie", {"Compte rendu d’examens biologiques", "Prescription d’actes de biologie médicale"}),
        ("ordonnance", {"Ajoutez un mot"}),
        ("anesthésie", {"Compte rendu d’anesthésie", "Compte rendu de consultation pré-anesthésique"}),
    ],
)
def test_a_word_that_several_types_have_names_them_and_picks_none(word, found):
    with pytest.raises(ValidationError) as several:
        TypeField().clean(word)

    assert [one for one in found if one not in several.value.message] == []
    assert TypeField().clean("lettre d'adressage") == TypeField().clean("adressage")


def test_what_is_masked_stays_with_its_author(lefevre, saidi, let_in):
    deposited(lefevre, let_in, shown_to_professionals="non")
    checked()
    saidi.post(f"{let_in}accord/")

    assert "Masqué, sauf pour vous" in said(lefevre.get(let_in))
    assert "Radiographie" not in said(saidi.get(let_in))


def test_what_the_patient_may_not_read_yet_warns_its_readers(lefevre, saidi, let_in):
    deposited(lefevre, let_in, shown_to_holder="non")
    checked()
    saidi.post(f"{let_in}accord/")
    shelf = said(saidi.get(let_in))

    assert "Pas encore visible du patient" in shelf
    assert "pas encore visible du patient" in said(saidi.get(documents_of(shelf)[0]))


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"type": "imagerie"}, "convient à"),
        ({"type": "horoscope"}, "Aucun type ne contient « horoscope »"),
        ({"type": ""}, "Dites de quel type est ce document"),
        ({"created_on": "31/12/2999"}, "Cette date est dans le futur"),
        ({"created_on": "hier"}, "Écrivez la date en chiffres"),
        ({"created_on": "29/02/2025"}, "Il n’y a pas de 29 février en 2025 : ce mois a 28 jours."),
        ({"created_on": "31/04/2025"}, "Il n’y a pas de 31 avril : ce mois a 30 jours."),
        ({"created_on": "28/3/79"}, "Écrivez l’année avec 4 chiffres : 1979."),
        ({"created_on": "03/1999"}, "Écrivez le jour, le mois et l’année"),
        ({"created_on": "03/01/1899"}, "Vérifiez l’année : 1899 est trop loin."),
        ({"created_on": "01/09/1938"}, "Cette date est avant la naissance du patient."),
        ({"shown_to_holder": ""}, "Répondez par oui ou par non"),
        ({"shown_to_professionals": "non", "shown_to_holder": "non"}, "Personne d’autre que vous"),
        ({"content": pdf(b"GIF89a")}, "Imprimez-le en PDF, puis déposez cette copie"),
        ({"content": ""}, "Choisissez le fichier"),
    ],
)
def test_an_answer_that_does_not_do_is_said_so_first(lefevre, let_in, answers, sentence):
    page = said(deposited(lefevre, let_in, **answers))

    assert page.index(sentence) < page.index("<h1>Déposer")
    assert "<title>Erreur" in page


def test_a_type_is_found_by_its_words(lefevre, let_in):
    receipt = deposited(lefevre, let_in, type="compte imagerie medicale", title="").headers["Location"]

    assert "Compte rendu d’imagerie médicale" in said(lefevre.get(receipt))


# Listing ----------------------------------------------------------------------------------------


def test_older_documents_are_one_page_further(lefevre, let_in, monkeypatch):
    monkeypatch.setattr(consultation, "PAGE", 1)
    deposited(lefevre, let_in, title="La plus ancienne", created_on="01/02/2020")
    deposited(lefevre, let_in, title="La plus récente", created_on="01/02/2021")
    newest = said(lefevre.get(let_in))
    older = re.search(r'href="(\?avant=[^"]+)"', newest)[1]
    last = said(lefevre.get(let_in + older))

    assert "La plus récente" in newest and "La plus ancienne" not in newest
    assert "La plus ancienne" in last and f'href="{let_in}" rel="first"' in last


def test_the_list_asks_the_database_six_things_at_most(lefevre, let_in):
    for number in range(1, 9):
        deposited(lefevre, let_in, title=f"Note {number}", created_on=f"0{number}/02/2020")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        lefevre.get(let_in)

    told = [
        query["sql"] for query in asked if not re.match(r"(RELEASE )?SAVEPOINT|BEGIN|COMMIT", query["sql"])
    ]
    assert len(told) <= 6, told


def test_what_a_title_says_is_never_taken_for_html(lefevre, let_in):
    deposited(lefevre, let_in, title='<b onclick="x">gras</b>')

    assert "&lt;b onclick=" in said(lefevre.get(let_in))


# Care history -------------------------------------------------------------------------------------


def test_the_care_history_is_read_by_those_whom_the_patient_lets_in(lefevre, saidi, let_in):
    before = said(lefevre.get(f"{let_in}soins/"))
    checked()
    page, shelf = said(lefevre.get(f"{let_in}soins/")), said(lefevre.get(let_in))

    assert "Le relevé est demandé" in before
    assert "Parcours de soins</h1>" in page and 'id="medicaments"' in page
    assert f'href="{let_in}soins/"' in shelf
    assert saidi.get(f"{let_in}soins/").status_code == 403


def test_an_agent_who_tries_a_dossier_is_refused_with_a_sentence(roy, bernard):
    page = roy.get(bernard)

    assert page.status_code == 403
    assert "Votre fonction ne donne pas accès" in said(page)
