from datetime import date, timedelta
from itertools import product
from uuid import uuid4

import pytest
from django.db import connection
from django.db.utils import IntegrityError, ProgrammingError
from django.test.utils import CaptureQueriesContext

from access import gate, policy
from access.policy import Action, Reason, Status
from documents import consultation, things
from documents import deposit as depositing
from documents.models import DOCUMENT
from documents.things import Description
from dossiers import sharing, traces
from dossiers.house import HOUSE
from dossiers.things import DossierAtTheDoor
from tests.cast import LEFEVRE, NADIA, NOON, OPTICIAN, PHARMACIST, ROY, STAFF

LONG_AGO = date(2020, 1, 1)


def insert(dossier_id, rows):
    """Documents as they may come to be, put in by the house; their ids in the order given."""
    ids = []
    with gate.admitted(HOUSE, Action.CHECK, DossierAtTheDoor(dossier_id), at=NOON) as passage:
        for number, row in enumerate(rows):
            document_id = uuid4()
            given = {
                "type": "11488-4",
                "on": LONG_AGO + timedelta(days=number),
                "status": Status.AVAILABLE,
                "masked": False,
                "withheld": False,
                "hidden_from_representatives": False,
                "author": LEFEVRE.id,
            } | row
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO documents_document (id, dossier_id, type_code, class_code, created_on,"
                    " deposited_at, status, verdict, masked, withheld, hidden_from_representatives,"
                    " author_id, media_type, size, page_count, sealed, facts_mac) VALUES"
                    " (%s, %s, %s, %s, %s, %s, %s, '', %s, %s, %s, %s, 'application/pdf', 1, 0, %s, %s)",
                    [
                        document_id,
                        dossier_id,
                        given["type"],
                        things.nomenclature.class_of(given["type"]),
                        given["on"],
                        NOON,
                        str(given["status"]),
                        given["masked"],
                        given["withheld"],
                        given["hidden_from_representatives"],
                        given["author"],
                        things.seal(passage, document_id, Description(title=f"n° {number}", author="A")),
                        DOCUMENT.mac(
                            passage.keyring,
                            document_id,
                            dossier_id,
                            given["type"],
                            things.nomenclature.class_of(given["type"]),
                            given["on"],
                            NOON,
                            given["status"],
                            given["masked"],
                            given["withheld"],
                            given["hidden_from_representatives"],
                            given["author"],
                            None,
                            None,
                        ),
                    ],
                )
            ids.append(document_id)
    return ids


def listed(dossier_id, by):
    lines, before = [], None
    while True:
        page = consultation.contents(dossier_id, by=by, at=NOON, before=before)
        lines += page.summaries
        if (before := page.next) is None:
            return lines


def readable(dossier_id, document_id, by):
    try:
        consultation.read(dossier_id, document_id, by=by, at=NOON)
    except gate.Refused as refused:
        return refused.decision
    return None


# For all, outside the optician's classes, refused to nurses by exception, refused to doctors.
KINDS = ("11488-4", "18748-4", "68599-0", "ATTEST-RESID")


def test_a_line_is_listed_if_and_only_if_it_is_read(dossier_id, camille):
    combinations = [
        {"type": kind, "status": status, "masked": masked, "withheld": withheld, "author": author.id}
        for kind, status, (masked, withheld), author in product(
            KINDS, Status, [(False, False), (True, False), (False, True)], [LEFEVRE, NADIA]
        )
    ]
    ids = insert(dossier_id, combinations)
    readers = [LEFEVRE, NADIA, OPTICIAN, PHARMACIST]
    for reader in readers:
        sharing.declare_agreement(dossier_id, by=reader, at=NOON)

    for reader in (camille, *readers):
        lines = {line.id: line for line in listed(dossier_id, reader)}
        for document_id, combination in zip(ids, combinations, strict=True):
            refusal = readable(dossier_id, document_id, reader)
            mine = combination["author"] == reader.id
            if refusal is None:
                assert document_id in lines, (reader.name, combination)
            elif document_id in lines:
                assert refusal.reason in (Reason.BEING_CHECKED, Reason.REFUSED_BY_CHECKS)
                assert mine or reader is camille
                assert lines[document_id].status in (Status.QUARANTINE, Status.REFUSED)
            elif refusal.reason in (Reason.BEING_CHECKED, Reason.REFUSED_BY_CHECKS):
                assert not mine
                assert reader is not camille
        assert 0 < len(lines) < len(ids)


def test_the_hour_changes_nothing_to_who_reads(dossier_id, camille):
    """What lists rest on: the answers about a reading are kept for those who stand alike."""
    for by in (camille, LEFEVRE, NADIA):
        with gate.admitted(HOUSE, Action.CHECK, DossierAtTheDoor(dossier_id), at=NOON) as passage:
            target = passage.question.target
        said = {
            policy.decide(
                policy.Question(
                    actor=by, action=Action.READ, target=target, standing=policy.Standing(granted=True), at=at
                )
            )
            for at in (NOON - timedelta(days=9000), NOON, NOON + timedelta(days=9000))
        }
        assert len(said) == 1


