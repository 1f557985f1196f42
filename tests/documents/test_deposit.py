import os
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from access import gate
from access.policy import Reason, Status
from accounts.notices import NoticeKind
from accounts.traits import Traits
from documents import checking, consultation, keeping, store, tasks, xmlguard
from documents import deposit as depositing
from documents.deposit import BadDocument, TooManyWaiting
from documents.inspection import Inspection
from dossiers import traces
from jobs import queue
from portal import access_log
from tests.cast import LEFEVRE, NADIA, NOON, PAUL, ROY

from .conftest import INS, open_dossier
from .files import WOULD_ACT, cda, pdf

MINE = {"ins": INS, "family": "MOREAU TREBOUL", "given": "Camille"}


def of_camille(**answers):
    return cda(**MINE | answers)


def test_a_deposit_waits_in_quarantine_then_is_read(deposit, dossier_id, granted, camille):
    receipt = deposit(checked=False)

    assert receipt.status is Status.QUARANTINE
    with pytest.raises(gate.Refused) as refused:
        consultation.read(dossier_id, receipt.document_id, by=camille, at=NOON)
    assert refused.value.decision.reason is Reason.BEING_CHECKED

    queue.work(queue.job_id_of(depositing.CHECK, str(receipt.document_id)))

    reading = consultation.read(dossier_id, receipt.document_id, by=camille, at=NOON)
    assert (reading.kind, reading.page_count, reading.page_texts) == ("pages", 1, ("Tension 12/8 p1",))
    assert reading.summary.title == "Consultation du 20 novembre"
    assert reading.summary.author == "Dr Anne Lefèvre"


def test_feeding_reads_nothing_back(deposit, dossier_id):
    receipt = deposit()

    with pytest.raises(gate.Refused) as refused:
        consultation.contents(dossier_id, by=LEFEVRE, at=NOON)
    assert refused.value.decision.reason is Reason.NOT_GRANTED
    assert consultation.read(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON).summary.mine


def test_an_agent_deposits_nothing(deposit):
    with pytest.raises(gate.Refused):
        deposit(by=ROY, checked=False)


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"title": "  \u202e "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"created_on": NOON.date() + timedelta(days=1)}, "created_on"),
        ({"created_on": date(1812, 1, 1)}, "created_on"),
        ({"created_on": date(1979, 3, 27)}, "created_on"),  # the day before she was born
        ({"type_code": "REMB"}, "type_code"),
        ({"type_code": "DOCPAT01"}, "type_code"),
        ({"type_code": "11526-1"}, "type_code"),
        ({"type_code": "nope"}, "type_code"),
        ({"masked": True, "withheld": True}, "visibility"),
        ({"content": b""}, "content"),
        ({"content": b"MZ\x90\0"}, "content"),
        ({"content": b"<html><script>alert(1)</script></html>"}, "content"),
        ({"content": pdf(), "media_type": "text/xml"}, "content"),
        ({"content": b"%PDF-1.7" + b"0" * depositing.MOST_BYTES}, "content"),
    ],
)
def test_a_wrong_answer_gets_a_sentence(deposit, answers, field):
    with pytest.raises(BadDocument) as bad:
        deposit(checked=False, **answers)

    assert bad.value.field == field
    assert bad.value.sentence.endswith(".")


def test_an_act_may_be_of_the_day_of_birth(deposit):
    assert deposit(created_on=date(1979, 3, 28)).document_id


def test_a_title_keeps_its_letters_and_loses_its_tricks(deposit, dossier_id, camille):
    receipt = deposit(title=" Œdème\u0000 \u202eaigu 👩‍⚕️\n ")

    reading = consultation.read(dossier_id, receipt.document_id, by=camille, at=NOON)

    assert reading.summary.title == "Œdème aigu 👩‍⚕️"


