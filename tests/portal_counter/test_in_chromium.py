"""Professionals, counters and staff in a real browser: two widths, two lights, a keyboard, no scripts."""

import re

import pypdfium2
import pytest
from django.utils import timezone

from jobs import queue
from sandbox.population import MARIE_OF_DIJON, MARIE_OF_NICE
from tests.documents import files
from tests.portal import examining

from .conftest import choose, code_now, open_for, receive, said, typed, work
from .test_professional import BY_NAME, deposited, pdf
from .test_staff import held_again

pytestmark = pytest.mark.browser

SHELF = {
    "Radiographie du genou": {},
    "Consultation d’annonce": {"shown_to_holder": "non", "created_on": "12/03/2024"},
    "Note personnelle": {"shown_to_professionals": "non", "created_on": "01/01/2023"},
}
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


def look(seen, name):
    """Nothing may be wrong with the page, however it is looked at."""
    assert not [told for told in seen.complaints if "status of" not in told]
    examining.look(seen.page, lambda view: seen.picture(f"{name}-{view}"))


def send(page, words):
    with page.expect_navigation():
        page.get_by_role("button", name=words, exact=True).click()


def bernard_of(client):
    """The address of the dossier that a search finds."""
    return re.search(r"/pro/dossiers/[0-9a-f-]{36}/", said(client.post("/pro/", BY_NAME)))[0]


def test_the_pages_about_people_of_one_name(window, lefevre, roy, pharmacist):
    open_for(pharmacist, MARIE_OF_NICE.slug)
    with window(signed_in=roy) as seen:
        seen.open(receive(roy, MARIE_OF_DIJON.slug))
        look(seen, "homonymes-guichet")
    open_for(pharmacist, MARIE_OF_DIJON.slug)
    with window(signed_in=lefevre) as seen:
        page = seen.open("/pro/")
        page.fill("#id_birth_name", "Martin")
        page.fill("#id_birth_date", "05/05/1976")
        page.locator('button[value="nom"]').click()
        look(seen, "homonymes-trouves")
        page.get_by_role("link", name="Demander l’accord").first.click()
        look(seen, "homonymes-accord")
        seen.open(page.url.removeprefix(seen.house).replace("accord/", "deposer/"))
        look(seen, "homonymes-deposer")


def test_the_pages_of_a_professional(window, lefevre, saidi, pharmacist):
    open_for(pharmacist, "bernard")
    dossier = bernard_of(lefevre)
    with window(signed_in=lefevre) as seen:
        page = seen.open("/pro/")
        look(seen, "pro-recherche")
        page.fill("#id_birth_name", "Lacoste")
        page.locator('button[value="nom"]').click()
        look(seen, "pro-recherche-erreur")
        page.fill("#id_birth_date", "02/09/1938")
        page.locator('button[value="nom"]').click()
        look(seen, "pro-recherche-trouve")
        page.get_by_role("link", name="Demander l’accord").click()
        look(seen, "pro-accord")
        send(page, "Oui, ouvrir le dossier")
        look(seen, "pro-dossier-vide")
        for title, answers in SHELF.items():
            file = pdf(files.pdf("Tension 12/8", pages=2))
            deposited(lefevre, dossier, title=title, content=file, **answers)
        queue.work_due(20)
        waiting = deposited(lefevre, dossier, title="Bilan")["Location"]
        page = seen.open(dossier)
        look(seen, "pro-dossier")
        page.get_by_role("link", name="Consultation d’annonce").click()
        look(seen, "pro-document")
        seen.open(waiting)
        look(seen, "pro-recu")
        seen.open(f"{dossier}soins/")
        look(seen, "pro-soins")
        page = seen.open(f"{dossier}deposer/")
        look(seen, "pro-deposer")
        send(page, "Déposer")
        look(seen, "pro-deposer-erreur")


def test_the_pages_of_a_counter(window, roy):
    with window() as seen:
        seen.open("/pro/connexion/")
        look(seen, "pro-connexion")
        seen.open("/guichet/connexion/")
        look(seen, "guichet-connexion")
    with window(signed_in=roy) as seen:
        page = seen.open("/guichet/")
        look(seen, "guichet-carte")
        page.locator('button[value="jeannine"]').click()
        work("dossiers.ask_contacts")
        look(seen, "guichet-identite")
        send(page, "sa carte d’identité")
        look(seen, "guichet-accord-inconnu")
        send(page, "C’est le sien")
        look(seen, "guichet-accord-erreur")
        page.check("#id_agreed", force=True)
        press_on(page, "Tourner l’écran")
        look(seen, "guichet-feuille-retournee")
        page.get_by_role("link", name="J’ai lu, je rends l’écran").click()
        assert page.is_checked("#id_agreed"), "what was ticked stays"
        page.fill("#id_other", "06 39 98")
        press_on(page, "Montrer le texte entier")
        look(seen, "guichet-texte-entier")
        page.get_by_role("link", name="J’ai lu, je rends l’écran").click()
        assert page.input_value("#id_other") == "06 39 98", "so does what was typed"
        page.fill("#id_other", "06 39 98 44 55")
        send(page, "C’est le sien")
        look(seen, "guichet-code")
        page.fill("#id_code", "000000")
        send(page, "Ouvrir le dossier")
        look(seen, "guichet-code-erreur")
        press_on(page, "Le code n’arrive pas")
        look(seen, "guichet-fiche-lettre")
        send(page, "Personne suivante")
        page.locator('button[value="jeannine"]').click()
        send(page, "sa carte d’identité")
        look(seen, "guichet-existe")
        seen.open("/guichet/information/")
        look(seen, "guichet-information")
        seen.open(receive(roy, "elise"))
        send(page, "son passeport")
        look(seen, "guichet-accord")
        page.check("#id_agreed", force=True)
        press_on(page, "06 ** ** ** 07")
        look(seen, "guichet-code-connu")
        press_on(page, "Servir le suivant")
        look(seen, "guichet-carte-attente")
        seen.open(receive(roy, "hugo"))
        send(page, "son passeport")
        page.locator('button[form="reflexion"]').click()
        look(seen, "guichet-reflexion")