@pytest.mark.parametrize("by", [ROY, STAFF, LEFEVRE, PHARMACIST])
def test_without_a_ground_there_is_no_list(dossier_id, by):
    with pytest.raises(gate.Refused):
        consultation.contents(dossier_id, by=by, at=NOON)


@pytest.mark.parametrize("by", [ROY, STAFF])
def test_agents_and_staff_never_reach_a_content(deposit, dossier_id, by):
    document_id = deposit().document_id

    assert readable(dossier_id, document_id, by).reason is Reason.NEVER_CONTENT
    assert readable(dossier_id, uuid4(), by).reason in (Reason.NEVER_CONTENT, Reason.ABSENT)


def test_pages_follow_one_another_without_gap_nor_repeat(dossier_id, camille):
    same_day = [{"on": LONG_AGO}] * 60
    ids = insert(dossier_id, same_day + [{"on": LONG_AGO - timedelta(days=n)} for n in range(1, 61)])

    lines = listed(dossier_id, camille)

    assert sorted(line.id for line in lines) == sorted(ids)
    assert [line.created_on for line in lines] == sorted((line.created_on for line in lines), reverse=True)
    first = consultation.contents(dossier_id, by=camille, at=NOON)
    assert len(first.summaries) == 50
    assert (
        consultation.contents(dossier_id, by=camille, at=NOON, before="nonsense").summaries == first.summaries
    )


def statements(act):
    with CaptureQueriesContext(connection) as captured:
        act()
    return [
        q["sql"] for q in captured if not q["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))
    ]


def test_the_number_of_statements_does_not_grow(dossier_id, camille):
    insert(dossier_id, [{}])
    few = statements(lambda: consultation.contents(dossier_id, by=camille, at=NOON))
    insert(dossier_id, [{"type": kind, "masked": masked} for kind in KINDS for masked in (False, True)] * 20)
    many = statements(lambda: consultation.contents(dossier_id, by=camille, at=NOON))

    assert len(few) == len(many) <= 3


def test_reading_takes_two_statements_and_depositing_three(deposit, dossier_id, camille):
    put = statements(lambda: deposit(checked=False))
    document_id = deposit().document_id
    read = statements(lambda: consultation.read(dossier_id, document_id, by=camille, at=NOON))
    image = statements(lambda: consultation.page_image(dossier_id, document_id, 1, by=camille, at=NOON))

    assert (len(put), len(read), len(image)) == (3, 2, 2)


def test_the_list_is_answered_by_one_index_range(dossier_id, camille):
    insert(dossier_id, [{}] * 60)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', 'dmp_web', true), set_config('dmp.pin', %s, true)", [str(dossier_id)]
        )
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM documents_document"
            " WHERE dossier_id = %s AND (created_on, id) < ('9999-12-31', %s)"
            " ORDER BY created_on DESC, id DESC LIMIT 51",
            [dossier_id, uuid4()],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("SELECT set_config('role', 'none', true), set_config('dmp.pin', '', true)")

    assert "documents_by_dossier_and_day" in plan
    assert "Sort" not in plan


def test_a_page_that_does_not_exist_is_not_there(deposit, dossier_id, camille):
    document_id = deposit().document_id

    for number in (0, 2, -1, 10**9):
        with pytest.raises(consultation.NoSuchPart):
            consultation.page_image(dossier_id, document_id, number, by=camille, at=NOON)
    image = consultation.page_image(dossier_id, document_id, 1, by=camille, at=NOON)
    assert image.media_type == "image/png"


def test_a_document_of_another_dossier_is_absent(dossier_id, camille):
    with pytest.raises(gate.Refused) as refused:
        consultation.read(dossier_id, uuid4(), by=camille, at=NOON)

    assert refused.value.decision.hidden


def test_a_reading_names_the_document_in_its_trace_unless_withheld(deposit, dossier_id, camille, granted):
    shown, withheld = deposit(), deposit(title="Annonce à faire", withheld=True)
    for receipt in (shown, withheld):
        consultation.read(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON)

    told = [trace.detail for trace in traces.traces(dossier_id, by=camille, at=NOON).entries]
    assert not [detail for detail in told if "Annonce" in str(detail)]
    assert [detail for detail in told if detail.get("title") == "Consultation du 20 novembre"]


def test_values_answer_templates_by_key():
    day = consultation.days.day(date(2019, 11, 1))

    assert (day.number, day.month, day.said) == ("1er", "nov.", "1er\u00a0novembre\u00a02019")


