"""The lines of long lists are safe, say their states, and cost little."""

from dataclasses import replace
from datetime import date
from time import thread_time
from uuid import UUID

import pytest

from access.policy import Status
from documents import days
from documents.consultation import Summary
from history import sections
from history.consultation import LineShown, SectionShown
from portal.lines import care_entries, care_lines, documents_by_year
from tests.cast import NOON
from tests.conscience import faults

ON = date(2026, 11, 12)
SUMMARY = Summary(
    id=UUID(int=1, version=4),
    type_code="11502-2",
    type_label="Compte rendu d’examens biologiques",
    class_code="11",
    icon="flask",
    title="Résultats de biologie",
    author="Dr Anne LEFÈVRE",
    structure="Cabinet des Tilleuls",
    created_on=ON,
    day=days.day(ON),
    deposited_at=NOON,
    masked=False,
    withheld=False,
    status=Status.AVAILABLE,
    verdict="",
    mine=False,
    is_history=False,
)


def shown(**changes):
    [year] = documents_by_year([replace(SUMMARY, **changes)], address=lambda one: f"/d/{one.id}/")
    return year.lines


def test_a_line_says_when_what_and_who():
    line = shown()

    assert '<time datetime="2026-11-12"><b>12</b> nov.</time>' in line
    assert f'href="/d/{SUMMARY.id}/">Résultats de biologie</a>' in line
    assert "Cabinet des Tilleuls, Dr Anne Lefèvre" in line
    assert faults(line) == []


@pytest.mark.parametrize("column", ["title", "author", "structure"])
def test_what_somebody_wrote_cannot_write_html(column):
    assert "<b>x" not in shown(**{column: "<b>x</b>"})


@pytest.mark.parametrize(
    ("state", "said"),
    [({"masked": True}, "Masqué"), ({"status": Status.QUARANTINE}, "En cours de vérification")],
)
def test_a_state_is_a_word_not_a_colour(state, said):
    assert f"{said}</span>" in shown(**state)


def test_what_is_being_checked_cannot_be_opened_yet():
    assert "<a " not in shown(status=Status.QUARANTINE)


def test_years_stand_apart():
    older = replace(SUMMARY, day=days.day(date(2025, 1, 1)))

    assert [year.year for year in documents_by_year([SUMMARY, older], address=str)] == ["2026", "2025"]


def test_fifty_lines_cost_less_than_a_millisecond_and_a_half():
    fifty = [replace(SUMMARY, title=f"Compte rendu {n}") for n in range(50)]
    documents_by_year(fifty, address=lambda one: f"/d/{one.id}/")
    best = min(_time(fifty) for _ in range(20))

    assert best < 0.0015


def _time(summaries):
    began = thread_time()
    documents_by_year(summaries, address=lambda one: f"/d/{one.id}/")
    return thread_time() - began


def section(key, *lines):
    form = sections.FORM[key]
    return SectionShown(key=key, title=form.title, columns=form.columns, lines=lines, note="")


@pytest.mark.parametrize("key", sections.FORM)
def test_every_cell_of_every_section_is_shown_beside_its_column(key):
    columns = sections.FORM[key].columns
    cells = ("12/11/2026", *(f"cellule {n}" for n in range(1, len(columns))))

    html = care_entries(section(key, LineShown("", cells)))

    assert all(cell in html for cell in cells[1:])
    assert html.count("<dt>") == len(columns) - 2
    assert "<b>12</b> nov.</time><span>2026</span>" in html


def test_a_stay_keeps_the_words_of_its_period():
    html = care_entries(
        section("hospitalisations", LineShown("", ("du 15/05/2019 au 30/05/2019", "Séjour", "Clinique")))
    )

    assert "<b>15</b> mai" in html
    assert "du 15/05/2019 au 30/05/2019" in html


def test_what_was_done_in_hospital_says_so():
    html = care_entries(section("biologie", LineShown("H", ("12/11/2026", "0552", "Glycémie", "Labo", ""))))

    assert "Hôpital</span>" in html


def test_a_date_that_is_none_is_shown_as_it_came():
    html = care_entries(section("biologie", LineShown("", ("inconnue", "0552", "Glycémie", "Labo", ""))))

    assert "inconnue" in html


WRITTEN = {
    "a stay that goes on": ("Depuis le 12/03/2026, séjour en cours", "<b>12</b> mars"),
    "months that no calendar has": ("05/13/2026", ""),
    "a day that no calendar has": ("31/02/2026", ""),
    "a month": ("11/2024", '<time datetime="2024-11">nov.</time><span>2024</span>'),
    "a year": ("2024", '<span><time datetime="2024">2024</time></span>'),
    "a day and a word": ("le 12/04/2019", "<b>12</b> avr."),
    "two days": ("du 30/12/2024 au 02/01/2025", "<b>30</b> déc."),
    "no date": ("en cours", ""),
    "a long number": ("112/03/20260", ""),
}


@pytest.mark.parametrize(("cell", "understood"), WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("key", sections.FORM)
def test_a_date_is_shown_as_it_was_written_beside_what_is_understood(key, cell, understood):
    columns = sections.FORM[key].columns
    cells = (cell, *(f"cellule {n}" for n in range(1, len(columns))))

    patient = care_entries(section(key, LineShown("", cells)))
    professional = care_lines(columns, [("", cells)])

    assert cell in patient and cell in professional
    assert understood in patient
    assert understood or '<p class="entry-when"></p>' in patient


def test_a_deleted_text_is_not_a_current_one():
    cells = ("12/11/2026", "0552", "\x0eGlycémie <b>\x0f\x10Créatinine\x11", "Labo", "")

    for html in (
        care_entries(section("biologie", LineShown("", cells))),
        care_lines(sections.FORM["biologie"].columns, [("", cells)]),
    ):
        assert '<del><span class="visually-hidden">supprimé : </span>Glycémie &lt;b&gt;' in html
        assert '<ins><span class="visually-hidden">ajouté : </span>Créatinine' in html
        assert not set(html) & set("\x0e\x0f\x10\x11")


def test_a_date_that_was_deleted_is_not_the_one_understood():
    cells = ("\x0e11/11/2026\x0f\x1012/11/2026\x11", "0552", "Glycémie", "Labo", "")

    html = care_entries(section("biologie", LineShown("", cells)))

    assert "<b>12</b> nov." in html
    assert "11/11/2026" in html and "12/11/2026" in html
