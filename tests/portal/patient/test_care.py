"""Camille reads what the Assurance Maladie reimbursed."""

import re

import pytest

from history import cnam_hr, sections
from tests.history.cast import statement
from tests.portal.conftest import INSURED
from tests.portal.patient.test_home import text

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


def test_a_date_of_no_calendar_and_a_period_known_in_part_are_shown_as_they_came(hers, history, imported):
    sent = statement(INSURED, lines=40).decode()
    day = re.search(r"<td>(\d\d/\d\d/\d{4})</td>", sent)[1]
    sent = sent.replace(f"<td>{day}</td>", "<td>05/13/2026</td>", 1)
    sent = sent.replace('<low value="20241121"/>', '<low value="202410"/>', 1)
    history.sends(sent.encode())
    imported()

    page = text(hers, CARE)

    assert "05/13/2026" in page
    assert "d’octobre\u00a02024 au 21\u00a0novembre\u00a02026" in page


def test_lines_that_came_as_lists_are_not_told_as_no_care(hers, history, imported):
    sent = statement(INSURED, lines=0).decode()
    nothing = "Aucune donnée de remboursement connue dans la période"
    history.sends(sent.replace(nothing, "<list><item>12/03/2026 DOLIPRANE</item></list>").encode())
    imported()

    page = text(hers, CARE)

    assert "Aucun soin remboursé" not in page
    assert "n’a pas la forme prévue" in page
