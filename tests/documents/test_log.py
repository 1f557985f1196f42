"""What the holder reads of the ledger: what happened, as it happened, and nothing that betrays."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from access import gate
from access.policy import Action
from accounts.traits import Traits
from documents import child, consultation
from documents import deposit as depositing
from documents.deposit import BadDocument
from documents.inspection import Inspection
from dossiers import finding, home, sharing, traces
from dossiers.house import HOUSE
from dossiers.things import DossierAtTheDoor
from dossiers.traces import Family, MangledCursor, Show
from history import review
from jobs import queue
from portal import access_log
from tests.cast import LEFEVRE, NADIA, NOON, PHARMACIST, ROY, STAFF
from tests.documents.files import cda, pdf

from .conftest import INS, open_dossier

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    """Checks are made the day of what they check."""
    monkeypatch.setattr("jobs.clock.now", lambda: NOON)


def somebody():
    """A doctor whom nobody saw before."""
    return replace(LEFEVRE, id=uuid4())


def visit(dossier_id, by=None, at=NOON):
    home.front(dossier_id, by=by or somebody(), at=at)


def pages(dossier_id, by, **asked):
    """Every page, from the newest."""
    after, found = None, []
    while True:
        page = traces.traces(dossier_id, by=by, at=NOON, after=after, **asked)
        found.append(page)
        if page.next is None:
            return found
        after = page.next


def lines(dossier_id, by, **asked):
    return [line for page in pages(dossier_id, by, **asked) for line in page.lines]


def sentences(dossier_id, by, **asked):
    told = access_log.told(lines(dossier_id, by, **asked))
    return [line.sentence.replace("<strong>", "").replace("</strong>", "") for line in told]


def others(dossier_id, by, **asked):
    """What is told of Dr Lefèvre and of those like her."""
    return [words for words in sentences(dossier_id, by, **asked) if "Lefèvre" in words]


# Pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [2, 3, 7, 100])
def test_a_page_is_full_whatever_is_left_out(deposit, dossier_id, camille, monkeypatch, batch):
    monkeypatch.setattr(traces, "BATCH", batch)
    monkeypatch.setattr(traces, "PAGE", 3)
    for _ in range(7):
        visit(dossier_id)
        deposit(withheld=True, by=NADIA)

    found = pages(dossier_id, camille)

    assert [len(page.lines) for page in found[:-1]] == [3] * (len(found) - 1)
    assert all(page.lines for page in found)
    assert len([t for page in found for t in page.entries if t.kind == "visit"]) == 7


def test_nothing_older_is_promised_when_what_is_older_is_not_told(deposit, dossier_id, camille, monkeypatch):
    told = len(lines(dossier_id, camille)) + 1  # looking at them is one more
    monkeypatch.setattr(traces, "PAGE", told)
    for _ in range(3):
        deposit(withheld=True, by=NADIA)

    page = traces.traces(dossier_id, by=camille, at=NOON)

    assert len(page.lines) == told and page.next is None
    visit(dossier_id)
    assert traces.traces(dossier_id, by=camille, at=NOON).next is not None


def test_a_page_reads_no_more_than_it_may_and_leads_on(deposit, dossier_id, camille, monkeypatch):
    for _ in range(6):
        deposit(withheld=True, by=NADIA)
    monkeypatch.setattr(traces, "BATCH", 4)
    monkeypatch.setattr(traces, "MOST_READ", 8)

    first, *rest = pages(dossier_id, camille)

    assert first.lines == () and first.next
    assert any(trace.kind == "open" for page in rest for trace in page.entries)


def test_addresses_of_pages_say_nothing(deposit, dossier_id, camille, monkeypatch):
    monkeypatch.setattr(traces, "PAGE", 1)
    visit(dossier_id)
    before = traces.traces(dossier_id, by=camille, at=NOON)
    for _ in range(4):
        deposit(withheld=True, by=NADIA)
    after = traces.traces(dossier_id, by=camille, at=NOON)

    cursors = {before.next, after.next, traces.traces(dossier_id, by=camille, at=NOON).next}
    assert len(cursors) == 3
    assert len({len(cursor) for cursor in cursors}) == 1
    positions = {str(trace.position) for trace in (*before.entries, *after.entries)}
    assert not positions & cursors


@pytest.mark.parametrize("mangled", ["12", "x", "é", "0" * 78, "0123456789abcdef"])
def test_a_mangled_cursor_is_no_page(dossier_id, camille, mangled):
    with pytest.raises(MangledCursor):
        traces.traces(dossier_id, by=camille, at=NOON, after=mangled)


def test_a_cursor_of_another_dossier_is_no_page(dossier_id, camille, monkeypatch):
    monkeypatch.setattr(traces, "PAGE", 1)
    visit(dossier_id)
    cursor = traces.traces(dossier_id, by=camille, at=NOON).next
    elsewhere = open_dossier(
        "1840675118001", Traits(birth_name="ADAM", given_names=("PAUL",), sex="M", birth_date="19840612")
    )
    with gate.admitted(HOUSE, Action.NOTIFY, DossierAtTheDoor(elsewhere), at=NOON) as passage:
        paul = replace(camille, id=passage.question.target.holder_id, dossier_id=elsewhere)

    with pytest.raises(MangledCursor):
        traces.traces(elsewhere, by=paul, at=NOON, after=cursor)


# What would betray ----------------------------------------------------------------------------


def test_who_came_to_deposit_what_is_withheld_is_not_seen_coming(deposit, dossier_id, camille):
    at_first = sentences(dossier_id, camille)
    visit(dossier_id, by=LEFEVRE)
    receipt = deposit(withheld=True)
    depositing.receipt(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON)
    visit(dossier_id, by=LEFEVRE)

    assert others(dossier_id, camille) == [words for words in at_first if "Lefèvre" in words] == []


def test_who_also_came_another_day_is_seen_that_day(deposit, dossier_id, camille):
    visit(dossier_id, by=LEFEVRE, at=NOON)
    visit(dossier_id, by=NADIA, at=NOON + 3 * HOUR)
    deposit(withheld=True, at=NOON + 3 * HOUR)

    seen = [(trace.kind, trace.actor["name"]) for line in lines(dossier_id, camille) for trace in line.traces]
    assert ("visit", "Dr Anne Lefèvre") in seen
    assert ("visit", "Nadia Benali") in seen


def test_who_reads_is_seen_reading_whatever_else_they_did(deposit, dossier_id, camille, granted):
    shown = deposit()
    deposit(withheld=True)
    consultation.read(dossier_id, shown.document_id, by=LEFEVRE, at=NOON)

    assert any(
        "a lu «\u202fConsultation du 20\u00a0novembre\u202f»" in said for said in others(dossier_id, camille)
    )


@pytest.mark.parametrize("batch", [2, 3, 100])
def test_a_page_that_ends_between_the_two_does_not_betray_either(
    deposit, dossier_id, camille, monkeypatch, batch
):
    monkeypatch.setattr(traces, "BATCH", batch)
    monkeypatch.setattr(traces, "PAGE", 1)
    visit(dossier_id, by=LEFEVRE)
    deposit(withheld=True, checked=False)
    visit(dossier_id, by=LEFEVRE)
    visit(dossier_id)

    assert len([t for page in pages(dossier_id, camille) for t in page.entries if t.kind == "visit"]) == 1


@pytest.mark.parametrize("first", ["visit", "deposit"])
@pytest.mark.parametrize("show", [Show.ALL, Show.READINGS])
def test_a_long_reading_in_between_hides_nothing_of_it(
    deposit, dossier_id, camille, granted, monkeypatch, show, first
):
    """Each page of a document is an entry: more than a batch of them, within the hour."""
    monkeypatch.setattr(traces, "BATCH", 4)
    monkeypatch.setattr(traces, "PAGE", 1)
    shown = deposit(by=NADIA)
    around = [lambda: visit(dossier_id, by=LEFEVRE), lambda: deposit(withheld=True)]
    before, after = around if first == "visit" else reversed(around)
    before()
    for _ in range(15):
        consultation.read(dossier_id, shown.document_id, by=LEFEVRE, at=NOON)
    after()

    kinds = [trace.kind for line in lines(dossier_id, camille, show=show) for trace in line.traces]
    assert kinds.count("read") == 15 and "visit" not in kinds


@pytest.mark.parametrize("show", [Show.ALL, Show.READINGS])
def test_a_refusal_about_what_is_withheld_is_near_too(deposit, dossier_id, camille, show):
    withheld = deposit(withheld=True, by=NADIA)
    visit(dossier_id, by=PHARMACIST)
    with pytest.raises(gate.Refused):
        consultation.read(dossier_id, withheld.document_id, by=PHARMACIST, at=NOON)

    assert not [said for said in sentences(dossier_id, camille, show=show) if "Ferran" in said]


def test_what_is_refused_of_a_withheld_document_counts_no_other_refusal(deposit, dossier_id, camille):
    withheld, shown = deposit(withheld=True), deposit()
    for receipt in (withheld, shown):
        with pytest.raises(gate.Refused):
            consultation.read(dossier_id, receipt.document_id, by=PHARMACIST, at=NOON)

    refused = [line for line in lines(dossier_id, camille) if line.family is Family.REFUSED]
    assert [trace.detail["document"] for line in refused for trace in line.traces] == [str(shown.document_id)]


# What happened --------------------------------------------------------------------------------


def test_looking_where_one_s_deposit_stands_is_no_look_at_the_identity(deposit, dossier_id, camille):
    receipt = deposit()
    depositing.receipt(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON)

    [said] = others(dossier_id, camille)
    assert said.endswith("a déposé «\u202fConsultation du 20\u00a0novembre\u202f».")


SECRET = cda(ins="277076322082910").replace(b"<title>Compte rendu", b"<title>Secret de Paul, compte rendu")
BAD = {
    "somebody_else": (SECRET, "concerne une autre personne"),
    "media_type": (b"\xff\xd8\xff\xe0 not a document", "ni un PDF ni un document CDA"),
    "empty": (b"", "était vide"),
    "xml": (b"<ClinicalDocument", "n’a pas pu être lu"),
}


@pytest.mark.parametrize(("content", "why"), BAD.values(), ids=BAD)
def test_a_refused_deposit_is_told_as_refused_and_names_nobody_else(
    deposit, dossier_id, camille, content, why
):
    with pytest.raises(BadDocument):
        deposit(content, media_type="", title="", checked=False)

    [said] = others(dossier_id, camille)
    assert "a voulu déposer un document. Refusé\u00a0: " in said and why in said
    assert "Secret" not in said
    assert others(dossier_id, camille, show=Show.REFUSALS) == [said]
    assert others(dossier_id, camille, show=Show.DEPOSITS) == []


@pytest.mark.parametrize(
    "answers", [{"type_code": "no such type"}, {"title": " "}, {"withheld": True, "masked": True}]
)
def test_an_answer_that_files_nothing_leaves_a_trace_too(deposit, dossier_id, camille, answers):
    with pytest.raises(BadDocument):
        deposit(checked=False, **answers)

    said = others(dossier_id, camille)
    assert len(said) == (0 if answers.get("withheld") else 1)


@pytest.mark.parametrize("content", [pdf(), b"", b"<x", b"PK\x03\x04"])
def test_an_agent_who_deposits_anything_is_refused_and_told(deposit, dossier_id, camille, content):
    with pytest.raises(gate.Refused):
        deposit(content, by=ROY, checked=False)

    assert any(
        "Bernard Roy" in said and "a voulu déposer un document. Refusé" in said
        for said in sentences(dossier_id, camille, show=Show.REFUSALS)
    )


def test_what_was_there_already_is_told_so(deposit, dossier_id, camille):
    content = pdf()
    deposit(content, unique_id="1.2.3")
    deposit(content, unique_id="1.2.3", at=NOON, checked=False)

    [said] = others(dossier_id, camille)
    assert said.endswith("a déposé «\u202fConsultation du 20\u00a0novembre\u202f».")


def test_a_check_that_refused_is_not_told_as_one_that_showed(deposit, dossier_id, camille, monkeypatch):
    monkeypatch.setattr("documents.child.inspect", lambda *_: Inspection("pdf.script", 0, 0, ()))
    deposit()

    told = sentences(dossier_id, camille)
    assert "Le service a vérifié un document, et l’a refusé\u00a0: personne ne peut le lire." in told
    assert not any("avant de le montrer" in said for said in told)


def test_reads_of_a_day_are_one_line_that_says_which(deposit, dossier_id, camille, granted):
    for title in ("Bilan", "Compte rendu", "Ordonnance"):
        receipt = deposit(title=title)
        consultation.read(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON)
        consultation.read(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON)
    consultation.contents(dossier_id, by=LEFEVRE, at=NOON)

    told = access_log.told(lines(dossier_id, camille, show=Show.READINGS))

    [read] = [line for line in told if "a lu" in line.sentence]
    assert "a lu 3\u00a0documents." in read.sentence
    assert read.question == "Lesquels\u202f?"
    assert [str(detail.words) for detail in read.details] == [
        "«\u202fBilan\u202f»",
        "«\u202fCompte rendu\u202f»",
        "«\u202fOrdonnance\u202f»",
        "la liste de vos documents",
    ]


def test_being_found_is_one_line_a_day_with_how_often(dossier_id, camille):
    for at in (NOON, NOON + HOUR, NOON + 2 * HOUR, NOON + 24 * HOUR):
        finding.by_ins(INS, by=NADIA, at=at)

    told = access_log.told(lines(dossier_id, camille, show=Show.READINGS))

    found = [line for line in told if "a cherché votre dossier" in line.sentence]
    assert [line.times for line in found] == [1, 3]
    assert [[detail.at for detail in line.details] for line in found] == [
        [],
        [NOON, NOON + HOUR, NOON + 2 * HOUR],
    ]


def test_who_works_in_two_places_is_told_in_each(dossier_id, camille):
    elsewhere = replace(LEFEVRE, structure="Clinique du Lac", structure_id=uuid4())
    for by in (LEFEVRE, elsewhere):
        finding.by_ins(INS, by=by, at=NOON)
        visit(dossier_id, by=by)

    told = others(dossier_id, camille)

    for place in (LEFEVRE.structure, "Clinique du Lac"):
        assert len([said for said in told if place in said]) == 2


def test_who_comes_back_later_the_same_day_is_seen_coming_back(deposit, dossier_id, camille, granted):
    receipt = deposit(title="Bilan")
    for minutes in (0, 1, 2, 300):
        at = NOON + timedelta(minutes=minutes)
        consultation.read(dossier_id, receipt.document_id, by=LEFEVRE, at=at)

    [line] = access_log.told(lines(dossier_id, camille, show=Show.READINGS))[:1]

    assert "a lu «\u202fBilan\u202f»." in line.sentence
    assert line.question == "Quand\u202f?"
    assert [detail.at for detail in line.details] == [NOON, NOON + 5 * HOUR]


def test_what_happened_several_times_in_a_day_is_told_so(deposit, dossier_id, camille, monkeypatch):
    monkeypatch.setattr("documents.child.inspect", lambda *_: Inspection("pdf.script", 0, 0, ()))
    for _ in range(3):
        deposit()

    told = access_log.told(lines(dossier_id, camille))

    assert [line.times for line in told if "l’a refusé" in line.sentence] == [3]


def test_the_house_s_own_work_of_a_day_is_one_line(deposit, dossier_id, camille):
    for _ in range(3):
        deposit()

    [said] = [said for said in sentences(dossier_id, camille) if said.startswith("Le service")]
    assert "a vérifié 3\u00a0documents avant de les montrer" in said.replace(
        "3 documents", "3\u00a0documents"
    )


def test_one_s_own_acts_of_a_day_are_one_line(deposit, dossier_id, camille):
    receipt = deposit(title="Bilan")
    visit(dossier_id, by=camille)
    consultation.contents(dossier_id, by=camille, at=NOON)
    consultation.read(dossier_id, receipt.document_id, by=camille, at=NOON)
    sharing.people(dossier_id, by=camille, at=NOON)

    [line] = access_log.told(lines(dossier_id, camille, show=Show.OWN))
    assert line.sentence == "<strong>Vous</strong> avez lu «\u202fBilan\u202f»."
    assert [str(detail.words) for detail in line.details] == [
        "l’accueil de votre dossier",
        "la liste de vos documents",
        "la liste de vos soignants",
    ]


def test_what_staff_close_is_told_to_the_holder(deposit, dossier_id, camille, monkeypatch):
    def falls(*_):
        raise child.ChildFailed("checks.crashed")

    monkeypatch.setattr(child, "inspect", falls)
    receipt = deposit(checked=False)
    job = queue.job_id_of(depositing.CHECK, str(receipt.document_id))
    for _ in range(3):
        with connection.cursor() as cursor:  # who failed waits a while before it is tried again
            cursor.execute("UPDATE jobs_job SET run_after = statement_timestamp() WHERE id = %s", [job])
        queue.work(job)
    [waiting] = review.waiting(by=STAFF, at=NOON)
    assert review.close(waiting.id, seen_at=waiting.seen_at, by=STAFF, at=NOON)
    queue.work_due(10)

    told = sentences(dossier_id, camille)
    assert "Le service n’a pas pu vérifier un document\u00a0: l’équipe du service s’en occupe." in told
    assert "L’équipe du service a refusé un document que personne n’a pu vérifier." in told


@pytest.mark.parametrize("show", Show)
def test_each_line_is_where_it_is_looked_for(deposit, dossier_id, camille, granted, show):
    receipt = deposit()
    consultation.read(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON)
    with pytest.raises(gate.Refused):
        consultation.read(dossier_id, receipt.document_id, by=NADIA, at=NOON)
    consultation.contents(dossier_id, by=camille, at=NOON)

    kinds = {trace.kind for line in lines(dossier_id, camille, show=show) for trace in line.traces}

    assert (
        kinds - {"traces"}
        == {
            Show.ALL: {"open", "authorise", "deposit", "check", "read", "read.refused", "list", "notify"},
            Show.READINGS: {"authorise", "read"},
            Show.DEPOSITS: {"deposit", "check"},
            Show.REFUSALS: {"read.refused"},
            Show.OWN: {"list"},
        }[show]
    )
