"""Opening a dossier for somebody who stands at the counter."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import card_reader, directory, signing_in
from accounts.card_reader import CardReading
from accounts.identity import Ins
from accounts.traits import Traits
from sandbox.population import LEO
from tests.accounts.people import HOME

from .conftest import (
    AGREED,
    CPAM,
    NOTHING,
    PASSWORD,
    SECRET,
    choose,
    code_now,
    compare,
    open_for,
    receive,
    said,
    typed,
)

pytestmark = pytest.mark.django_db

BY_SMS = typed("06 39 98 44 55")


def secrets_of(sheet):
    """Address, login, first password."""
    return re.findall(r'<dd class="secret">([^<]+)</dd>', sheet)


def found(client):
    """Whether a search still finds nobody of that name."""
    asked = {"par": "nom", "birth_name": "Lacoste", "birth_date": "02/09/1938"}
    return "Aucun dossier" not in client.post(reverse("professional:search"), asked).content.decode()


# Coming in -------------------------------------------------------------------------------------


def test_an_agent_comes_in_with_a_password_and_a_code(roy):
    page = roy.get(reverse("counter:home"))

    assert "Carte Vitale de Bernard Lacoste" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert reverse("counter:information") in page.content.decode()
    assert reverse("counter:home") in said(roy.get(reverse("counter:information"))).partition("<main")[2]


def test_a_wrong_code_does_not_let_in(client, roy_has_an_account):
    client.post(reverse("counter:sign_in"), {"login": "bernard.roy", "password": PASSWORD})
    page = client.post(reverse("counter:sign_in_code"), {"code": "000 000"})

    assert "Ce n’est pas le bon code" in page.content.decode()
    assert client.get(reverse("counter:home")).status_code == 302


def come_in(client, door):
    """Go through that door with the password, then the code; answers where one is sent."""
    asked = client.post(door, {"login": "bernard.roy", "password": PASSWORD})
    return client.post(asked["Location"], {"code": code_now()})["Location"]


def test_an_agent_comes_back_to_the_page_they_asked_for(client, roy_has_an_account):
    wished = reverse("counter:information")

    assert come_in(client, client.get(wished)["Location"]) == wished


@pytest.mark.parametrize("elsewhere", ["https://ailleurs.example/", "//ailleurs.example/", "javascript:x"])
def test_an_agent_is_never_brought_elsewhere(client, roy_has_an_account, elsewhere):
    door = f"{reverse('counter:sign_in')}?{urlencode({'suite': elsewhere})}"

    assert come_in(client, door) == reverse("counter:home")


def test_a_first_password_does_not_make_the_page_forgotten(client, db):
    wished = reverse("counter:information")
    made = directory.provision_agent(
        login="bernard.roy", name="Bernard Roy", structure=CPAM, at=timezone.now(), totp_secret=SECRET
    )
    asked = client.post(
        client.get(wished)["Location"], {"login": made.login, "password": made.first_password}
    )
    choosing = client.post(asked["Location"], {"code": code_now()})

    assert client.post(choosing["Location"], {"password": "trois pommes et un vélo"})["Location"] == wished


def test_a_wrong_password_gets_one_sentence(client, roy_has_an_account):
    page = client.post(reverse("counter:sign_in"), {"login": "bernard.roy", "password": "autre"})

    assert page.content.decode().count("ne convient pas") == 1  # first on the page, and nowhere else


def test_an_agent_does_not_come_in_by_the_door_of_staff(client, roy_has_an_account):
    page = client.post(reverse("staff:sign_in"), {"login": "bernard.roy", "password": PASSWORD})

    assert "ne convient pas" in page.content.decode()


# The card --------------------------------------------------------------------------------------


def test_a_silent_reader_is_said_so(roy, settings):
    settings.DMP_READER_URL = "http://127.0.0.1:9/lecteur"

    page = roy.get(reverse("counter:home"))

    assert page.status_code == 503
    assert "lecteur de cartes ne répond pas" in page.content.decode()


def test_a_card_that_left_is_asked_for_again(roy):
    page = roy.post(reverse("counter:card"), {"carte": "nobody"})

    assert page.status_code == 409
    assert "remettez-la dans le lecteur" in page.content.decode()


def test_a_dossier_that_exists_is_told_and_nothing_medical_is_offered(roy):
    open_for(roy, "bernard")

    visit = receive(roy, "bernard")
    page = said(roy.get(compare(roy, visit)))

    assert "M. Lacoste a déjà un dossier" in page
    assert "Donner un accès par Internet" in page
    assert roy.post(f"{visit}reflexion/", {"fin": "existe"})["Location"] == "/guichet/"
    assert "/pro/" not in page


def test_a_visit_belongs_to_the_agent_who_read_the_card(roy, pharmacist):
    visit = receive(roy, "bernard")

    assert pharmacist.get(visit).status_code == 404


# Agreement -------------------------------------------------------------------------------------


def test_nothing_opens_without_the_box_that_stands_as_proof(roy, lefevre):
    page = said(choose(roy, "bernard", **NOTHING, agreed=""))

    assert "Sans accord, aucun dossier ne s’ouvre" in page
    assert page.index("Sans accord") < page.index("<h1")
    assert "M. Lacoste a dit oui" in page and "Cocher vaut preuve" in page
    assert not found(lefevre)


def test_the_question_names_the_person_and_the_two_oppositions_are_ticked(roy):
    page = said(roy.get(compare(roy, receive(roy, "jeannine"))))

    assert "Mme Combes a dit oui, après avoir été informée" in page
    assert re.search(r'name="agreed"[^>]*>', page)[0].count("checked") == 0
    assert re.search(r'name="regulation"[^>]*>', page)[0].count("checked") == 1
    assert re.search(r'name="break_glass"[^>]*>', page)[0].count("checked") == 1


def test_who_stands_there_is_compared_first_line_by_line(roy):
    visit = receive(roy, "jeannine")
    page = said(roy.get(visit))

    assert roy.get(f"{visit}accord/")["Location"] == visit
    assert "Est-ce bien Mme Combes" in said(roy.post(visit, {"piece": ""}))
    for line in ("BOYER", "Jeannine", "Femme", "11 mai 1945", "2 45 05 •• ••• •••", "Combes"):
        assert line in page
    assert "11069" not in page, "no identity document shows the code of a place"


def test_the_desk_is_known_before_any_card_is_read(roy):
    """Two readings at once would each give the session a desk, and the visit be of the other's."""
    roy.get(reverse("counter:home"))

    assert roy.session["counter_desk"]


