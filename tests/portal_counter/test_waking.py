"""Who wakes a web access: the agent who types his own mobile reads nothing; the person herself comes in."""

import re
from datetime import timedelta

import pytest
import requests
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import directory, logins
from dossiers import waking
from jobs import queue
from sandbox.population import ELISE, GASTON, JEANNINE, LUCETTE, NORA, PAULIN
from tests.conscience import Conscience

from .conftest import (
    CPAM,
    PASSWORD,
    SECRET,
    choose,
    compare,
    known,
    open_for,
    receive,
    said,
    sign_in_with_a_code,
    typed,
    work,
)

pytestmark = pytest.mark.django_db

HIS_OWN = "06 39 98 77 01"
HIS_NUMBER = "0639987701"


def messages(world, to: str) -> list[str]:
    page = requests.get(f"{world.url}/boite/", params={"pour": to}, timeout=5).text
    articles = re.findall(r"<article.*?</article>", page, re.S)
    return [" ".join(re.sub(r"<[^>]+>", " ", article).split()) for article in articles]


def six_digits(world, to: str) -> str:
    return re.search(r"(?<!\d)\d{6}(?!\d)", messages(world, to)[0])[0]


def nine_digits(world, to: str) -> str:
    return re.search(r"\d{3} \d{3} \d{3}", messages(world, to)[0])[0]


def secrets_of(sheet: str) -> tuple[str, str]:
    _, login, password = re.findall(r'<dd class="secret">([^<]+)</dd>', sheet)
    return login, password


def send_everything() -> None:
    work("notices.code", "notices.send", "dossiers.send_wake_code")


def come_in(world, sheet: str, to: str) -> tuple[Client, str]:
    """Login, printed password, and the code that arrives at `to`; where that leads."""
    browser = Conscience()
    login, password = secrets_of(sheet)
    answer = browser.post(reverse("public:sign_in"), {"login": login, "password": password})
    send_everything()
    answer = browser.post(answer["Location"], {"code": six_digits(world, to)})
    return browser, answer["Location"]


def reads_nothing(browser: Client) -> bool:
    """Not a title, not even that there are documents: every page of the dossier sends to sign in."""
    pages = ("home", "documents", "care", "traces", "people")
    answers = [browser.get(reverse(f"patient:{page}")) for page in pages]
    return all(answer.status_code == 302 and "/connexion/" in answer["Location"] for answer in answers)


def type_own_code(client: Client, world, card: str, **answers: str) -> str:
    """The agent reads the code on his own telephone and types it himself; the sheet he prints."""
    code = choose(client, card, **(answers or typed(HIS_OWN)))["Location"]
    send_everything()
    sheet = client.post(code, {"code": six_digits(world, HIS_NUMBER)})["Location"]
    return client.get(sheet).content.decode()


@pytest.mark.parametrize("person", [ELISE, JEANNINE, NORA, PAULIN], ids=["B", "C", "since yesterday", "G"])
def test_his_own_mobile_whatever_the_insurer_knows_reads_nothing(roy, world, person):
    sheet = type_own_code(roy, world, person.slug)
    his, where = come_in(world, sheet, HIS_NUMBER)

    assert where == reverse("public:asleep")
    page = said(his.get(where))
    assert "Il manque un code" in page
    assert person.birth_name not in page and person.given_names[0] not in page
    assert not re.search("document|soin|Bonjour", page.split("<main")[1].split("</main>")[0])
    assert reads_nothing(his)
    for guess in ("123456789", "000 000 000", six_digits(world, HIS_NUMBER)):
        assert reads_nothing(his), his.post(where, {"code": guess})


def test_the_code_of_the_counter_opens_no_sign_in(roy, world):
    code = choose(roy, "elise", **typed(HIS_OWN))["Location"]
    send_everything()
    counter_code = six_digits(world, HIS_NUMBER)
    sheet = roy.get(roy.post(code, {"code": counter_code})["Location"]).content.decode()
    login, password = secrets_of(sheet)
    his = Conscience()
    asked = his.post(reverse("public:sign_in"), {"login": login, "password": password})

    answer = his.post(asked["Location"], {"code": counter_code})

    assert answer.status_code == 200 and reads_nothing(his)


def test_his_own_mobile_on_a_fourth_person_is_refused_and_reaches_staff(roy, staff, world):
    for card in ("elise", "jeannine", "hugo"):
        open_for(roy, card, **typed(HIS_OWN))
    for spelling in (HIS_OWN, "+33 6 39 98 77 01", "06.39.98.77.01"):
        page = said(choose(roy, "chloe", **typed(spelling)))
        assert "Ce numéro sert déjà à plusieurs dossiers" in page
    work("dossiers.contact_of_several")

    assert "sert déjà à plusieurs dossiers" in said(staff.get(reverse("staff:home")))
    open_for(roy, "elise")  # the same person again is not a fourth
    assert not re.search("07701|7701|Roy", "".join(map(str, queue.waiting(["held"]))))


