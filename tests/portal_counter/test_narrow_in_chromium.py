"""On a telephone a doctor reads the dossier, not its header."""

import pytest

from tests.portal.examining import examine

from .conftest import open_for
from .test_in_chromium import bernard_of

pytestmark = pytest.mark.browser

HEADERS = """() => Math.max(...[...document.querySelectorAll(".site-header, .patient-banner")]
    .map((part) => part.getBoundingClientRect().bottom))"""


def test_the_header_of_a_dossier_takes_a_seventh_of_a_telephone(window, lefevre, pharmacist):
    open_for(pharmacist, "bernard")
    dossier = bernard_of(lefevre)
    lefevre.post(f"{dossier}accord/")
    with window(width=390, signed_in=lefevre) as seen:
        for name in ("", "soins/", "deposer/", "accord/"):
            shown = seen.open(dossier + name)
            seen.picture(f"pro-etroit-{name.strip('/')}")
            assert shown.evaluate(HEADERS) <= 0.15 * 844, name
            assert "INS" in shown.inner_text(".patient-banner")
            assert "Jusqu" in shown.inner_text(".patient-banner")
            examine(shown)