@pytest.mark.parametrize(
    ("regulation", "break_glass", "told"),
    [
        ("on", "on", "vous ne vous opposez ni à la lecture par le médecin régulateur"),
        ("on", "", "vous vous opposez à l’ouverture par un professionnel de santé"),
        ("", "on", "vous vous opposez à la lecture par le médecin régulateur du 15."),
        ("", "", "vous vous opposez à la lecture par le médecin régulateur du 15 et"),
    ],
)
def test_each_emergency_access_is_refused_on_its_own(roy, regulation, break_glass, told):
    sheet = open_for(roy, "bernard", **NOTHING, regulation=regulation, break_glass=break_glass)

    assert told in sheet.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (typed(""), "Écrivez le téléphone mobile ou l’adresse électronique"),
        (typed("06 12"), "Écrivez un numéro de mobile à 10 chiffres"),
        (typed("camille@"), "Écrivez une adresse électronique complète"),
        (typed("", "sans-lettre"), "il sera redemandé au second passage"),
        (typed("06 39 98 10 42", ""), "Dites à qui il est"),
    ],
)
def test_a_contact_that_cannot_be_is_said_so(roy, answers, sentence):
    page = choose(roy, "bernard", **answers)

    assert sentence in said(page)


@pytest.mark.parametrize(("asked", "read"), [({}, "À quoi il sert"), ({"entier": "1"}, "Version ")])
def test_the_screen_is_turned_and_comes_back_with_all_that_was_answered(roy, asked, read):
    agreement = compare(roy, receive(roy, "bernard"))
    turned = agreement.replace("/accord/", "/feuille/")

    shown = roy.get(roy.post(turned, {"agreed": "on", "other": "06 39 98 44 5", **asked})["Location"])
    page = said(roy.get(re.search(r'href="([^"]+)"[^>]*>J’ai lu, je rends l’écran', said(shown))[1]))

    assert read in said(shown)
    assert "Bernard" not in said(shown), "neither the agent nor the person is named"
    assert 'value="06 39 98 44 5"' in page
    assert [f'name="{box}"' in page for box in AGREED] == [True] * 3
    ticked = {box: "checked" in re.search(rf'name="{box}"[^>]*>', page)[0] for box in AGREED}
    assert ticked == {"agreed": True, "regulation": False, "break_glass": False}
    assert re.search(r"<details class=.answer-more questions. open>", page)


def test_whoever_prefers_to_think_leaves_nothing(roy, lefevre):
    visit = receive(roy, "bernard")
    agreement = compare(roy, visit)

    page = roy.post(f"{visit}reflexion/", follow=True).content.decode()

    assert "Rien n’est ouvert, rien n’est gardé" in page
    assert roy.post(agreement, AGREED | NOTHING).status_code == 410
    assert not found(lefevre)


# The sheet --------------------------------------------------------------------------------------