def test_a_file_that_would_act_is_refused_and_its_author_told(deposit, dossier_id, camille, granted):
    receipt = deposit(pdf(change=WOULD_ACT["a script on a page"][0]))

    with pytest.raises(gate.Refused) as refused:
        consultation.read(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON)
    assert refused.value.decision.reason is Reason.REFUSED_BY_CHECKS
    with pytest.raises(gate.Refused) as refused:
        consultation.read(dossier_id, receipt.document_id, by=camille, at=NOON)
    assert refused.value.decision.hidden
    told = depositing.receipt(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON)
    assert (told.status, told.verdict) == (Status.REFUSED, "pdf.script")
    [line] = consultation.contents(dossier_id, by=LEFEVRE, at=NOON).summaries
    assert (line.status, line.verdict) == (Status.REFUSED, "pdf.script")
    assert consultation.contents(dossier_id, by=camille, at=NOON).summaries == []


def test_a_receipt_is_its_authors_alone(deposit, dossier_id):
    receipt = deposit(checked=False)

    told = depositing.receipt(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON)
    assert (told.title, told.holder.birth_name) == ("Consultation du 20 novembre", "MOREAU-TRÉBOUL")
    with pytest.raises(gate.Refused) as refused:
        depositing.receipt(dossier_id, receipt.document_id, by=NADIA, at=NOON)
    assert refused.value.decision.hidden


def test_a_cda_of_camille_becomes_a_narrative(deposit, dossier_id, camille):
    receipt = deposit(of_camille(), media_type="text/xml", title="")

    reading = consultation.read(dossier_id, receipt.document_id, by=camille, at=NOON)

    assert reading.kind == "narrative"
    assert reading.summary.title == "Compte rendu de consultation"
    assert "<p>Tout va bien.</p>" in reading.narrative_html


@pytest.mark.parametrize(
    "answers",
    [
        {"ins": "277076322082910"},
        {"oid": "1.2.250.1.213.1.4.8"},
        {"family": "LACOSTE"},
        {"given": "Camille-Rose"},
        {"sex": "M"},
        {"birth": "19790329"},
        {"birth": ""},
    ],
)
def test_a_cda_about_somebody_else_is_refused_and_traced(deposit, dossier_id, answers, camille):
    with pytest.raises(BadDocument) as bad:
        deposit(of_camille(**answers), media_type="text/xml", checked=False)

    assert "autre personne" in bad.value.sentence
    assert consultation.contents(dossier_id, by=camille, at=NOON).summaries == []
    trace = next(
        t for t in traces.traces(dossier_id, by=camille, at=NOON).entries if t.kind == "deposit.refused"
    )
    assert trace.detail["refused"] == "somebody_else"


def test_a_cda_about_nobody_is_refused(deposit):
    nobody = of_camille().replace(b'root="1.2.250.1.213.1.4.10"', b'root="1.2.3"')

    with pytest.raises(BadDocument) as bad:
        deposit(nobody, media_type="text/xml", checked=False)

    assert bad.value.code == "cda.nobody"


def test_the_same_document_comes_once(deposit, dossier_id, camille):
    first = deposit(of_camille(), media_type="text/xml")

    again = deposit(of_camille(), media_type="text/xml", checked=False)

    assert again.already
    assert again.document_id == first.document_id
    assert len(consultation.contents(dossier_id, by=camille, at=NOON).summaries) == 1


def test_one_identifier_never_names_two_documents(deposit):
    deposit(of_camille(), media_type="text/xml")

    with pytest.raises(BadDocument) as bad:
        deposit(of_camille(narrative="Autre chose"), media_type="text/xml", checked=False)

    assert bad.value.code == "other_content"


def test_the_same_identifier_in_another_dossier_is_another_document(deposit):
    paul = Traits(birth_name="ADAM", given_names=("PAUL",), sex="M", birth_date="19700101")
    other = open_dossier("1700151215189", paul)
    deposit(unique_id="1.2.3^4", checked=False)

    assert not deposit(unique_id="1.2.3^4", into=other, checked=False).already


