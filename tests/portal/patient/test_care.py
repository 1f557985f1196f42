"""Camille reads what the Assurance Maladie reimbursed."""

import html
import re
from collections import Counter

import pytest
from django.urls import reverse
from django.utils import timezone

from dossiers import sharing
from history import cnam_hr, days, sections
from jobs import queue
from tests.cast import LEFEVRE
from tests.history.cast import statement
from tests.history.conftest import import_again
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


def words_of(page: str) -> Counter:
    page = re.sub(r"<[^>]*>", " ", page)
    return Counter(re.findall(r"[\w/.’'-]+", html.unescape(page)))


def test_no_word_of_a_cell_is_lost_to_the_patient_nor_to_her_doctor(
    hers, history, imported, dossier_id, entered
):
    sent = statement(INSURED, lines=60).decode()
    for day, written in zip(
        dict.fromkeys(re.findall(r"<td>(\d\d/\d\d/\d{4})</td>", sent)),
        ("05/13/2026", "11/2024", "2024", "Depuis le 12/03/2026, en cours", "31/02/2026"),
        strict=False,
    ):
        sent = sent.replace(f"<td>{day}</td>", f"<td>{written}</td>", 1)
    history.sends(sent.encode())
    imported()
    sharing.declare_agreement(dossier_id, by=LEFEVRE, at=timezone.now())
    lines = [line for section in cnam_hr.read(sent.encode()).sections for line in section.lines]
    told = Counter(
        word
        for line in lines
        for cell in line[1:]
        for word in re.findall(r"[\w/.’'-]+", cell)
        if not days.says_only_a_day(cell)
    )

    for reader, address in (
        (hers, CARE),
        (entered(LEFEVRE), reverse("professional:care", args=[dossier_id])),
    ):
        assert told - words_of(reader.get(address).content.decode()) == Counter()


def test_a_doctor_reads_that_a_newer_statement_was_asked_for_and_why_it_is_not_here(
    hers, history, imported, dossier_id, entered
):
    sharing.declare_agreement(dossier_id, by=LEFEVRE, at=timezone.now())
    history.sends(statement(INSURED, lines=12))
    imported()
    history.says(401)
    queue.work(import_again(dossier_id, idem="again"))

    page = text(entered(LEFEVRE), reverse("professional:care", args=[dossier_id]))

    assert "L’Assurance Maladie refuse la clé de ce service." in page
    assert "12\u00a0lignes" in page
    assert "Ce qui était déjà reçu reste lisible" in text(hers, CARE)