def test_her_mailbox_with_a_tag_is_the_same_mailbox(roy):
    for rank, card in enumerate(("elise", "jeannine", "hugo")):
        open_for(roy, card, **typed(f"b.roy+{rank}@gmail.com"))

    assert "plusieurs dossiers" in said(choose(roy, "chloe", **typed("BROY@googlemail.com")))


# The honest ones --------------------------------------------------------------------------------


def test_a_known_contact_whose_code_is_read_aloud_is_awake_at_once(roy, world):
    agreement = compare(roy, receive(roy, "elise"))
    button = known(roy.get(agreement).content.decode(), "06 ** ** ** 07")
    code = roy.post(agreement, {"agreed": "on"} | button)["Location"]
    sheet = roy.post(code, {"code": six_digits(world, ELISE.phone)})["Location"]
    elise, where = come_in(world, roy.get(sheet).content.decode(), ELISE.phone)

    assert "Guichet : lisez" in messages(world, ELISE.phone)[1]
    assert where == reverse("public:first_password")
    assert reads_nothing(elise), "the printed password alone opens nothing yet"


def test_a_known_contact_whose_code_does_not_arrive_wakes_with_the_first_one_at_home(roy, world):
    agreement = compare(roy, receive(roy, "elise"))
    button = known(roy.get(agreement).content.decode(), "06 ** ** ** 07")
    code = roy.post(agreement, {"agreed": "on"} | button)["Location"]
    page = said(roy.get(code))
    sheet = roy.get(roy.post(code, {"suite": "sans-code"})["Location"]).content.decode()
    _, where = come_in(world, sheet, ELISE.phone)

    assert "Le code n’arrive pas" in page
    assert "Votre accès s’ouvrira au premier code reçu chez vous" in sheet
    assert where == reverse("public:first_password")


def test_the_nine_digits_sent_where_the_insurer_knows_wake_it_once(roy, world):
    sheet = open_for(roy, "elise", **typed("06 39 98 44 55", "proche"))
    send_everything()
    told = messages(world, ELISE.phone)[0]
    elise, where = come_in(world, sheet, "0639984455")
    code = nine_digits(world, ELISE.phone)

    assert "Il vous manque un code" in sheet and "La personne qui a ce téléphone recevra vos codes" in sheet
    assert "a été demandé aujourd&#x27;hui à un guichet" in told and "Ne donnez ce code à personne" in told
    words = told.partition("Un accès")[2]
    assert "http" not in words and "Garnier" not in words
    assert "Vous avez tapé 6 chiffres" in said(elise.post(where, {"code": code.replace(" ", "")[:6]}))
    assert elise.post(where, {"code": code})["Location"] == reverse("public:first_password")


def test_a_letter_carries_them_to_whom_the_insurer_only_writes(roy, world):
    sheet = open_for(roy, "jeannine", **typed("06 39 98 44 55"))
    send_everything()
    jeannine, where = come_in(world, sheet, "0639984455")
    letter_box = f"{JEANNINE.name}, {JEANNINE.address}"

    assert "Votre lettre arrive" in sheet and "jusqu’au" not in sheet.split("provisoire")[2][:40]
    assert "Il est parti le" in said(jeannine.get(where)) and "par lettre" in said(jeannine.get(where))
    assert jeannine.post(where, {"code": nine_digits(world, letter_box)})["Location"].endswith(
        "mot-de-passe/"
    )


def test_nothing_received_leaves_for_another_known_contact_once_a_day(roy, world, monkeypatch):
    sheet = open_for(roy, "lucette", **typed("06 39 98 44 55"))
    send_everything()
    lucette, where = come_in(world, sheet, "0639984455")
    again = reverse("public:nothing_received")

    assert "On peut" in said(lucette.get(where)) or "Il est parti" in said(lucette.get(where))
    lucette.post(again)
    assert "Vous pourrez en redemander un" in said(lucette.get(where))
    assert messages(world, LUCETTE.other_phone) == []
    monkeypatch.setattr(waking, "BETWEEN_SENDINGS", timedelta(0))
    for to in (LUCETTE.other_phone, LUCETTE.email, f"{LUCETTE.name}, {LUCETTE.address}"):
        lucette.post(again)
        send_everything()
        assert re.search(r"\d{3} \d{3} \d{3}", messages(world, to)[0])
    assert lucette.post(where, {"code": nine_digits(world, LUCETTE.other_phone)})["Location"].endswith(
        "mot-de-passe/"
    ), "each that left still serves"


def test_whoever_refuses_the_letter_leaves_with_the_truth(roy):
    page = open_for(roy, "jeannine", **typed("06 39 98 44 55", "sans-lettre")).replace("\u00a0", " ")

    assert "Un second passage ailleurs ouvrira l’accès" in page
    assert "violence" not in page and "refus" not in page and "lettre" not in page.split("<article")[1]