def test_hostile_xml_is_refused_at_the_counter(deposit):
    with pytest.raises(BadDocument) as bad:
        deposit(b"<a>" * 200_000, media_type="text/xml", checked=False)

    assert bad.value.code == "xml.too_deep"


def test_a_large_file_goes_to_the_store_and_comes_back(deposit, dossier_id, camille, content_store):
    large = pdf() + b"%" * 200_000

    receipt = deposit(large)

    assert [path for path in content_store.rglob("*") if path.is_file()]
    original = consultation.original(dossier_id, receipt.document_id, by=camille, at=NOON)
    assert original.content == large
    assert original.file_name == "Consultation du 20 novembre.pdf"


def stand(store, name, *, for_hours):
    """An object that a stop left on its shelf, so many hours ago."""
    left = store / name
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"sealed")
    then = (timezone.now() - timedelta(hours=for_hours)).timestamp()
    os.utime(left, (then, then))
    return left


def tidied():
    """The house goes round all its shelves."""
    return sum(keeping.tidy(shelf, at=timezone.now()) for shelf in range(keeping.SHELVES))


def test_an_object_that_no_row_names_leaves_after_a_day(content_store, db):
    left = stand(content_store, f"ab/{'ab' * 16}", for_hours=25)
    unfinished = stand(content_store, "ab/.half", for_hours=25)
    under_way = stand(content_store, f"ab/{'ac' * 16}", for_hours=23)  # its row may be about to come
    somebody_elses = stand(content_store, "ab/notes.txt", for_hours=25)

    assert tidied() == 2
    assert [left.exists(), unfinished.exists()] == [False, False]
    assert [under_way.exists(), somebody_elses.exists()] == [True, True]


def test_an_object_that_a_row_names_stays(deposit, dossier_id, camille, content_store):
    large = pdf() + b"%" * 200_000
    receipt = deposit(large)
    for path in content_store.rglob("*"):
        os.utime(path, (0, 0))

    assert tidied() == 0
    assert consultation.original(dossier_id, receipt.document_id, by=camille, at=NOON).content == large


def test_a_deposit_that_commits_while_its_shelf_is_tidied_loses_nothing(
    deposit, dossier_id, camille, content_store, monkeypatch
):
    asked = keeping._unnamed

    def deposit_meanwhile(names):
        receipts.append(deposit(pdf() + b"%" * 200_000))
        return asked(names)

    receipts = []
    stand(content_store, f"ab/{'ab' * 16}", for_hours=25)
    monkeypatch.setattr(keeping, "_unnamed", deposit_meanwhile)

    assert keeping.tidy(0xAB, at=timezone.now()) == 1
    monkeypatch.undo()
    assert tidied() == 0
    assert consultation.original(dossier_id, receipts[0].document_id, by=camille, at=NOON).content


def test_a_day_of_rounds_goes_past_every_shelf(monkeypatch):
    seen = []
    monkeypatch.setattr(keeping, "tidy", lambda shelf, *, at: seen.append(shelf))

    for turn in range(keeping.SHELVES):
        tasks.remove_what_no_row_names(at=NOON + timedelta(seconds=turn * tasks.ONE_SHELF_EVERY))

    assert sorted(seen) == list(range(keeping.SHELVES))


def test_file_names_are_harmless(deposit, dossier_id, camille):
    receipt = deposit(file_name="../../etc/\u202epas\r\nSet-Cookie: a=b<script>.PDF")

    original = consultation.original(dossier_id, receipt.document_id, by=camille, at=NOON)

    assert original.file_name == "pasSet-Cookie- a-b-script.pdf"


