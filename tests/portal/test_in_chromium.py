"""The pages of patients in a real browser: narrow and wide, light and dark, by keyboard, without scripts."""

import pytest
from django.urls import reverse
from django.utils import timezone

from dossiers import sharing
from tests.cast import LEFEVRE
from tests.documents.files import pdf
from tests.dossiers.conftest import CAMILLE_ANSWERS
from tests.history.cast import statement
from tests.portal.conftest import INSURED
from tests.portal.examining import examine, look

pytestmark = pytest.mark.browser

PASSWORD = "quatre tuiles bleues sous la pluie"
PUBLIC = ["home", "help", "accessibility", "privacy", "legal", "sitemap", "sign_in", "enrol", "enrol_counter"]


def test_public_pages(window):
    with window() as seen:
        for name in PUBLIC:
            page = seen.open(reverse(f"public:{name}"))
            assert seen.complaints == []
            look(page, lambda view, name=name: seen.picture(f"{name}-{view}"))
            seen.complaints.clear()  # axe itself writes styles that the policy refuses


def test_the_pages_of_a_patient(window, hers, deposited, history, imported, dossier_id):
    history.sends(statement(INSURED, lines=30))
    imported()
    document = deposited("Compte rendu de consultation", content=pdf("Tension 12/8", pages=2))
    deposited("Suivi", masked=True, days=400)
    grant = sharing.declare_agreement(dossier_id, by=LEFEVRE, at=timezone.now()).grant_id
    addresses = {
        "patient-accueil": "/mon-dmp/",
        "patient-documents": "/mon-dmp/documents/",
        "patient-document": f"/mon-dmp/documents/{document}/",
        "patient-soins": "/mon-dmp/soins/",
        "patient-import": "/mon-dmp/soins/import/",
        "patient-acces": "/mon-dmp/acces/",
        "patient-soignants": "/mon-dmp/soignants/",
        "patient-retirer": f"/mon-dmp/soignants/{grant}/retirer/",
        "patient-absent": "/mon-dmp/nulle-part/",
    }
    with window(signed_in=hers) as seen:
        for name, address in addresses.items():
            page = seen.open(address)
            assert not [said for said in seen.complaints if "404" not in said]
            look(page, lambda view, name=name: seen.picture(f"{name}-{view}"))
            seen.complaints.clear()


def answer(page, **typed):
    for field, value in typed.items():
        page.fill(f"#id_{field}", value)
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_dossier_is_opened_by_keyboard_alone(window, the_insurer, own_codes, scripts):
    with window(width=390, scripts=scripts) as seen:
        page = seen.open(reverse("public:enrol"))
        with page.expect_navigation():
            page.locator("main .button").first.press("Enter")
        answer(page, nir=CAMILLE_ANSWERS["nir"])
        answer(page, birth_name=CAMILLE_ANSWERS["birth_name"], given_name=CAMILLE_ANSWERS["given_name"])
        answer(page, birth_date_0="28", birth_date_1="3", birth_date_2="1979")
        answer(page, vitale_serial=CAMILLE_ANSWERS["vitale_serial"])
        with page.expect_navigation():
            page.locator("main .button").first.press("Enter")
        page.focus("#id_contact_0")
        page.keyboard.press("Space")
        answer(page)
        answer(page, code=the_insurer.codes[-1])
        answer(page, password=PASSWORD, again=PASSWORD)
        page.focus("#id_channel_0")
        page.keyboard.press("Space")
        answer(page, value="06 12 34 56 42")
        answer(page, code=own_codes[-1])
        with page.expect_navigation():
            page.locator("main a.button").first.press("Enter")
        page.focus("#id_agreed")
        page.keyboard.press("Space")
        answer(page)

        assert page.url.endswith("/mon-dmp/")
        assert page.inner_text("h1") == "Bienvenue Camille"


def test_a_mistake_takes_the_focus_and_leads_to_its_field(window):
    with window() as seen:
        page = seen.open(reverse("public:enrol"))
        with page.expect_navigation():
            page.locator("main .button").first.press("Enter")
        answer(page, nir="2 79 03")

        assert page.evaluate("document.activeElement.matches('[data-error-summary]')")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "id_nir"
        examine(page)


def test_the_first_key_leads_past_the_header(window):
    with window() as seen:
        page = seen.open(reverse("public:sign_in"))
        page.keyboard.press("Tab")

        assert page.evaluate("document.activeElement.textContent") == "Aller au contenu"


def test_an_import_that_ends_is_seen_without_touching_the_page(window, hers, history, imported):
    with window(signed_in=hers) as seen:
        page = seen.open("/mon-dmp/")
        assert "arrive" in page.inner_text("#arrivee")
        history.sends(statement(INSURED, lines=24))
        imported()

        page.wait_for_selector("#arrivee:has-text('24')", timeout=10_000)

        assert "hx-get" not in page.inner_html("#arrivee")
        assert seen.complaints == []


def test_a_menu_closes_with_escape_and_gives_the_focus_back(window, hers):
    with window(signed_in=hers) as seen:
        page = seen.open("/mon-dmp/")
        page.focus(".menu summary")
        page.keyboard.press("Enter")
        assert page.locator(".menu[open]").count() == 1
        page.keyboard.press("Escape")

        assert page.locator(".menu[open]").count() == 0
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_what_is_printed_has_neither_menus_nor_buttons(window, hers):
    with window(signed_in=hers) as seen:
        page = seen.open("/mon-dmp/acces/")
        page.emulate_media(media="print")

        assert not page.locator(".index").is_visible()
        assert page.locator(".print-only").is_visible()