def press_on(page, words):
    """The button that has these words among others."""
    with page.expect_navigation():
        page.get_by_role("button", name=words).first.click()


def test_the_pages_of_staff(window, staff, pharmacist):
    with window(signed_in=staff) as seen:
        seen.open("/equipe/")
        look(seen, "equipe-rien")
        open_for(pharmacist, "sophie")
        queue.work_due(10)
        [job] = queue.waiting(["held"])
        held_again(job, "once more")
        page = seen.open("/equipe/")
        look(seen, "equipe-ensemble")
        send(page, re.compile("Tout relancer"))
        queue.work(job.id)
        page = seen.open("/equipe/")
        look(seen, "equipe-attente")
        page.get_by_role("link", name="Clore").click()
        look(seen, "equipe-clore")
        send(page, "Clore")
        look(seen, "equipe-close")


@SCRIPTS
def test_an_agent_opens_a_dossier_with_a_keyboard_alone(window, roy_has_an_account, scripts):
    with window(width=390, scripts=scripts) as seen:
        page = seen.open("/guichet/connexion/")
        page.fill("#id_login", "bernard.roy")
        page.fill("#id_password", "une phrase que Bernard retient 31")
        press(page, "Enter")
        page.fill("#id_code", code_now())
        press(page, "Enter")
        page.focus('button[value="bernard"]')
        press(page, "Enter")
        work("dossiers.ask_contacts")
        page.focus('button[value="ID_CARD"]')
        press(page, "Enter")
        page.focus("#id_agreed")
        page.keyboard.press("Space")
        page.fill("#id_other", "0639981042")
        press(page, "Enter")
        assert "Dites à qui il est" in page.inner_text("main"), "Enter chooses nothing in anybody's place"
        page.focus('button[value="elle"]')
        press(page, "Enter")
        page.focus('button[value="sans-code"]')
        press(page, "Enter")

        assert page.inner_text("h1").replace("\u00a0", " ") == "Votre lettre arrive, Monsieur Lacoste"
        assert page.locator("[data-print]").is_visible() is scripts


def press(page, key):
    with page.expect_navigation():
        page.keyboard.press(key)


def test_a_deposit_needs_no_mouse_nor_script(window, lefevre, pharmacist):
    open_for(pharmacist, "bernard")
    dossier = bernard_of(lefevre)
    with window(width=390, scripts=False, signed_in=lefevre) as seen:
        page = seen.open(f"{dossier}deposer/")
        file = {"name": "radio.pdf", "mimeType": "application/pdf", "buffer": files.pdf()}
        page.set_input_files("#id_content", file)
        page.fill("#id_type", "Compte rendu d’imagerie médicale")
        page.fill("#id_created_on", f"{timezone.localdate():%d/%m/%Y}")
        press(page, "Enter")

        assert page.inner_text("h1") == "Document reçu, en cours de vérification"


SHEETS = {
    "letter": ("bernard", typed("06 39 98 10 42")),
    "wake code": ("elise", typed("06 39 98 10 43", "proche")),
    "silence": ("paulin", typed("06 39 98 10 44")),
}


@pytest.fixture(params=SHEETS.values(), ids=SHEETS)
def sheet(window, roy, request):
    """A printed sheet, in the window of M. Roy."""
    card, wish = request.param
    code = choose(roy, card, **wish)["Location"]
    address = roy.post(code, {"suite": "sans-code"})["Location"]
    with window(signed_in=roy) as seen:
        yield seen.open(address)


def test_a_sheet_is_one_page_of_paper_with_secrets_of_24_pixels(sheet):
    size = sheet.evaluate("getComputedStyle(document.querySelector('.secret')).fontSize")
    password = sheet.locator(".secret").last.inner_text()
    sheet.emulate_media(media="print")
    printed = pypdfium2.PdfDocument(sheet.pdf(prefer_css_page_size=True))
    words = printed[0].get_textpage().get_text_range()

    assert size == "24px"
    assert len(printed) == 1
    assert password in words
    assert "Ce que vous avez accepté" in words
    assert "Imprimez, puis" not in words and "Personne suivante" not in words


def test_a_sheet_left_does_not_come_back(sheet):
    password = sheet.locator(".secret").last.inner_text()
    send(sheet, "Personne suivante")
    sheet.evaluate("history.back()")
    sheet.wait_for_timeout(500)

    assert password not in sheet.content()