def test_nothing_clear_is_written(deposit, dossier_id, content_store):
    deposit(title="Sclérose en plaques", content=pdf("SECRETMEDICAL") + b"%" * 70_000)

    for path in content_store.rglob("*"):
        assert path.is_dir() or b"SECRET" not in path.read_bytes()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', 'dmp_web', true), set_config('dmp.pin', %s, true)", [str(dossier_id)]
        )
        cursor.execute("SELECT sealed FROM documents_document UNION ALL SELECT sealed FROM documents_content")
        for (sealed,) in cursor.fetchall():
            assert sealed is None or not any(
                plant in bytes(sealed) for plant in (b"SECRET", "Sclérose".encode(), "Lefèvre".encode())
            )
        cursor.execute("SELECT set_config('role', 'none', true), set_config('dmp.pin', '', true)")


def test_another_holder_learns_nothing(deposit, dossier_id):
    receipt = deposit()

    with pytest.raises(gate.Refused) as refused:
        consultation.read(dossier_id, receipt.document_id, by=PAUL, at=NOON)
    assert refused.value.decision.hidden


def test_a_late_worker_writes_nothing(deposit, dossier_id, camille):
    receipt = deposit(checked=False)
    job_id = queue.job_id_of(depositing.CHECK, str(receipt.document_id))
    late = queue.Lease(job_id, uuid4(), depositing.CHECK, dossier_id, str(receipt.document_id), 1)

    with pytest.raises(queue.Fenced):
        checking.received(late, at=NOON)
    with pytest.raises(queue.Fenced):
        checking.settle(late, Inspection("", 0, 0, ()), at=NOON)

    [line] = consultation.contents(dossier_id, by=camille, at=NOON).summaries
    assert line.status is Status.QUARANTINE


def test_the_holder_gets_a_notice_unless_it_would_betray_what_is_withheld(deposit, monkeypatch):
    sent = []
    monkeypatch.setattr(checking.notices, "queue", lambda kind, **told: sent.append(kind))

    deposit(withheld=True)
    assert sent == []
    deposit()
    assert sent == [NoticeKind.CHANGED]


def test_a_file_is_whole_or_it_is_not_there(content_store, monkeypatch):
    def no_more_disk(_):
        raise OSError("no space")

    monkeypatch.setattr(store.os, "fsync", no_more_disk)
    with pytest.raises(OSError, match="no space"):
        default_storage.save("ab/abcdef", ContentFile(b"sealed"))

    assert not [path for path in content_store.rglob("*") if path.is_file()]


def test_the_limits_of_the_guard_hold_for_deposits():
    assert xmlguard.LIMITS.bytes == depositing.MOST_BYTES_OF_XML


# --- A check that waits ---------------------------------------------------------------------------


@pytest.fixture
def broken_child(monkeypatch):
    """The child fails for a reason of its own, as when the machine has no memory left."""

    def fail(*_):
        raise checking.child.ChildFailed("checks.killed")

    monkeypatch.setattr(checking.child, "inspect", fail)
    return monkeypatch


def work_through(job_id, times):
    for _ in range(times):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobs_job SET run_after = now() - interval '1 s' WHERE id = %s", [job_id])
        assert queue.work(job_id)


def test_a_child_that_fails_three_times_leaves_the_document_to_a_person(deposit, dossier_id, broken_child):
    receipt = deposit(checked=False)
    job_id = queue.job_id_of(depositing.CHECK, str(receipt.document_id))

    work_through(job_id, 2)
    assert queue.state(job_id).state == "ready"
    work_through(job_id, 1)

    assert queue.state(job_id).state == "held"
    followed = depositing.receipt(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON)
    assert (followed.status, followed.verdict) == (Status.QUARANTINE, queue.state(job_id).code)


def test_what_was_held_and_is_tried_again_becomes_readable(deposit, dossier_id, broken_child):
    receipt = deposit(checked=False)
    job_id = queue.job_id_of(depositing.CHECK, str(receipt.document_id))
    work_through(job_id, 3)
    broken_child.undo()

    assert queue.retry(job_id, seen_at=queue.state(job_id).run_after)
    work_through(job_id, 1)

    followed = depositing.receipt(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON)
    assert (followed.status, followed.verdict) == (Status.AVAILABLE, "")


