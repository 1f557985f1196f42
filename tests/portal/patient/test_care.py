"""Camille reads what the Assurance Maladie reimbursed."""

import pytest

from history import cnam_hr, sections
from tests.history.cast import statement
from tests.portal.conftest import INSURED

pytestmark = pytest.mark.django_db

CARE = "/mon-dmp/soins/"


def test_every_line_of_the_seven_sections_is_shown_and_none_other(hers, history, imported):
    sent = statement(INSURED, lines=40)
    history.sends(sent)
    imported()

    page = hers.get(CARE).content.decode()

    lines = [line for section in cnam_hr.read(sent).sections for line in section.lines]
    assert page.count('<li class="entry">') == len(lines) == 40
    for form in sections.FORMS:
        assert f'id="{form.key}"' in page


def test_a_statement_without_care_is_dated(hers, history, imported):
    history.sends(statement(INSURED, empty=True, lines=None))
    imported()

    page = hers.get(CARE).content.decode()

    assert "Aucun soin remboursé" in page
    assert "21\u00a0novembre\u00a02026" in page


def test_before_anything_came_the_page_says_where_it_stands(hers):
    assert "Votre parcours de soins arrive" in hers.get(CARE).content.decode()
