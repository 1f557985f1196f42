"""The real samples, counted independently from the XML: every line is read, none is invented."""

import os
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dossiers.opening import IMPORT_HISTORY
from history import sections
from history.cnam_hr import Rejected, Statement, read
from history.consultation import Phase, care_history
from jobs import queue
from tests.cast import NOON

from .cast import CAMILLE
from .conftest import holder_of
from .insurer import TOKEN, serving

pytestmark = pytest.mark.corpus

HL7 = "{urn:hl7-org:v3}"
FOLDER = os.environ.get("DMP_CORPORA")
if not FOLDER:
    pytest.skip("DMP_CORPORA does not say where the corpora are", allow_module_level=True)
SAMPLES = Path(FOLDER) / "cda-fr-ans-3.0"
FULL, EMPTY = SAMPLES / "CNAM-HR_2021.01.xml", SAMPLES / "CNAM-HR_2021.01_sans-info.xml"


def words(element: ElementTree.Element) -> list[str]:
    """The words of a cell in order, whatever stands between them."""
    return " ".join(element.itertext()).split()


def tables(path: Path) -> dict[str, list[list[list[str]]]]:
    """For each title of section, the rows of its table as an ordinary tree gives them."""
    document = ElementTree.parse(path)
    return {
        section.findtext(f"{HL7}title", ""): [
            [words(cell) for cell in row.findall(f"{HL7}td")]
            for row in section.findall(f"{HL7}text/{HL7}table/{HL7}tbody/{HL7}tr")
        ]
        for section in document.iter(f"{HL7}section")
    }


def shown(statement: Statement) -> dict[str, list[list[list[str]]]]:
    """The same, from what is read; sections without a marker lose its empty cell."""
    found = {}
    for section in statement.sections:
        form = sections.FORM[section.key]
        first = 1 if form.key == "hospitalisations" else 0
        found[form.title] = [[cell.split() for cell in line[first:]] for line in section.lines]
    return found


def test_every_line_of_the_sample_is_read_and_none_is_invented():
    expected = tables(FULL)
    del expected["Usage et Responsabilités"]

    found = shown(read(FULL.read_bytes()))

    assert found == expected
    assert sum(map(len, found.values())) == 25
    assert all(found.values())


def test_the_breaks_of_the_sample_are_kept():
    (medicines, *_) = read(FULL.read_bytes()).sections

    assert medicines.lines[0][4] == "LEVONORGESTREL\nETHYNILESTRADIOL"


def test_the_sample_without_care_is_a_dated_statement_of_nothing():
    statement = read(EMPTY.read_bytes())

    assert statement.line_count == 0
    assert statement.written_at.date().isoformat() == "2019-07-01"
    assert {section.note for section in statement.sections} == {sections.EMPTY}


def test_the_columns_of_the_samples_are_those_of_the_model():
    document = ElementTree.parse(FULL)
    for section in document.iter(f"{HL7}section"):
        headings = [heading.text for heading in section.iter(f"{HL7}th")]
        title = section.findtext(f"{HL7}title")
        expected = [form.columns for form in sections.FORMS if form.title == title]
        assert not headings or [heading.replace("'", "’") for heading in headings] == list(expected[0])


def readdressed(path: Path) -> bytes:
    """The sample, sent to Camille: her number, names, sex and date of birth, nothing else changed."""
    named = {
        "279035121518989": CAMILLE.ins[1],
        ">PAT-TROIS<": f">{CAMILLE.birth_name}<",
        ">DOMINIQUE MARIE-LOUISE<": f">{' '.join(CAMILLE.given_names)}<",
        ">DOMINIQUE<": f">{CAMILLE.given_names[0]}<",
        'birthTime value="19790328"': f'birthTime value="{CAMILLE.birth_date}"',
    }
    sample = path.read_text(encoding="utf-8")
    for old, new in named.items():
        assert old in sample
        sample = sample.replace(old, new)
    return sample.encode()


def as_shown(dossier_id) -> dict[str, list[list[list[str]]]]:
    history = care_history(dossier_id, by=holder_of(dossier_id), at=NOON)
    return {
        section.title: [
            [
                cell.split()
                for cell in ((line.marker,) if section.key != "hospitalisations" else ()) + line.cells
            ]
            for line in section.lines
        ]
        for section in history.sections
    }


def imported(dossier_id, path: Path, settings) -> None:
    settings.DMP_HISTORY_TOKEN = TOKEN
    with serving({CAMILLE.ins[1]: readdressed(path)}) as settings.DMP_HISTORY_URL:
        assert queue.work(queue.job_id_of(IMPORT_HISTORY, f"{dossier_id}:opening"))


def test_every_line_of_the_sample_goes_through_the_house_to_its_holder(dossier_id, settings):
    expected = tables(FULL)
    del expected["Usage et Responsabilités"]

    imported(dossier_id, FULL, settings)

    assert as_shown(dossier_id) == expected


def test_the_sample_without_care_tells_its_holder_the_day_on_which_there_was_none(dossier_id, settings):
    imported(dossier_id, EMPTY, settings)

    history = care_history(dossier_id, by=holder_of(dossier_id), at=NOON)
    assert (history.total, history.state.phase) == (0, Phase.DONE)
    assert history.dated_on == date(2019, 7, 1)
    assert {section.note for section in history.sections} == {sections.EMPTY}


def test_the_sample_as_it_is_enters_nobody_s_dossier(dossier_id, settings):
    settings.DMP_HISTORY_TOKEN = TOKEN
    with serving({CAMILLE.ins[1]: FULL.read_bytes()}) as settings.DMP_HISTORY_URL:
        queue.work(queue.job_id_of(IMPORT_HISTORY, f"{dossier_id}:opening"))

    history = care_history(dossier_id, by=holder_of(dossier_id), at=NOON)
    assert (history.state.phase, history.sections) == (Phase.HELD, ())


OTHERS = sorted(path for path in SAMPLES.glob("*.xml") if not path.name.startswith("CNAM-HR"))


def test_no_other_document_passes_for_a_care_history():
    for path in OTHERS:
        with pytest.raises(Rejected):
            read(path.read_bytes())