def test_what_a_person_closes_is_refused_and_its_author_is_told_why(deposit, dossier_id, broken_child):
    receipt = deposit(checked=False)
    job_id = queue.job_id_of(depositing.CHECK, str(receipt.document_id))
    work_through(job_id, 3)

    assert queue.close(job_id, seen_at=queue.state(job_id).run_after, at=NOON)
    queue.work_due(10)

    followed = depositing.receipt(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON)
    assert (followed.status, followed.verdict) == (Status.REFUSED, "checks.closed")


def test_the_child_works_while_no_transaction_is_open(real_database, content_store, monkeypatch):
    dossier_id = open_dossier()
    seen = []
    monkeypatch.setattr(
        checking.child,
        "inspect",
        lambda *_: seen.append(connection.in_atomic_block) or Inspection("pdf.script", 0, 0, ()),
    )
    receipt = put(dossier_id)

    assert queue.work(queue.job_id_of(depositing.CHECK, str(receipt.document_id)))

    assert seen == [False]


def test_the_holder_reads_of_one_check_not_of_its_beginning_and_its_end(deposit, dossier_id, camille):
    deposit()

    page = traces.traces(dossier_id, by=camille, at=NOON)
    assert [each.kind for each in page.entries].count("check") == 1
    told = access_log.told(page.lines)
    assert sum("a vérifié un document avant" in each.sentence for each in told) == 1


# --- As many as may wait --------------------------------------------------------------------------


def put(dossier_id, by=LEFEVRE, content=None, **answers):
    given = {"type_code": "11488-4", "title": "Consultation", "created_on": date(2026, 11, 20)} | answers
    return depositing.deposit(
        dossier_id,
        content=content or pdf(),
        media_type="application/pdf",
        masked=False,
        withheld=False,
        hidden_from_representatives=False,
        by=by,
        at=NOON,
        **given,
    )


@pytest.mark.parametrize("large", [False, True])
def test_an_author_has_so_many_documents_waiting_to_be_checked(dossier_id, settings, content_store, large):
    settings.DMP_WAITING_PER_AUTHOR = 3
    content = pdf() + b"%" * (100_000 if large else 0)
    for _ in range(3):
        put(dossier_id, content=content)
    before = len(list(content_store.rglob("*"))) if large else 0

    with pytest.raises(TooManyWaiting):
        put(dossier_id, content=content)

    assert not large or len(list(content_store.rglob("*"))) == before, "it was written for nothing"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM jobs_job WHERE kind = %s", [depositing.CHECK])
        assert cursor.fetchone() == (3,)
    put(dossier_id, by=NADIA)  # nobody else is kept waiting
    queue.work_due(20)
    put(dossier_id, content=content)


def test_a_structure_has_so_many_documents_waiting_to_be_checked(dossier_id, settings):
    settings.DMP_WAITING_PER_STRUCTURE = 2
    colleagues = [replace(LEFEVRE, id=uuid4()) for _ in range(3)]
    for colleague in colleagues[:2]:
        put(dossier_id, by=colleague)

    with pytest.raises(TooManyWaiting):
        put(dossier_id, by=colleagues[2])
    put(dossier_id, by=replace(LEFEVRE, id=uuid4(), structure_id=uuid4()))


def test_a_document_that_was_there_already_is_found_even_when_too_many_wait(dossier_id, settings):
    settings.DMP_WAITING_PER_AUTHOR = 1
    content = pdf()
    first = put(dossier_id, content=content, unique_id="1.2.3")

    again = put(dossier_id, content=content, unique_id="1.2.3")

    assert (again.document_id, again.already) == (first.document_id, True)


def test_that_too_many_wait_is_traced(dossier_id, settings, camille):
    settings.DMP_WAITING_PER_AUTHOR = 1
    put(dossier_id)

    with pytest.raises(TooManyWaiting):
        put(dossier_id)

    told = [each.detail.get("refused") for each in traces.traces(dossier_id, by=camille, at=NOON).entries]
    assert "too_many_waiting" in told
