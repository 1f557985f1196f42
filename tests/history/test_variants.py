"""What the insurer may answer, and its neighbours: how each ends, what the holder reads, what staff read."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import decompress

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone
from psycopg.errors import UniqueViolation

import history
from access import gate
from access.policy import Action
from accounts.insurer import InsurerUnreachable
from accounts.outbound import Answer
from dossiers.house import HOUSE
from history import importing, review
from history.consultation import Phase, care_history, progress
from history.things import CareHistoryAtTheDoor
from jobs import queue
from portal import imports
from portal.patient.arrival import arrival
from portal.professional.care import missing
from portal.staff.waiting import meaning
from tests.cast import NOON, STAFF

from .cast import CAMILLE, SINCE, UNTIL, statement
from .conftest import holder_of, import_again
from .test_importing import due_again, lines_sent, lines_shown, state_of
from .test_reading import ROW, biology, with_table

pytestmark = pytest.mark.django_db

LIST = "<list><item>03/02/2026 HEMOGRAMME</item><item>04/02/2026 GLYCEMIE</item></list>"
HEADINGS = (
    "<tr><th/><th>Date de l'acte</th><th>Code</th><th>Libellé</th><th>Réalisé par</th><th>Lieu</th></tr>"
)
WIDE = ROW.replace("<td>1104</td><td>HEMOGRAMME</td>", '<td colspan="2">HEMOGRAMME</td>')
DELETED = '<content revised="delete">HEMOGRAMME</content>'


def changed(old: str, new: str) -> bytes:
    written = statement().decode()
    assert old in written
    return written.replace(old, new).encode()


def dated(start: str = "20241121", end: str = "20261121") -> bytes:
    return (
        statement()
        .decode()
        .replace('<low value="20241121"/>', f'<low value="{start}"/>', 1)
        .replace('<high value="20261121"/>', f'<high value="{end}"/>', 1)
        .encode()
    )


def body(data: bytes, status: int = 200, **headers: str) -> Callable[[], Answer]:
    return lambda: Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def unreachable(code: str, after: timedelta | None = None) -> Callable[[], Answer]:
    def answer() -> Answer:
        raise InsurerUnreachable(code, after)

    return answer


@dataclass(frozen=True)
class Variant:
    code: str
    phase: Phase
    answer: Callable[[], Answer]
    patient: str
    staff: str = ""  # nothing waits for them when empty


def held(code: str, data: bytes, patient: str, staff: str) -> Variant:
    return Variant(code, Phase.HELD, body(data, Content_Type="text/xml"), patient, staff)


FORM, OURS = "n’a pas la forme prévue", "C’est à nous de réparer cela, pas à vous"
WHOSE = "n’est pas sûrement le vôtre"
HTML = b"<!DOCTYPE html><html><body>Maintenance</body></html>"
VARIANTS = {
    # Its shape
    "lines in a list": held("lines_in_a_list", with_table(LIST), FORM, "en liste au lieu d’un tableau"),
    "a list beside a table": held("lines_in_a_list", with_table(biology(ROW) + LIST), FORM, "en liste"),
    "an empty list": held("lines_in_a_list", with_table("<list><item/></list>"), FORM, "en liste"),
    "lines in paragraphs": held(
        "lines_out_of_table", with_table("<paragraph>03/02/2026 HEMOGRAMME</paragraph>"), FORM, "du texte"
    ),
    "nothing, in other words": held(
        "lines_out_of_table", with_table("Aucune donnée de remboursement"), FORM, "une phrase inconnue"
    ),
    "nothing, and more": held(
        "lines_out_of_table",
        with_table("Aucune donnée de remboursement connue dans la période, sauf une"),
        FORM,
        "une phrase inconnue",
    ),
    "nothing, deleted": held(
        "revised_lines",
        with_table('<content revised="delete">Aucune donnée de remboursement connue</content>'),
        "des corrections que nous ne savons pas lire",
        "des corrections portent",
    ),
    "a table without a line": held("table_without_lines", with_table(biology("")), FORM, "sans ligne"),
    "a table and the sentence that there is none": held(
        "says_both",
        with_table("Aucune donnée de remboursement connue dans la période" + biology(ROW)),
        FORM,
        "dit à la fois",
    ),
    "two tables": held("wrong_table", with_table(biology(ROW) * 2), FORM, "un tableau n’est pas rempli"),
    "words in a table, out of its cells": held(
        "wrong_table", with_table(biology(ROW + "GLYCEMIE")), FORM, "un tableau n’est pas rempli"
    ),
    "headings among the lines": held(
        "wrong_table",
        with_table(biology(ROW + HEADINGS + ROW)),
        FORM,
        "un tableau n’est pas rempli",
    ),
    "a mark upon nothing": held(
        "wrong_table",
        with_table(biology(f"<tr><td>H</td>{'<td/>' * 5}</tr>")),
        FORM,
        "un tableau n’est pas rempli",
    ),
    "a section under the title of another": held(
        "section_under_another_title",
        changed("<title>Biologie</title>", "<title>Radiologie</title>"),
        FORM,
        "le titre d’une autre",
    ),
    "a foot": held(
        "table_foot",
        with_table(biology(ROW).replace("<tbody>", f"<tfoot>{ROW}</tfoot><tbody>")),
        FORM,
        "un pied",
    ),
    "a cell over two columns": held("wide_cell", with_table(biology(WIDE)), FORM, "plusieurs colonnes"),
    "a cell over two lines": held(
        "wide_cell", with_table(biology(ROW.replace("<td/>", '<td rowspan="2"/>'))), FORM, "plusieurs lignes"
    ),
    "another marker": held(
        "unknown_marker", with_table(biology(ROW.replace("<td/>", "<td>U</td>"))), FORM, "autre marque que"
    ),
    "a small h": held(
        "unknown_marker", with_table(biology(ROW.replace("<td/>", "<td>h</td>"))), FORM, "autre marque que"
    ),
    "a footnote": held(
        "unknown_markup",
        with_table(biology(ROW.replace("HEMOGRAMME", "HEMOGRAMME<footnote>à jeun</footnote>"))),
        FORM,
        "des notes",
    ),
    "an exponent": held(
        "unknown_markup",
        with_table(biology(ROW.replace("HEMOGRAMME", "10<sup>3</sup>"))),
        FORM,
        "des notes",
    ),
    "a deleted line": held(
        "revised_lines",
        with_table(biology(ROW.replace("<tr>", '<tr revised="delete">'))),
        "des corrections que nous ne savons pas lire",
        "des corrections portent",
    ),
    "a document without a body": held(
        "missing_section",
        b'<ClinicalDocument xmlns="urn:hl7-org:v3">'
        + statement()
        .decode()
        .partition("<ClinicalDocument")[2]
        .partition(">")[2]
        .encode()
        .partition(b"<component>")[0]
        + b"</ClinicalDocument>",
        "n’est pas complet",
        "une section manque",
    ),
    # Its dates
    "a period that ends before it begins": held(
        "period_reversed",
        dated("20191121", "20171121"),
        "finit avant de commencer",
        "finit avant de commencer",
    ),
    "a partial period that ends before it begins": held(
        "period_reversed", dated("2019", "201811"), "finit avant de commencer", "finit avant de commencer"
    ),
    "no period": held(
        "no_period",
        changed('<low value="20241121"/>', '<low nullFlavor="UNK"/>'),
        "n’est pas complet",
        "de quelle période",
    ),
    "a period to come": held(
        "period_in_the_future", dated("20341121", "20361121"), "pas encore venue", "pas encore venue"
    ),
    "a period that ends in nine years": held(
        "period_in_the_future", dated(end="2035"), "pas encore venue", "pas encore venue"
    ),
    "dated in 2035": held(
        "dated_in_the_future",
        statement(written_at=datetime(2035, 1, 1, 8)),
        "pas encore venue",
        "daté d’un jour",
    ),
    "no date": held(
        "no_date",
        changed('<effectiveTime value="20261121213000+0100"/>', '<effectiveTime nullFlavor="UNK"/>'),
        "n’est pas complet",
        "il n’est pas daté",
    ),
    "a period since the year 1": held("bad_date", dated("0001"), "une date impossible", "date impossible"),
    "a month that no calendar has": held(
        "bad_date", dated(end="202613"), "une date impossible", "date impossible"
    ),
    # Whose
    "another number": held(
        "other_ins", statement(CAMILLE.but(number="2840538185045")), WHOSE, "un autre numéro"
    ),
    "another given name": held(
        "other_traits", statement(CAMILLE.but(given_names=("CAROLE",))), WHOSE, "ou la date de naissance"
    ),
    # What is not a statement
    "cut": held("truncated", statement()[:-400], "coupé en route", "coupé en route"),
    "a web page": Variant(
        "web_page", Phase.HELD, body(HTML, Content_Type="text/html"), "n’est pas un relevé", "Une page web"
    ),
    "a web page said to be XML": held("web_page", HTML, "n’est pas un relevé", "Une page web"),
    "JSON": held("not_xml", b'{"lignes": []}', "n’est pas un relevé", "n’est pas un relevé"),
    "nothing at all": held("empty_answer", b" \n", "sa réponse est vide", "une réponse vide"),
    "a flood": Variant(
        "too_large",
        Phase.HELD,
        lambda: Answer(200, {}, b" " * 20_999_999 + b"x"),
        "trop long",
        "trop long",
    ),
    # What is answered instead
    "nothing known": Variant("nothing", Phase.NOTHING, body(b"", 204), "ne connaissait aucun soin remboursé"),
    "nobody known": Variant(
        "unknown", Phase.NOTHING, body(b"", 404), "ne connaissait personne sous ce numéro"
    ),
    "nobody known, in words": Variant(
        "unknown",
        Phase.NOTHING,
        body(b'{"error": "unknown_person"}', 404),
        "ne connaissait personne sous ce numéro",
    ),
    "nothing new, at first": Variant(
        "unchanged_at_first",
        Phase.HELD,
        body(b"", 304),
        "elle ne nous a encore rien envoyé",
        "rien de nouveau",
    ),
    "part of it": Variant(
        "insurer.status_206", Phase.HELD, body(b"<a/>", 206), "rien lire dans sa réponse", "sans envoyer"
    ),
    "a question not understood": Variant(
        "insurer.status_422", Phase.HELD, body(b"{}", 422), "rien lire dans sa réponse", "notre question"
    ),
    # Ours
    "an unknown key": Variant("insurer.status_401", Phase.HELD, body(b"", 401), OURS, "DMP_HISTORY_TOKEN"),
    "a forbidden key": Variant("insurer.status_403", Phase.HELD, body(b"", 403), OURS, "lui interdit"),
    "an address that nobody serves": Variant(
        "insurer.wrong_address",
        Phase.HELD,
        body(b"<html>Not Found</html>", 404, Content_Type="text/html"),
        OURS,
        "DMP_HISTORY_URL",
    ),
    "an address that a gateway does not know": Variant(
        "insurer.wrong_address", Phase.HELD, body(b'{"detail": "Not Found"}', 404), OURS, "DMP_HISTORY_URL"
    ),
    "an address that moved": Variant(
        "answer.redirect", Phase.HELD, unreachable("answer.redirect"), OURS, "renvoie vers une autre"
    ),
    "a name that does not exist": Variant(
        "address.unknown", Phase.HELD, unreachable("address.unknown"), OURS, "n’existe pas"
    ),
    "a certificate of somebody else": Variant(
        "address.not_trusted", Phase.HELD, unreachable("address.not_trusted"), OURS, "certificat"
    ),
    # Silences
    "no answer": Variant("no_answer", Phase.TRYING_AGAIN, unreachable("no_answer"), "ne répond pas"),
    "too slow": Variant(
        "answer.too_slow", Phase.TRYING_AGAIN, unreachable("answer.too_slow"), "Elle met trop de temps"
    ),
    "asked to wait": Variant(
        "insurer.status_429",
        Phase.TRYING_AGAIN,
        unreachable("insurer.status_429", timedelta(minutes=1)),
        "nous demande d’attendre",
    ),
    "broken": Variant(
        "insurer.status_500",
        Phase.TRYING_AGAIN,
        unreachable("insurer.status_500"),
        "Elle est en panne",
    ),
    "unavailable": Variant(
        "insurer.status_503",
        Phase.TRYING_AGAIN,
        unreachable("insurer.status_503", timedelta(minutes=10)),
        "ne répond pas Nous réessaierons",
    ),
    "a request that took too long": Variant(
        "insurer.status_408", Phase.TRYING_AGAIN, body(b"", 408), "ne répond pas"
    ),
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_each_answer_ends_as_it_should_and_everybody_reads_why(the_insurer, dossier_id, job_id, variant):
    the_insurer.answer = variant.answer

    queue.work(job_id)

    state = progress(dossier_id, by=holder_of(dossier_id), at=NOON)
    assert (state_of(job_id).code, state.phase) == (variant.code, variant.phase)
    told = arrival(state, at=NOON)
    read = f"{told.title} {told.sentence}"
    assert variant.patient in read
    assert variant.code not in read
    assert missing(state)
    waiting = [one.code for one in review.waiting(by=STAFF, at=NOON)]
    assert waiting == ([variant.code] if variant.staff else [])
    if variant.staff:
        assert variant.staff in meaning(variant.code)
        assert variant.code not in meaning(variant.code)
    if variant.phase is Phase.HELD:
        assert care_history(dossier_id, by=holder_of(dossier_id), at=NOON).total == 0
        assert bytes_kept(dossier_id) == kept_of(variant)


def kept_of(variant: Variant) -> bytes:
    try:
        return variant.answer().body
    except InsurerUnreachable:
        return b""


def bytes_kept(dossier_id) -> bytes:
    """What is held apart, whole, as it came."""
    with gate.admitted(HOUSE, Action.IMPORT, CareHistoryAtTheDoor(dossier_id), at=NOON) as passage:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, sealed FROM history_held WHERE closed_at IS NULL")
            [(held_id, sealed)] = cursor.fetchall()
        told = passage.keyring.unseal("history_held", "sealed", held_id, bytes(sealed))
    described, _, packed = told.partition(b"\n")
    data = decompress(packed)
    assert json.loads(described)["size"] == len(data)
    return data


# --- What is read as it is told ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "period", "partial"),
    [
        ("2024", "20261121", (datetime(2024, 1, 1), datetime(2026, 11, 21)), {"start": "2024"}),
        (
            "202411",
            "202611",
            (datetime(2024, 11, 1), datetime(2026, 11, 30)),
            {"start": "2024-11", "end": "2026-11"},
        ),
        ("20241121", "2026", (datetime(2024, 11, 21), datetime(2026, 12, 31)), {"end": "2026"}),
        ("2024112110", "20261121+0100", (datetime(2024, 11, 21), datetime(2026, 11, 21)), {}),
        (
            "20241121233000+0000",
            "20261120233000.5+0000",
            (datetime(2024, 11, 22), datetime(2026, 11, 21)),
            {},
        ),
    ],
)
def test_a_date_told_in_part_is_read_and_shown_as_such(
    the_insurer, dossier_id, job_id, start, end, period, partial
):
    the_insurer.sends(dated(start, end))

    queue.work(job_id)

    history = care_history(dossier_id, by=holder_of(dossier_id), at=NOON)
    assert history.period == tuple(day.date() for day in period)
    assert (history.partial, history.total) == (partial, 24)


def test_a_statement_dated_by_its_month_is_as_late_as_that_month_and_no_later_than_its_arrival(
    the_insurer, dossier_id, job_id
):
    the_insurer.sends(
        changed('<effectiveTime value="20261121213000+0100"/>', '<effectiveTime value="2026"/>')
    )

    queue.work(job_id)

    history = care_history(dossier_id, by=holder_of(dossier_id), at=NOON)
    assert (history.partial, history.total) == ({"written": "2026"}, 24)
    assert history.dated_on == timezone.localdate()


@pytest.mark.parametrize(
    "unseen", ["\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\xad", "\u2060", "\x9b"]
)
def test_characters_that_turn_over_or_hide_what_is_read_are_not_kept(unseen):
    from history.cnam_hr import read

    rows = ROW.replace("HEMOGRAMME", f"HEMO{unseen}GRAMME").replace("<td/>", f"<td>{unseen}H\u00a0</td>")

    line = read(with_table(biology(rows))).sections[-1].lines[0]

    assert (line[0], line[3]) == ("H", "HEMOGRAMME")


def test_blanks_that_are_not_spaces_separate_words_and_never_make_a_cell():
    from history.cnam_hr import read

    rows = ROW.replace("<td> </td>", "<td>\u00a0\u2003</td>").replace("HEMOGRAMME", "5\u00a0g\u2028le soir")
    headings = biology(rows).replace("Code de l'acte", "Code\u00a0de l\u2019acte")

    line = read(with_table(headings)).sections[-1].lines[0]

    assert line[3:] == ("5\u00a0g le soir", "LABORATOIRE", "")


def test_what_was_deleted_in_a_cell_is_kept_as_deleted_and_is_no_date():
    from history import days
    from history.cnam_hr import read
    from history.revisions import current

    rows = ROW.replace("HEMOGRAMME", f'{DELETED}<content revised="insert">PLAQUETTES</content>').replace(
        "03/02/2026",
        '<content revised="insert">03/02/2026</content><content revised="delete">04/02/2026</content>',
    )

    line = read(with_table(biology(rows))).sections[-1].lines[0]

    assert current(line[3]) == "PLAQUETTES"
    assert "HEMOGRAMME" in line[3]
    assert [one.last.day for one in days.named(line[1])] == [3]


# --- One after the other ----------------------------------------------------------------------------


def test_a_statement_dated_in_the_future_blocks_no_later_one(the_insurer, dossier_id, job_id):
    the_insurer.sends(statement(written_at=datetime(2035, 1, 1, 8)))
    queue.work(job_id)
    the_insurer.sends(good := statement(lines=30))

    queue.work(import_again(dossier_id, idem="later"))

    history = care_history(dossier_id, by=holder_of(dossier_id), at=NOON)
    assert (lines_shown(history), history.state.phase) == (lines_sent(good), Phase.DONE)


def test_nor_does_one_that_was_filed_before_such_dates_were_refused(
    the_insurer, dossier_id, job_id, monkeypatch
):
    monkeypatch.setattr(importing, "AHEAD", timedelta(days=36_500))
    monkeypatch.setattr(importing, "min", lambda written, at: written, raising=False)
    the_insurer.sends(statement(written_at=datetime(2035, 1, 1, 8)))
    queue.work(job_id)
    monkeypatch.undo()
    monkeypatch.setattr("accounts.insurer.request", the_insurer.request)
    late = datetime.now(UTC) + timedelta(hours=2)
    the_insurer.sends(statement(lines=30, written_at=late.replace(tzinfo=None)))

    queue.work(import_again(dossier_id, idem="later"))

    assert care_history(dossier_id, by=holder_of(dossier_id), at=NOON).total == 30


def test_a_period_that_does_not_touch_the_one_known_is_held(the_insurer, dossier_id, job_id):
    the_insurer.sends(statement())
    queue.work(job_id)
    the_insurer.sends(
        statement(since=SINCE - timedelta(days=900), until=SINCE - timedelta(days=300), written_at=WRITTEN)
    )

    queue.work(again := import_again(dossier_id, idem="again"))

    assert state_of(again).code == "period_apart"
    assert care_history(dossier_id, by=holder_of(dossier_id), at=NOON).total == 24


WRITTEN = datetime(2026, 11, 22, 8)


def test_a_shorter_period_does_not_shorten_the_one_known(the_insurer, dossier_id, job_id):
    the_insurer.sends(statement())
    queue.work(job_id)
    the_insurer.sends(
        statement(since=SINCE + timedelta(days=30), until=UNTIL - timedelta(days=60), written_at=WRITTEN)
    )

    queue.work(import_again(dossier_id, idem="again"))

    assert care_history(dossier_id, by=holder_of(dossier_id), at=NOON).period == (SINCE, UNTIL)


def test_an_import_that_always_comes_second_is_never_buried(the_insurer, dossier_id, job_id, monkeypatch):
    def second(*_: object) -> None:
        raise IntegrityError from UniqueViolation()

    monkeypatch.setattr(importing, "_write", second)
    the_insurer.sends(statement())

    for _ in range(queue.MAX_ATTEMPTS + 2):
        assert queue.work(job_id)
        due_again(job_id)

    assert (state_of(job_id).state, state_of(job_id).code) == ("ready", "raced")


def test_what_can_never_be_filed_is_kept_whole_at_the_last_attempt(
    the_insurer, dossier_id, job_id, monkeypatch
):
    def refused(*_: object) -> None:
        raise IntegrityError("a check of the database")

    monkeypatch.setattr(importing, "_write", refused)
    the_insurer.sends(sent := statement())

    for _ in range(queue.MAX_ATTEMPTS):
        assert queue.work(job_id)
        due_again(job_id)

    assert (state_of(job_id).state, state_of(job_id).code) == ("held", "error.IntegrityError")
    assert bytes_kept(dossier_id) == sent


def test_without_a_statement_nobody_is_told_that_there_was_no_care(dossier_id, job_id, the_insurer):
    """As the first « nothing new » was once written down: filed, and nothing to read."""
    the_insurer.says(204)
    queue.work(job_id)
    state = replace(progress(dossier_id, by=holder_of(dossier_id), at=NOON), phase=Phase.DONE)

    told = arrival(state, at=NOON)

    assert "Aucun soin" not in f"{told.title} {told.sentence} {missing(state)}"
    assert "cela ne dit rien de ses soins" in missing(state)


def test_every_code_of_the_reader_and_of_the_insurer_has_words_of_its_own():
    told = "".join(
        (Path(history.__file__).parent / name).read_text(encoding="utf-8")
        for name in ("cnam_hr.py", "source.py", "importing.py")
    )
    codes = set(re.findall(r'(?:Rejected|Unusable)\(\s*"([a-z_.]+)"', told))
    codes |= set(re.findall(r'"((?:address|answer)\.[a-z_]+)"', told))
    codes |= set(re.findall(r'return "([a-z]+_[a-z_]+)"', told))
    codes |= set(re.findall(r'self\.one\("\w+", "(\w+)"', told))

    assert len(codes) > 35
    alone = {code for code in codes if code not in imports.CAUSES and not code.startswith(("too_", "wrong_"))}
    assert alone == set()


# --- Waiting ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "silent_for", "wait"),
    [
        (None, 0, 30),
        (None, 3600, 1800),
        (None, 10**6, 3 * 3600),
        (0, 0, 10),
        (-5, 0, 10),
        (0, 3600, 1800),
        (60, 0, 60),
        (60, 3600, 1800),
        (6 * 3600, 0, 6 * 3600),
        (10**8, 0, 86_400),
    ],
)
def test_waits_have_a_floor_and_a_ceiling_whatever_is_asked(asked, silent_for, wait):
    told = None if asked is None else timedelta(seconds=asked)

    assert importing.patience(told, silent_for=timedelta(seconds=silent_for)) == timedelta(seconds=wait)


def test_an_insurer_that_always_says_at_once_is_asked_less_and_less(the_insurer, dossier_id, job_id):
    asked, at = 0, NOON
    while at < NOON + timedelta(days=1):
        at += importing.patience(timedelta(0), silent_for=at - NOON)
        asked += 1

    assert asked < 40


def test_staff_see_at_once_what_goes_again_by_itself_and_why(the_insurer, dossier_id, job_id):
    the_insurer.is_silent()
    queue.work(job_id)

    [silence] = review.returning(by=STAFF, at=NOON)

    assert (silence.code, silence.count) == ("no_answer", 1)
    assert silence.next_at == state_of(job_id).run_after
