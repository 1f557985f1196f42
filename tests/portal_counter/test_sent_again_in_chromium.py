"""The counter's forms in a real browser: double clicks, two tabs, the browser's own button. Nothing is done
twice, nothing is lost, and one is always led where the visit stands."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from sandbox.population import ELISE, JEANNINE

from .conftest import receive, work
from .test_waking import messages

pytestmark = pytest.mark.browser

STAGES = re.compile(r"/guichet/[0-9a-f-]{36}/(accord|code|fiche|existe)/$")


def press_twice(page, words):
    """As a hand that doubts does: the second click comes while the first is being answered."""
    place = page.get_by_role("button", name=words).first
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    for _ in range(2):
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def at(page, stage):
    expect(page).to_have_url(re.compile(f"/{stage}/$"), timeout=15_000)
    page.wait_for_load_state()


def dossiers_of(database):
    with database.superuser() as connection:
        return connection.execute("SELECT count(*) FROM dossiers_dossier").fetchone()[0]


@pytest.mark.parametrize("scripts", [False, True], ids=["without scripts", "with scripts"])
def test_every_button_pressed_twice_opens_one_dossier_and_sends_one_code(
    window, world, roy, real_database, scripts
):
    there = len(messages(world, "0639984466"))
    with window(width=390, scripts=scripts, signed_in=roy) as seen:
        page = seen.open(reverse("counter:home"))
        press_twice(page, "Jeannine Combes")
        expect(page).to_have_url(re.compile(r"/guichet/[0-9a-f-]{36}/$"))
        page.wait_for_load_state()
        work("dossiers.ask_contacts")
        press_twice(page, "sa carte d’identité")
        at(page, "accord")
        page.check("#id_agreed", force=True)
        page.fill("#id_other", "06 39 98 44 66")
        press_twice(page, "C’est le sien")
        at(page, "code")
        work("notices.code")
        [sent] = messages(world, "0639984466")[: len(messages(world, "0639984466")) - there]
        page.fill("#id_code", re.search(r"(?<!\d)\d{6}(?!\d)", sent)[0])
        press_twice(page, "Ouvrir le dossier")
        at(page, "fiche")
        login, password = page.locator("dd.secret").all_inner_texts()[1:]
        page.reload()
        assert page.locator("dd.secret").all_inner_texts()[1:] == [login, password], "the same sheet"
        assert dossiers_of(real_database) == 1
        press_twice(page, "Personne suivante")
        expect(page).to_have_url(re.compile(r"/guichet/$"))


def test_two_tabs_of_one_visit_are_led_where_it_stands(window, world, roy):
    with window(width=390, signed_in=roy) as seen:
        page, other = seen.page, seen.page.context.new_page()
        visit = receive(roy, ELISE.slug)
        for tab in (page, other):
            tab.goto(seen.house + visit)
        press(page, "sa carte d’identité")
        at(page, "accord")
        press(other, "son passeport")  # said again, elsewhere: one goes on
        at(other, "accord")
        for tab in (page, other):
            tab.check("#id_agreed", force=True)
        press(page, re.compile(r"06 \*\* \*\* \*\* 07"))
        at(page, "code")
        press(other, re.compile("Rien pour l’instant"))
        at(other, "fiche")
        for words in ("Ouvrir le dossier et son accès", "Le code n’arrive pas", "Servir le suivant"):
            page.goto(seen.house + visit + "code/")
            assert STAGES.search(page.url), "the visit has its sheet: every page leads there"
            at(page, "fiche")
            assert page.get_by_role("button", name=words).count() == 0
        press(other, "Personne suivante")
        page.reload()
        assert page.inner_text("h1") == "Cette visite est terminée"


def test_what_the_other_tab_still_shows_is_answered_by_the_sheet(window, roy):
    """Each button of a code page left open, once the visit has its sheet."""
    with window(width=390, signed_in=roy) as seen:
        page = seen.page
        visit = receive(roy, JEANNINE.slug)
        seen.open(visit)
        press(page, "sa carte d’identité")
        page.check("#id_agreed", force=True)
        page.fill("#id_other", "06 39 98 44 66")
        press(page, "C’est le sien")
        at(page, "code")
        others = [page.context.new_page() for _ in range(3)]
        for tab in others:
            tab.goto(page.url)
        press(page, "Le code n’arrive pas")
        at(page, "fiche")
        secrets = page.locator("dd.secret").all_inner_texts()
        others[0].fill("#id_code", "000000")
        for tab, words in zip(others[:2], ("Ouvrir le dossier", "Le code n’arrive pas"), strict=True):
            press(tab, words)
            at(tab, "fiche")
            assert tab.locator("dd.secret").all_inner_texts() == secrets
        press(others[2], "Servir le suivant")
        expect(others[2].locator("h1")).to_be_visible()


def test_the_browsers_button_brings_back_to_where_the_visit_stands(window, roy):
    with window(width=390, signed_in=roy) as seen:
        page = seen.page
        seen.open(receive(roy, ELISE.slug))
        press(page, "sa carte d’identité")
        page.check("#id_agreed", force=True)
        press(page, re.compile(r"06 \*\* \*\* \*\* 07"))
        at(page, "code")
        page.go_back()
        at(page, "accord")
        assert page.is_checked("#id_agreed"), "what was ticked stays"
        press(page, re.compile("Un autre|el.*@courriel.example"))
        at(page, "code")
        page.go_back()
        page.go_back()
        page.go_forward()
        page.wait_for_load_state()
        assert STAGES.search(page.url)
        seen.open(re.sub("accord|existe", "code", page.url.removeprefix(seen.house)))
        press(page, "Le code n’arrive pas")
        at(page, "fiche")
        page.go_back()
        at(page, "fiche")


def press(page, words):
    with page.expect_navigation():
        page.get_by_role("button", name=words).first.click()
