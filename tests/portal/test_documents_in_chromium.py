"""What documents say, in a real browser: narrow and wide, light and dark; and the form that takes them."""

import re

import pytest
from django.urls import reverse

from documents import nomenclature
from tests.cast import LEFEVRE
from tests.documents.files import cda, pdf
from tests.documents.test_overlays import fields, typed
from tests.portal.conftest import INSURED
from tests.signing_in import client_of

from .examining import examine, look

pytestmark = pytest.mark.browser

SAID = """<paragraph>Traitement : <content revised="delete">AMOXICILLINE 3 g/j</content>
<content revised="insert">AZITHROMYCINE 500 mg/j</content></paragraph>
<table><caption>Bilan</caption><thead><tr><th>Examen</th><th>Résultat</th></tr></thead><tbody><tr>
<td>HbA1c</td>
<td>7,2 %<footnote>contrôlée</footnote> <content revised="delete">8,1 %</content></td></tr></tbody></table>
<paragraph>Images : <linkHtml href="https://images.example.org/etude/123">cliquer ici</linkHtml></paragraph>
<paragraph><linkHtml href="https://images.example.org/LONG"/></paragraph>""".replace(
    "LONG", "0123456789" * 40
)


def of(insured, narrative: str) -> bytes:
    """A CDA about whoever the insurer knows."""
    traits = insured.traits
    return cda(
        narrative,
        ins=insured.ins[1],
        oid=insured.ins[0],
        family=traits.birth_name,
        given=traits.given_names[0],
        sex=traits.sex,
        birth=traits.birth_date,
    )


def test_documents_say_what_they_say(window, hers, deposited):
    letter = deposited("Lettre", content=of(INSURED, SAID), media_type="")
    filled = deposited("Formulaire", content=pdf("Taux", change=fields(typed("HbA1c 11,4 %"))))
    with window(signed_in=hers) as seen:
        for name, document, words in (
            ("revised", letter, "cliquer ici (https://images.example.org/etude/123)"),
            ("filled", filled, "Déposé par Dr Anne Lefèvre"),
        ):
            page = seen.open(f"/mon-dmp/documents/{document}/")
            assert seen.complaints == []
            assert words in " ".join(page.inner_text("main").split())
            look(page, lambda view, name=name: seen.picture(f"document-{name}-{view}"))
            seen.complaints.clear()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_form_says_what_it_takes_and_what_to_do(window, width, dossier_id):
    with window(width=width, signed_in=client_of(LEFEVRE)) as seen:
        page = seen.open(reverse("professional:deposit", args=[dossier_id]))
        seen.picture(f"deposit-{width}")
        assert "Un PDF, ou un document CDA" in page.inner_text("main")
        examine(page)
        page.set_input_files(
            "#id_content", {"name": "lettre.pdf", "mimeType": "application/pdf", "buffer": of(INSURED, SAID)}
        )
        page.fill("#id_type", nomenclature.TYPES["11488-4"].label)
        with page.expect_navigation():
            page.locator("main button.button").first.click()
        seen.picture(f"deposit-refused-{width}")

        assert re.search(r"finit par «\s\.pdf\s», mais il contient un document CDA", page.inner_text("main"))
        seen.complaints.clear()
        examine(page)
