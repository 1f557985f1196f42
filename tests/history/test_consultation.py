"""Who may read the care history, and what is told of it."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from access import gate
from access.policy import Reason
from dossiers import sharing, traces
from history import review
from history.consultation import Phase, care_history, progress
from jobs import queue
from portal import access_log
from tests.cast import LEFEVRE, NOON, PAUL, ROY, STAFF

from .cast import CAMILLE, statement
from .conftest import holder_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def filed(the_insurer, dossier_id, job_id):
    the_insurer.sends(statement())
    queue.work(job_id)
    return dossier_id


def refusal(dossier_id, by) -> gate.Refused:
    with pytest.raises(gate.Refused) as refused:
        care_history(dossier_id, by=by, at=NOON)
    return refused.value


def test_a_doctor_who_was_let_in_reads_it(filed):
    sharing.declare_agreement(filed, by=LEFEVRE, at=NOON)

    assert care_history(filed, by=LEFEVRE, at=NOON + timedelta(minutes=1)).total == 24


def test_a_doctor_who_was_not_reads_nothing(filed):
    assert refusal(filed, LEFEVRE).decision.reason is Reason.NOT_GRANTED


@pytest.mark.parametrize("by", [PAUL, ROY, STAFF], ids=lambda actor: actor.capacity.value)
def test_nobody_else_reads_it(filed, by):
    assert not refusal(filed, by).decision.allowed


def test_reading_it_is_traced_with_what_was_read(filed):
    holder = holder_of(filed)

    care_history(filed, by=holder, at=NOON)

    [latest, *_] = traces.traces(filed, by=holder, at=NOON).entries
    assert latest.kind == "read"
    assert (latest.detail["title"], latest.detail["count"]) == ("Parcours de soins", 24)
    assert latest.document_class == "60"


def test_asking_the_insurer_and_filing_what_it_sent_are_traced(filed):
    told = traces.traces(filed, by=holder_of(filed), at=NOON).entries

    imported = next(entry for entry in told if entry.kind == "import")
    assert (imported.detail["outcome"], imported.detail["count"]) == ("filed", 24)
    assert "ask_history" in {entry.kind for entry in told}


ANSWERS = {
    "filed": (lambda insurer: insurer.sends(statement()), Phase.DONE),
    "nothing": (lambda insurer: insurer.says(204), Phase.NOTHING),
    "silent": (lambda insurer: insurer.is_silent(), Phase.TRYING_AGAIN),
    "held": (lambda insurer: insurer.sends(statement(CAMILLE.but(given_names=("CAROLE",)))), Phase.HELD),
    "not yet": (None, Phase.ASKED),
}


@pytest.mark.parametrize(("play", "phase"), ANSWERS.values(), ids=ANSWERS)
def test_what_is_said_of_an_import_outlives_its_job(the_insurer, dossier_id, job_id, play, phase):
    if play is not None:
        play(the_insurer)
        queue.work(job_id)
    before = progress(dossier_id, by=holder_of(dossier_id), at=NOON)

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM jobs_job")

    assert before.phase is phase
    assert progress(dossier_id, by=holder_of(dossier_id), at=NOON) == before


def test_an_import_that_is_given_up_waits_for_a_person(the_insurer, dossier_id, job_id):
    def breaks() -> None:
        raise RuntimeError

    the_insurer.answer = breaks
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET attempts = %s", [queue.MAX_ATTEMPTS - 1])

    queue.work(job_id)

    assert queue.state(job_id).state == "dead"
    assert progress(dossier_id, by=holder_of(dossier_id), at=NOON).phase is Phase.HELD


def test_only_the_holder_follows_the_import(filed):
    with pytest.raises(gate.Refused):
        progress(filed, by=LEFEVRE, at=NOON)


def test_reading_takes_as_many_statements_whatever_the_lines(
    the_insurer, dossier_id, job_id, django_assert_num_queries
):
    the_insurer.sends(statement(lines=400))
    queue.work(job_id)
    holder = holder_of(dossier_id)

    with django_assert_num_queries(4):  # two savepoints of the test beside: in, out
        assert care_history(dossier_id, by=holder, at=NOON).total == 400


@pytest.mark.parametrize("table", ["history_statement", "history_held", "history_import"])
def test_without_the_gate_no_row_is_seen(filed, table):
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(f"SELECT * FROM {table}")


def test_with_the_role_of_the_web_and_no_pin_no_row_is_seen(filed):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', 'dmp_web', true)")
        cursor.execute("SELECT count(*) FROM history_statement")
        seen = cursor.fetchone()
        cursor.execute("SELECT set_config('role', 'none', true)")

    assert seen == (0,)


# --- The staff door -------------------------------------------------------------------------------


@pytest.fixture
def held(the_insurer, dossier_id, job_id):
    the_insurer.sends(statement(CAMILLE.but(given_names=("CAROLE",))))
    queue.work(job_id)
    return job_id


def seen():
    """When what waits began to wait, as staff see it."""
    [waiting] = review.waiting(by=STAFF, at=NOON)
    return waiting.seen_at


def test_staff_see_what_waits_and_nothing_of_it(held, dossier_id):
    [waiting] = review.waiting(by=STAFF, at=NOON)

    assert (waiting.id, waiting.code, waiting.dossier_id) == (held, "other_traits", dossier_id)
    assert (waiting.kind, waiting.dead) == ("history.import", False)


def test_what_is_tried_again_no_longer_waits(held, the_insurer, dossier_id):
    the_insurer.sends(statement())

    assert review.retry(held, seen_at=seen(), by=STAFF, at=NOON)
    queue.work(held)

    assert review.waiting(by=STAFF, at=NOON) == []
    assert care_history(dossier_id, by=holder_of(dossier_id), at=NOON).total == 24


def test_what_is_closed_is_forgotten_and_the_holder_is_told_that_it_stays_out(held, dossier_id):
    seen_at = seen()
    assert review.close(held, seen_at=seen_at, by=STAFF, at=NOON)
    queue.work_due(5)

    assert review.waiting(by=STAFF, at=NOON) == []
    assert not review.close(held, seen_at=seen_at, by=STAFF, at=NOON)
    assert progress(dossier_id, by=holder_of(dossier_id), at=NOON).phase is Phase.LEFT_OUT
    told = access_log.told(traces.traces(dossier_id, by=holder_of(dossier_id), at=NOON).lines)
    assert any(
        "<strong>L’équipe du service</strong> a arrêté la demande de votre parcours" in line.sentence
        for line in told
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', 'dmp_worker', true), set_config('dmp.pin', %s, true)",
            [str(dossier_id)],
        )
        cursor.execute("SELECT sealed IS NULL AND closed_at IS NOT NULL FROM history_held")
        assert cursor.fetchall() == [(True,)]
        cursor.execute("SELECT set_config('role', 'none', true), set_config('dmp.pin', '', true)")


@pytest.mark.parametrize("by", [ROY, LEFEVRE, PAUL], ids=lambda actor: actor.capacity.value)
def test_only_staff_come_through_the_staff_door(held, by):
    with pytest.raises(gate.Refused):
        review.waiting(by=by, at=NOON)
    with pytest.raises(gate.Refused):
        review.close(held, seen_at=NOON, by=by, at=NOON)