def test_a_man_whose_address_has_just_changed_is_told_of_a_second_visit(roy):
    asked = said(roy.get(compare(roy, receive(roy, GASTON.slug))))

    assert "ne connaît ni contact ni adresse depuis 30 jours" in asked
    assert "second passage ailleurs" in open_for(roy, GASTON.slug, **typed("06 39 98 44 55"))


@pytest.fixture
def a_day_later(monkeypatch):
    """First visits were a day ago."""
    monkeypatch.setattr(waking, "SECOND_VISIT_AFTER", timedelta(0))


def second_visit(client: Client, world, contact: str, to: str) -> str:
    exists = compare(client, receive(client, "jeannine"))
    agreement = exists.replace("/existe/", "/accord/")
    code = client.post(agreement, typed(contact))["Location"]
    send_everything()
    sheet = client.post(code, {"code": six_digits(world, to)})["Location"]
    return client.get(sheet).content.decode()


def test_a_second_visit_elsewhere_opens_what_the_first_could_not(roy, pharmacist, world, a_day_later):
    open_for(roy, "jeannine", **typed("06 39 98 44 55", "sans-lettre"))
    sheet = second_visit(pharmacist, world, "06 39 98 44 55", "0639984455")
    _, where = come_in(world, sheet, "0639984455")

    assert "Vos accès, Madame Combes" in sheet.replace("\u00a0", " ")
    assert where == reverse("public:first_password")


@pytest.mark.parametrize("who", ["himself", "a colleague", "too early", "another contact"])
def test_both_visits_by_one_house_or_too_early_open_nothing(roy, pharmacist, world, monkeypatch, who):
    if who != "too early":
        monkeypatch.setattr(waking, "SECOND_VISIT_AFTER", timedelta(0))
    first = typed("06 39 98 44 55" if who == "another contact" else HIS_OWN, "sans-lettre")
    open_for(roy, "jeannine", **first)
    other = roy
    if who == "a colleague":
        at = timezone.now()
        directory.provision_agent(
            login="l.blanc", name="Luc Blanc", structure=CPAM, at=at, password=PASSWORD, totp_secret=SECRET
        )
        other = sign_in_with_a_code("counter", "l.blanc")
    if who in ("too early", "another contact"):
        other = pharmacist

    sheet = second_visit(other, world, HIS_OWN, HIS_NUMBER)

    assert "second passage ailleurs" in sheet.replace("\u00a0", " ")
    assert "Identifiant" not in sheet


# Posts and readings ------------------------------------------------------------------------------


def test_a_nurse_elsewhere_sees_no_card_of_another_reader(sign_in_professional, roy):
    nadia = sign_in_professional("nadia")
    page = said(nadia.get(reverse("counter:home")))

    assert "Carte Vitale de" not in page
    assert nadia.post(reverse("counter:card"), {"carte": "bernard"}).status_code == 409


def test_a_visit_stays_in_the_session_in_which_its_card_was_read(roy, roy_has_an_account):
    visit = receive(roy, "bernard")
    session = roy.session
    session["counter_desk"] = "another session"
    session.save()

    assert roy.get(visit).status_code == 410


def test_after_five_minutes_the_card_is_read_again_and_nothing_is_lost(roy, world, monkeypatch):
    code = choose(roy, "elise", **typed("06 39 98 44 55"))["Location"]
    monkeypatch.setattr("dossiers.applications.READING_HOLDS", timedelta(0))
    late = roy.post(code, {"suite": "sans-code"})
    monkeypatch.undo()
    back = roy.post(reverse("counter:card"), {"carte": "elise"})["Location"]

    assert late.status_code == 409 and "Relisez la carte Vitale" in said(late)
    assert back == code, "one comes back where one was"
    assert roy.post(back, {"suite": "sans-code"})["Location"].endswith("/fiche/")


def test_the_next_person_is_served_while_a_visit_waits(roy):
    code = choose(roy, "elise", **typed("06 39 98 44 55"))["Location"]

    assert roy.post(code, {"suite": "suivant"})["Location"] == reverse("counter:home")
    assert "Une visite vous attend" in said(roy.get(reverse("counter:home")))
    open_for(roy, "bernard")
    assert roy.post(reverse("counter:card"), {"carte": "elise"})["Location"] == code


def test_an_access_opened_before_the_rule_sleeps(roy, world, monkeypatch):
    """Made by the release before, which wrote nothing of what an access waits for."""
    before, _, _ = logins._HOLDERS.partition("), access AS")
    monkeypatch.setattr(logins, "_HOLDERS", f"{before})\n")
    sheet = open_for(roy, "elise", **typed("06 39 98 44 55"))
    elise, where = come_in(world, sheet, "0639984455")

    assert where == reverse("public:asleep")
    assert "se confirme maintenant par un code" in said(elise.get(where))
    assert reads_nothing(elise)
    elise.post(reverse("public:nothing_received"))
    send_everything()
    assert elise.post(where, {"code": nine_digits(world, ELISE.phone)})["Location"].endswith("mot-de-passe/")
