"""A care history is read whole, as shown, or rejected with a code."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from history import sections
from history.cnam_hr import Rejected, Statement, read
from sandbox import statements

from .cast import CAMILLE, SINCE, UNTIL, statement


def rejection(data: bytes) -> str:
    with pytest.raises(Rejected) as rejected:
        read(data)
    return rejected.value.code


def cells(statement: Statement, key: str) -> tuple[tuple[str, ...], ...]:
    return next(section.lines for section in statement.sections if section.key == key)


def with_table(table: str, *, key: str = "Biologie") -> bytes:
    """A statement whose section of that title shows this narrative instead of its own."""
    written = statement(lines=0).decode()
    before, title, after = written.partition(f"<title>{key}</title>")
    return (
        before + title + re.sub(r"<text.*?</text>", f"<text>{table}</text>", after, count=1, flags=re.S)
    ).encode()


def biology(rows: str, *, headings: str | None = None) -> str:
    headings = headings or (
        "<th colspan=\"2\">Date de l'acte</th><th>Code de l'acte</th><th>Libellé de l'acte</th>"
        "<th>Réalisé par</th><th>Établissement</th>"
    )
    return f"<table><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table>"


ROW = "<tr><td/><td>03/02/2026</td><td>1104</td><td>HEMOGRAMME</td><td>LABORATOIRE</td><td> </td></tr>"


def test_everything_that_a_statement_says_of_itself_is_read():
    received = read(statement(version=3, written_at=datetime(2026, 11, 21, 21, 30)))

    assert (received.ins.oid, received.ins.value) == CAMILLE.ins
    assert received.traits.birth_name == "MARTIN-DUPRÉ"
    assert received.traits.given_names == ("CAMILLE", "ANNE")
    assert (received.traits.sex, received.traits.birth_date) == ("F", "19840517")
    assert received.traits.used_name == "LEROY"
    assert received.traits.birth_place == "38185"
    assert (received.period_start, received.period_end) == (SINCE, UNTIL)
    assert received.written_at == datetime(2026, 11, 21, 20, 30, tzinfo=UTC)
    assert received.version == 3
    assert received.document_id == f"{received.set_id}.3"
    assert received.mention == "\n".join(statements.MENTION)
    assert [section.key for section in received.sections] == [form.key for form in sections.FORMS]


def test_each_line_has_a_marker_and_a_cell_for_each_column():
    received = read(statement(lines=120))

    assert received.line_count == 120
    for section in received.sections:
        assert section.lines
        assert {len(line) for line in section.lines} == {len(sections.FORM[section.key].columns) + 1}


def test_the_h_of_a_stay_in_hospital_is_kept_in_the_first_unnamed_column():
    received = read(statement(lines=120))

    assert {line[0] for line in cells(received, "radiologie")} == {"", "H"}
    assert {line[0] for line in cells(received, "hospitalisations")} == {""}


def test_breaks_inside_a_cell_separate_what_it_lists():
    rows = ROW.replace("HEMOGRAMME", "HEMOGRAMME<br/>PLAQUETTES<br/><br/>  et \n autres<br/>")

    received = read(with_table(biology(rows)))

    assert cells(received, "biologie")[0][3] == "HEMOGRAMME\nPLAQUETTES\net autres"


def test_a_line_break_of_the_file_is_no_break_of_the_cell():
    received = read(with_table(biology(ROW.replace("HEMOGRAMME", "HEMO<content>\n</content>GRAMME"))))

    assert cells(received, "biologie")[0][3] == "HEMO GRAMME"


def test_markup_in_a_cell_is_text_and_so_it_stays():
    received = read(with_table(biology(ROW.replace("HEMOGRAMME", "&lt;script&gt; &amp; 5 &gt; 3"))))

    assert cells(received, "biologie")[0][3] == "<script> & 5 > 3"


def test_columns_are_told_by_their_headings_whatever_their_order():
    headings = (
        "<th>CODE DE L’ACTE</th><th colspan=\"2\">Date de l'acte</th><th>Libellé de l'acte</th>"
        "<th>Réalisé par</th><th>etablissement</th>"
    )
    rows = "<tr><td>1104</td><td>H</td><td>03/02/2026</td><td>HEMOGRAMME</td><td>LABO</td><td>CH</td></tr>"

    received = read(with_table(biology(rows, headings=headings)))

    assert cells(received, "biologie") == (("H", "03/02/2026", "1104", "HEMOGRAMME", "LABO", "CH"),)


def test_two_identical_lines_are_two_acts():
    assert len(cells(read(with_table(biology(ROW * 2))), "biologie")) == 2


def test_words_beside_a_table_are_kept():
    received = read(with_table(f"<paragraph>À lire.</paragraph>{biology(ROW)}"))
    section = received.sections[-1]

    assert (section.note, len(section.lines)) == ("À lire.", 1)


def test_a_statement_of_nothing_says_so_in_each_section():
    received = read(statement(empty=True))

    assert received.line_count == 0
    assert {section.note for section in received.sections} == {sections.EMPTY}


def test_lunar_dates_of_birth_stay_as_they_are():
    assert read(statement(CAMILLE.but(birth_date="19841331"))).traits.birth_date == "19841331"


def test_the_narrative_is_what_is_read_not_the_coded_entries():
    written = statement(lines=24).decode()
    altered = re.sub(
        r'displayName="[^"]*" codeSystem="1\.2\.250\.1\.215',
        'displayName="AUTRE" codeSystem="1.2.250.1.215',
        written,
    )

    assert altered != written
    assert read(altered.encode()).sections == read(written.encode()).sections


def test_a_guardian_named_inside_the_patient_is_not_the_patient():
    name = b"<name><family qualifier='BR'>AUTRE</family></name>"
    guardian = b"<guardian><guardianPerson>" + name + b"</guardianPerson></guardian>"

    received = read(statement().replace(b"<birthplace>", guardian + b"<birthplace>"))

    assert received.traits == read(statement()).traits


# --- What is rejected -----------------------------------------------------------------------------

TABLES = {
    "a column is missing": ("wrong_columns", biology(ROW, headings='<th colspan="2">Date de l\'acte</th>')),
    "a column is unknown": (
        "wrong_columns",
        biology(
            ROW,
            headings='<th colspan="2">Date</th><th>Prix</th><th>Libellé de l\'acte</th><th>R</th><th>E</th>',
        ),
    ),
    "a line is too short": ("wrong_table", biology("<tr><td>03/02/2026</td><td>1104</td></tr>")),
    "a line is too long": ("wrong_table", biology(ROW.replace("<tr>", "<tr><td/>"))),
    "a cell runs over lines": ("wide_cell", biology(ROW.replace("<td/>", '<td rowspan="2"/>', 1))),
    "a table is inside a table": (
        "wrong_table",
        biology(ROW.replace("<td/>", f"<td>{biology(ROW)}</td>", 1)),
    ),
    "there is no heading": ("wrong_columns", f"<table><tbody>{ROW}</tbody></table>"),
    "a span is senseless": ("wide_cell", biology(ROW.replace("<td/>", '<td colspan="99999999"/>', 1))),
    "a picture is shown": ("unknown_markup", '<renderMultiMedia referencedObject="x"/>'),
    "nothing is said": ("missing_narrative", ""),
}


@pytest.mark.parametrize(("code", "table"), TABLES.values(), ids=TABLES)
def test_a_table_that_is_not_the_model_s_is_rejected_rather_than_guessed(code: str, table: str):
    assert rejection(with_table(table)) == code


def changed(old: str, new: str, *, count: int = -1) -> bytes:
    written = statement().decode()
    assert old in written
    return written.replace(old, new, count).encode()


def section_of(title: str) -> str:
    written = statement().decode()
    end = written.index("</component>", written.index(f"<title>{title}</title>")) + len("</component>")
    return written[written.rindex("<component>", 0, end) : end]


WRONG = {
    "another template": (
        "wrong_template",
        changed('root="1.2.250.1.213.1.1.1.36"', 'root="1.2.250.1.213.1.1.1.37"'),
    ),
    "another type": ("wrong_type", changed('code="REMB"', 'code="CRBIO"')),
    "another author": ("wrong_author", changed('code="ALIM_AM"', 'code="G15_10"')),
    "a wrong NIR key": (
        "bad_nir",
        changed(CAMILLE.ins[1], f"{CAMILLE.number}{int(CAMILLE.ins[1][-2:]) % 97 + 1:02d}"),
    ),
    "an INS under no known OID": ("no_ins", changed(CAMILLE.oid, "1.2.3.4")),
    "no birth name": ("no_traits", changed('<family qualifier="BR">', '<family qualifier="SP">')),
    "no version": ("no_version", changed('<versionNumber value="1"/>', '<versionNumber nullFlavor="UNK"/>')),
    "no period": ("no_period", changed('<low value="20241121"/>', '<low nullFlavor="UNK"/>', count=1)),
    "a date of no calendar": ("bad_date", changed('<high value="20261121"/>', '<high value="20261331"/>')),
    "a section missing": ("missing_section", changed(section_of("Radiologie"), "")),
    "a section twice": ("duplicate_section", changed(section_of("Radiologie"), section_of("Radiologie") * 2)),
    "a section unknown": ("unknown_section", changed('code="11369-6"', 'code="11369-9"')),
    "acts of no known kind": (
        "unknown_section",
        changed('code="18726-0"', 'code="00000-0"').replace(
            b"<title>Radiologie</title>", b"<title>Autre</title>"
        ),
    ),
    "two patients": ("several_patients", changed("</recordTarget>", "</recordTarget><recordTarget/>")),
    "the namespace of nobody": ("wrong_template", changed('xmlns="urn:hl7-org:v3"', 'xmlns="urn:x"')),
    "a section in a section": (
        "wrong_section",
        changed("</section>", "<component><section/></component></section>"),
    ),
}


@pytest.mark.parametrize(("code", "data"), WRONG.values(), ids=WRONG)
def test_a_document_that_is_not_a_care_history_is_rejected(code: str, data: bytes):
    assert rejection(data) == code


# --- Hostile input --------------------------------------------------------------------------------

ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
HOSTILE = {
    "XXE": ("doctype", lambda: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
    "external DTD": ("doctype", lambda: b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>'),
    "billion laughs": ("doctype", lambda: f'<!DOCTYPE a [<!ENTITY l0 "ha">{ENTITIES}]><a>&l11;</a>'.encode()),
    "200 000 levels": ("too_deep", lambda: b'<ClinicalDocument xmlns="urn:hl7-org:v3">' + b"<a>" * 200_000),
    "a million elements": (
        "too_many_elements",
        lambda: b'<ClinicalDocument xmlns="urn:hl7-org:v3">' + b"<id/>" * 1_000_000 + b"</ClinicalDocument>",
    ),
    "cut in the middle": ("truncated", lambda: statement()[:20_000]),
    "cut at the end": ("truncated", lambda: statement()[:-30]),
    "nothing at all": ("not_xml", lambda: b""),
    "not XML": ("not_xml", lambda: b"%PDF-1.7 \x00\xff"),
    "100 MB": ("too_large", lambda: b" " * 100_000_000),
    "10 MB in one cell": (
        "too_much_text",
        lambda: with_table(biology(ROW.replace("HEMOGRAMME", "HEMO " * 2_000_000))),
    ),
    "100 000 breaks in one cell": (
        None,
        lambda: with_table(biology(ROW.replace("HEMOGRAMME", "x<br/>" * 100_000))),
    ),
    "15 000 lines": (None, lambda: with_table(biology(ROW * 15_000))),
}


@pytest.mark.parametrize(("code", "write"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_input_is_answered_within_a_second(code: str | None, write: Callable[[], bytes]):
    data = write()
    started = time.process_time()

    if code is None:
        read(data)
    else:
        assert rejection(data) == code

    assert time.process_time() - started < 1


MEASURED = """
import re, sys
from history.cnam_hr import Rejected, read
try:
    read(open(sys.argv[1], "rb").read())
except Rejected:
    pass
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


@pytest.mark.parametrize("name", [name for name in HOSTILE if "100 MB" not in name])
def test_hostile_input_costs_less_than_256_mb(name: str, tmp_path):
    (tmp_path / "received.xml").write_bytes(HOSTILE[name][1]())

    measured = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / "received.xml")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )

    assert int(measured.stdout) < 256 * 1024


def test_a_date_without_time_zone_is_read_in_france():
    data = changed("20261121213000+0100", "20260704120000")

    assert read(data).written_at.astimezone(UTC) == datetime(2026, 7, 4, 10, tzinfo=UTC)
    assert read(data).period_end == date(2026, 11, 21)