# The house's own documents --------------------------------------------------------------------


def file_history(dossier_id, replaces=None):
    with gate.admitted(HOUSE, Action.IMPORT, DossierAtTheDoor(dossier_id), at=NOON) as passage:
        return depositing.file(
            passage,
            type_code="REMB",
            title="Historique de remboursements",
            created_on=NOON.date(),
            author_name="Assurance Maladie",
            replaces=replaces,
        )


def test_a_new_version_takes_the_place_of_the_old_one(dossier_id, camille):
    first = file_history(dossier_id)
    second = file_history(dossier_id, replaces=first)

    [line] = consultation.contents(dossier_id, by=camille, at=NOON).summaries
    assert (line.id, line.is_history, line.author) == (second, True, "Assurance Maladie")
    assert line.title == line.type_label == "Parcours de soins", "one name, whatever an earlier release filed"
    assert consultation.read(dossier_id, second, by=camille, at=NOON).kind == "history"
    assert readable(dossier_id, first, camille).reason is Reason.SUPERSEDED


@pytest.mark.parametrize("hidden", [{"masked"}, {"withheld"}, {"masked", "hidden_from_representatives"}])
def test_a_new_version_is_as_hidden_as_the_one_it_replaces(dossier_id, hidden):
    [first] = insert(dossier_id, [{"type": "REMB"} | dict.fromkeys(hidden, True)])
    second = file_history(dossier_id, replaces=first)

    flags = ("masked", "withheld", "hidden_from_representatives")
    one = f"SELECT {', '.join(flags)} FROM documents_document WHERE id = '{second}'"
    [found] = as_role("dmp_web", dossier_id, one)
    assert dict(zip(flags, found, strict=True)) == {flag: flag in hidden for flag in flags}


def test_a_version_is_replaced_once(dossier_id):
    first = file_history(dossier_id)
    file_history(dossier_id, replaces=first)

    with pytest.raises(depositing.AlreadyReplaced):
        file_history(dossier_id, replaces=first)


def test_a_dossier_has_one_current_care_history(dossier_id):
    file_history(dossier_id)

    with pytest.raises(IntegrityError, match="a_dossier_has_one_current_care_history"):
        file_history(dossier_id)


# Walls ----------------------------------------------------------------------------------------


def as_role(role, pin, sql):
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT wall")
        try:
            cursor.execute(
                "SELECT set_config('role', %s, true), set_config('dmp.pin', %s, true)", [role, str(pin or "")]
            )
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else cursor.rowcount
        finally:
            cursor.execute("ROLLBACK TO SAVEPOINT wall")


def test_without_a_pin_there_are_no_rows(deposit, dossier_id):
    deposit()

    for table in ("documents_document", "documents_content"):
        assert as_role("dmp_web", None, f"SELECT 1 FROM {table}") == []
        assert as_role("dmp_web", uuid4(), f"SELECT 1 FROM {table}") == []
        assert as_role("dmp_web", dossier_id, f"SELECT 1 FROM {table}")


@pytest.mark.parametrize(
    ("role", "sql"),
    [
        ("none", "SELECT 1 FROM documents_document"),
        ("dmp_counter", "SELECT id FROM documents_document"),
        ("dmp_counter", "SELECT sealed FROM documents_content"),
        ("dmp_feed", "SELECT sealed FROM documents_document"),
        ("dmp_feed", "SELECT type_code FROM documents_document"),
        ("dmp_feed", "SELECT sealed FROM documents_content"),
        ("dmp_feed", "UPDATE documents_document SET masked = false"),
        ("dmp_web", "UPDATE documents_document SET status = 'available'"),
        ("dmp_web", "DELETE FROM documents_document"),
        ("dmp_worker", "DELETE FROM documents_content"),
        ("dmp_worker", "UPDATE documents_document SET masked = false"),
        ("dmp_worker", "UPDATE documents_content SET sealed = NULL"),
    ],
)
def test_each_role_does_its_own_work_only(dossier_id, role, sql):
    with pytest.raises(ProgrammingError, match="permission denied"):
        as_role(role, dossier_id, sql)


def test_what_is_withheld_leaves_no_line_in_the_log_its_holder_reads(deposit, dossier_id, camille, granted):
    before = len(traces.traces(dossier_id, by=camille, at=NOON).entries)
    withheld = deposit(title="Annonce à faire", withheld=True)
    consultation.read(dossier_id, withheld.document_id, by=LEFEVRE, at=NOON)

    after = traces.traces(dossier_id, by=camille, at=NOON).entries

    assert [trace.kind for trace in after[: len(after) - before]] == ["traces"]
    positions = [trace.position for trace in traces.traces(dossier_id, by=camille, at=NOON).entries]
    assert (
        max(positions) == len(positions) + 4
    )  # the ledger keeps them all: deposit, check begun and ended, reading
