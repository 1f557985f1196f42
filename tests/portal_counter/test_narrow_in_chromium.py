"""On a telephone a doctor reads the dossier, not its header."""

import re

import pytest

from tests.portal.examining import WIDER, examine, set_wide

from .conftest import open_for, said

pytestmark = pytest.mark.browser

HEADERS = """() => Math.max(...[...document.querySelectorAll(".site-header, .patient-banner")]
    .map((part) => part.getBoundingClientRect().bottom))"""
SEVENTH = 0.15 * 844
CUT = """() => [...document.querySelectorAll(".patient-banner :is(.patient-name, p, dt, dd, a)")]
    .filter((part) => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== "inline")
    .map((part) => part.textContent)"""
OVERLAID = """() => {
    const boxes = [...document.querySelectorAll(".patient-banner :is(.patient-name, p, .ins, .actions)")]
        .map((part) => part.getBoundingClientRect());
    return boxes.some((one, at) => boxes.slice(at + 1).some((other) =>
        one.left < other.right && other.left < one.right
        && one.top < other.bottom - 1 && other.top < one.bottom - 1));
}"""
PEOPLE = {
    "bernard": {"birth_name": "Lacoste", "birth_date": "02/09/1938"},
    "jeannine": {"birth_name": "Boyer", "birth_date": "11/05/1945"},  # who has another name than at birth
}


def test_the_header_of_a_dossier_takes_a_seventh_of_a_telephone(window, lefevre, pharmacist):
    """Whatever the letters of that telephone are, and all that says whose dossier it is is there to read."""
    with window(width=390, signed_in=lefevre) as seen:
        for card, answers in PEOPLE.items():
            open_for(pharmacist, card)
            found = said(lefevre.post("/pro/", {"par": "nom", **answers}))
            dossier = re.search(r"/pro/dossiers/[0-9a-f-]{36}/", found)[0]
            lefevre.post(f"{dossier}accord/")
            for name in ("", "soins/", "deposer/", "accord/") if card == "bernard" else ("",):
                shown = seen.open(dossier + name)
                seen.picture(f"pro-etroit-{card}-{name.strip('/')}")
                assert shown.evaluate(HEADERS) <= SEVENTH, name
                assert "INS" in shown.inner_text(".patient-banner")
                assert "Jusqu" in shown.inner_text(".patient-banner")
                examine(shown)
                set_wide(shown)
                seen.picture(f"pro-etroit-large-{card}-{name.strip('/')}")
                assert shown.evaluate(HEADERS) <= SEVENTH, f"{name}, set wide"
                for width in (390, 360, 320):
                    shown.set_viewport_size({"width": width, "height": 844})
                    seen.picture(f"pro-etroit-large-{card}-{name.strip('/')}-{width}")
                    assert shown.evaluate(WIDER) <= 0, (name, width)
                    assert shown.evaluate(CUT) == [] and not shown.evaluate(OVERLAID), (name, width)
                shown.set_viewport_size({"width": 390, "height": 844})