def test_the_sheet_of_secrets_is_shown_again_until_the_visit_ends(roy):
    code = choose(roy, "bernard", **BY_SMS)["Location"]
    sent = [roy.post(code, {"suite": "sans-code"})["Location"] for _ in range(2)]

    sheets = [roy.get(address) for address in sent]
    roy.post(sent[0].replace("/fiche/", "/reflexion/"), {"fin": "suivant"})

    assert "no-store" in sheets[0]["Cache-Control"]
    assert len(secrets_of(sheets[0].content.decode())) == 3
    assert secrets_of(sheets[1].content.decode()) == secrets_of(sheets[0].content.decode())
    assert roy.get(sent[0]).status_code == 410


LAST_DAY = r"jusqu’au <span class=.deadline.>\d+(?:er)? \w+ \d{4}</span>"


@pytest.mark.parametrize(
    ("card", "answers", "last_days"),
    [
        ("bernard", NOTHING, 0),
        ("elise", BY_SMS, 2),
        ("bernard", typed("06 39 98 44 55", "sans-lettre"), 0),
    ],
)
def test_every_sheet_has_a_reference_and_its_secrets_their_last_day(roy, card, answers, last_days):
    sheet = said(roy.get(settled(roy, choose(roy, card, **answers))))

    assert re.search(r'Réf\. <span class="reference">\d{4}-\d\d-\d\d-\d{4}</span>', sheet)
    assert len(re.findall(LAST_DAY, sheet)) == last_days


def settled(client, answered):
    """Where the sheet is, once no code comes back."""
    if not answered["Location"].endswith("/code/"):
        return answered["Location"]
    return client.post(answered["Location"], {"suite": "sans-code"})["Location"]


def test_what_is_printed_lets_its_holder_begin(roy):
    _, login, password = secrets_of(open_for(roy, "bernard", **BY_SMS))

    pending = signing_in.begin(login, password, at=timezone.now(), browser=HOME)

    assert [contact.mask for contact in pending.contacts] == ["06 ** ** ** 55"]


def test_the_square_holds_the_address_and_nothing_of_a_person(roy):
    squares = {
        re.search(r"<svg[^>]*qr.*?</svg>", open_for(roy, card, **BY_SMS), re.S)[0]
        for card in ("bernard", "jeannine")
    }

    assert len(squares) == 1


@pytest.mark.parametrize(("number", "printed"), [("", False), ("05 61 00 00 09", True)])
def test_the_sheet_prints_the_telephone_of_the_operator_and_no_other(roy, settings, number, printed):
    settings.DMP_HELP_PHONE = number

    sheet = open_for(roy, "bernard", **BY_SMS)

    assert ("Appelez le <strong>05 61 00 00 09</strong>" in sheet) is printed
    assert ("Appelez" in sheet) is printed
    assert "3422" not in sheet


def test_first_passwords_are_in_signs_that_nobody_mistakes(roy):
    *_, password = secrets_of(open_for(roy, "bernard", **BY_SMS))

    assert not set(password) & set("O0I1l")


def test_without_telephone_nor_mail_there_is_an_acknowledgement_and_no_secret(roy):
    page = open_for(roy, "bernard").replace("\u00a0", " ")

    assert "Votre dossier est ouvert, Monsieur Lacoste" in page
    assert "Vous pouvez le demander un autre jour, ici ou ailleurs, avec votre carte" in page
    assert [re.fullmatch(r"\d{4}-\d\d-\d\d-\d{4}", one) is not None for one in secrets_of(page)] == [True]
    assert "<svg viewBox" not in page


def test_a_pharmacist_opens_too_in_the_name_of_the_pharmacy(pharmacist):
    page = open_for(pharmacist, "bernard", **BY_SMS)

    assert "Pharmacie du Pont" in page
    assert len(secrets_of(page)) == 3


# Minors -----------------------------------------------------------------------------------------


@pytest.fixture
def leo(monkeypatch):
    """A child's own card, which the reader of the sandbox does not lend."""
    reading = CardReading(
        ins=Ins(*LEO.ins),
        traits=Traits(
            birth_name=LEO.birth_name, given_names=LEO.given_names, sex=LEO.sex, birth_date=LEO.birth_date
        ),
        vitale_serial=LEO.vitale_serial,
        read_at=timezone.now() - timedelta(seconds=5),
    )
    monkeypatch.setattr(card_reader, "read", lambda card_id, **_: reading)


def test_a_representative_agrees_for_a_child(roy, leo):
    agreement = compare(roy, receive(roy, "leo"))
    asked = roy.get(agreement).content.decode()
    alone = roy.post(agreement, {"agreed": "on"}).content.decode()
    opened = roy.post(agreement, {"agreed": "on", "representative": "Élise Garnier, sa mère"})

    assert "Qui donne son accord" in asked and "Un autre téléphone" not in asked
    assert "Écrivez qui donne son accord pour l’enfant" in alone
    assert "Le dossier de Léo Garnier est ouvert" in roy.get(opened["Location"]).content.decode()
