"""A care history is filed once, whole, in the right dossier, or kept apart with a code."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from access import gate
from access.policy import Action
from dossiers.house import HOUSE
from history import cnam_hr, importing, keeping, merging
from history.cnam_hr import read
from history.consultation import Phase, care_history, progress
from history.importing import months_before
from history.things import CareHistoryAtTheDoor
from jobs import leases, queue
from jobs.models import State
from jobs.queue import Fenced
from tests.cast import NOON

from .cast import CAMILLE, SINCE, UNTIL, statement
from .conftest import holder_of, import_again

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=40)


@pytest.fixture
def look(dossier_id):
    """What the holder sees of her care history."""
    return lambda at=NOON: care_history(dossier_id, by=holder_of(dossier_id), at=at)


@pytest.fixture
def as_worker(dossier_id):
    """One statement under the role of the worker, pinned to the dossier."""

    def execute(sql: str) -> list[tuple]:
        pin = "SELECT set_config('role', %s, true), set_config('dmp.pin', %s, true)"
        with connection.cursor() as cursor:
            cursor.execute(pin, ["dmp_worker", str(dossier_id)])
            cursor.execute(sql)
            found = cursor.fetchall() if cursor.description else []
            cursor.execute(pin, ["none", ""])
        return found

    return execute


@pytest.fixture
def rows(as_worker):
    """The rows of a table that are about the dossier."""

    return lambda table, where="true": as_worker(f"SELECT * FROM {table} WHERE {where}")


def state_of(job_id):
    return next(job for job in queue.waiting(list(State)) if job.id == job_id)


def lines_shown(history) -> dict[str, tuple]:
    return {s.key: tuple((line.marker, *line.cells) for line in s.lines) for s in history.sections}


def lines_sent(data: bytes) -> dict[str, tuple]:
    return {section.key: section.lines for section in read(data).sections}


# --- Filing ---------------------------------------------------------------------------------------


def test_every_line_received_is_shown_to_the_holder_and_none_is_invented(the_insurer, job_id, look):
    sent = statement(lines=60)
    the_insurer.sends(sent)

    assert queue.work(job_id)

    history = look()
    assert lines_shown(history) == lines_sent(sent)
    assert (history.total, history.dated_on, history.period) == (60, UNTIL, (SINCE, UNTIL))
    assert history.state.phase is Phase.DONE
    assert history.holder.birth_name == CAMILLE.birth_name
    assert history.mention.startswith("Ce relevé")


def test_the_insurer_is_asked_for_the_twenty_four_months_before_the_opening(the_insurer, job_id):
    the_insurer.sends(statement())

    queue.work(job_id)

    [(asked, headers)] = the_insurer.asked
    assert asked == {"ins": {"oid": CAMILLE.oid, "valeur": CAMILLE.ins[1]}, "depuis": "2024-11-21"}
    assert "If-None-Match" not in headers


@pytest.mark.parametrize(
    ("day", "before"),
    [
        (date(2026, 11, 21), date(2024, 11, 21)),
        (date(2026, 1, 31), date(2024, 1, 31)),
        (date(2024, 2, 29), date(2022, 2, 28)),
        (date(2026, 12, 31), date(2024, 12, 31)),
    ],
)
def test_twenty_four_months_end_on_a_day_that_exists(day: date, before: date):
    assert months_before(day, 24) == before


def test_a_statement_of_nothing_is_a_dated_statement(the_insurer, job_id, look):
    the_insurer.sends(statement(empty=True))

    queue.work(job_id)

    history = look()
    assert (history.total, history.dated_on, history.state.phase) == (0, UNTIL, Phase.DONE)
    assert all(section.note and not section.lines for section in history.sections)


def test_the_same_statement_again_makes_no_version(the_insurer, dossier_id, job_id, look, rows):
    the_insurer.sends(statement())
    queue.work(job_id)

    again = import_again(dossier_id, idem="again")
    queue.work(again)

    assert state_of(again).code == "unchanged"
    assert len(rows("history_statement")) == 1
    assert len(rows("documents_document")) == 1
    assert look().total == 24


def test_what_still_holds_is_not_sent_again(the_insurer, dossier_id, job_id):
    the_insurer.sends(statement(), etag='"abc"')
    queue.work(job_id)
    the_insurer.says(304)

    again = import_again(dossier_id, idem="again")
    queue.work(again)

    assert the_insurer.asked[-1][1]["If-None-Match"] == '"abc"'
    assert state_of(again).code == "unchanged"


def test_what_was_understood_in_an_earlier_way_is_asked_for_whole_once(
    the_insurer, dossier_id, job_id, look, rows, monkeypatch
):
    nothing = replace(read(statement()), sections=read(statement(empty=True)).sections)
    the_insurer.sends(statement(), etag='"abc"')
    with monkeypatch.context() as earlier:
        earlier.setattr(cnam_hr, "READING", cnam_hr.READING - 1)
        earlier.setattr(cnam_hr, "read", lambda data: nothing)
        queue.work(job_id)
    assert look().total == 0

    queue.work(import_again(dossier_id, idem="again"))
    assert "If-None-Match" not in the_insurer.asked[-1][1]
    assert (look().total, len(rows("history_statement"))) == (24, 2)

    queue.work(import_again(dossier_id, idem="once more"))
    assert the_insurer.asked[-1][1]["If-None-Match"] == '"abc"'


def test_what_an_earlier_way_understood_well_makes_no_version(
    the_insurer, dossier_id, job_id, rows, monkeypatch
):
    the_insurer.sends(statement(), etag='"abc"')
    queue.work(job_id)
    monkeypatch.setattr(cnam_hr, "READING", cnam_hr.READING + 1)

    for _ in range(2):
        queue.work(again := import_again(dossier_id, idem=f"{len(the_insurer.asked)}"))
        assert state_of(again).code == "unchanged"

    assert [("If-None-Match" in headers) for _, headers in the_insurer.asked] == [False, False, True]
    assert len(rows("history_statement")) == 1


def test_the_same_lines_told_later_date_the_statement_again(the_insurer, dossier_id, job_id, look, rows):
    the_insurer.sends(statement(written_at=datetime(2026, 11, 1, 8)))
    queue.work(job_id)
    written_at = datetime(2026, 11, 20, 8)
    the_insurer.sends(statement(version=2, written_at=written_at))

    queue.work(import_again(dossier_id, idem="again"))

    assert len(rows("history_statement")) == 1
    assert look().dated_on == written_at.date()


def test_a_new_statement_replaces_the_previous_one_and_older_lines_stay(
    the_insurer, dossier_id, job_id, look, rows
):
    the_insurer.sends(first := statement(lines=None, until=UNTIL - timedelta(days=150)))
    queue.work(job_id)
    before = lines_shown(look())
    since, until = SINCE + timedelta(days=400), UNTIL
    the_insurer.sends(second := statement(lines=None, since=since, until=until, version=2))

    queue.work(import_again(dossier_id, idem="again"))

    history = look(LATER)
    assert lines_shown(history) == merging.accumulate(
        lines_sent(first), lines_sent(second), start=since, end=until
    )
    assert history.total >= sum(map(len, before.values()))
    assert history.period == (SINCE, until)
    assert len(rows("history_statement", "superseded_at IS NULL")) == 1
    assert len(rows("history_statement", "superseded_at IS NOT NULL AND sealed IS NULL")) == 1
    assert len(rows("documents_document", "status = 'available'")) == 1
    assert len(rows("documents_document", "status = 'superseded' AND replaces_id IS NULL")) == 1


def test_the_version_that_was_replaced_can_be_made_again(the_insurer, dossier_id, job_id, rows):
    the_insurer.sends(first := statement(lines=40))
    queue.work(job_id)
    the_insurer.sends(second := statement(lines=30, version=2))
    queue.work(import_again(dossier_id, idem="again"))
    [row] = rows("(SELECT version, sealed_difference FROM history_statement WHERE sealed IS NULL) superseded")

    with gate.admitted(HOUSE, Action.IMPORT, CareHistoryAtTheDoor(dossier_id), at=NOON) as passage:
        described, difference = keeping.unseal_difference(passage.keyring, dossier_id, *row)

    assert described["document"][2] == 1
    assert merging.restore(lines_sent(second), difference) == lines_sent(first)


def test_an_older_statement_that_comes_late_replaces_nothing(the_insurer, dossier_id, job_id, look):
    the_insurer.sends(statement(lines=30))
    queue.work(job_id)
    the_insurer.sends(statement(lines=12, written_at=datetime(2026, 1, 1)))

    late = import_again(dossier_id, idem="late")
    queue.work(late)

    assert (state_of(late).code, look().total) == ("stale", 30)


# --- Nothing, silence -----------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "code"), [(204, "nothing"), (404, "unknown")])
def test_an_insurer_that_knows_nothing_is_believed_and_said_so(the_insurer, job_id, look, status, code):
    the_insurer.says(status)

    queue.work(job_id)

    assert (state_of(job_id).state, state_of(job_id).code) == (State.DONE, code)
    assert look().state.phase is Phase.NOTHING


def test_a_silent_insurer_is_asked_again_when_it_says(the_insurer, dossier_id, job_id, look):
    the_insurer.is_silent(retry_after=timedelta(minutes=7))

    queue.work(job_id)

    state = progress(dossier_id, by=holder_of(dossier_id), at=NOON)
    assert state.phase is Phase.TRYING_AGAIN
    assert state.retry_at is not None
    assert state_of(job_id).state is State.READY
    assert look().state == state


def due_again(job_id) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET run_after = statement_timestamp() WHERE id = %s", [job_id])


def test_asking_later_as_told_never_exhausts_the_attempts(the_insurer, job_id):
    the_insurer.is_silent(retry_after=timedelta(seconds=0))

    for _ in range(12):
        assert queue.work(job_id)
        due_again(job_id)

    assert state_of(job_id).state is State.READY


def test_a_silent_insurer_is_left_in_peace_for_longer_and_longer(the_insurer, dossier_id, job_id):
    the_insurer.is_silent()

    queue.work(job_id)

    job = state_of(job_id)
    assert (job.state, job.code, job.attempts) == (State.READY, "no_answer", 0)
    assert timedelta(seconds=29) < job.run_after - datetime.now(UTC) <= timedelta(hours=3)


def test_an_answer_that_the_protocol_does_not_have_ends_before_a_person_at_once(the_insurer, job_id):
    the_insurer.says(418)

    queue.work(job_id)

    assert (state_of(job_id).state, state_of(job_id).code) == (State.HELD, "insurer.status_418")


def test_what_was_asked_and_not_yet_done_is_said(dossier_id):
    assert progress(dossier_id, by=holder_of(dossier_id), at=NOON).phase is Phase.ASKED


# --- Kept apart -----------------------------------------------------------------------------------

SISTER = CAMILLE.but(number="2840538185045", given_names=("CAROLE",))
APART = {
    "another person's": ("other_ins", statement(SISTER)),
    "another person's under her number": ("other_traits", statement(CAMILLE.but(given_names=("CAROLE",)))),
    "born another day": ("other_traits", statement(CAMILLE.but(birth_date="19840518"))),
    "of a wrong key": (
        "bad_nir",
        statement().replace(CAMILLE.ins[1].encode(), f"{CAMILLE.number}97".encode()),
    ),
    "truncated": ("truncated", statement()[:-400]),
    "XXE": ("doctype", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
    "of another template": ("wrong_template", statement().replace(b'1.1.1.36"', b'1.1.1.37"')),
}


@pytest.mark.parametrize(("code", "data"), APART.values(), ids=APART)
def test_what_may_not_be_filed_is_kept_apart_with_a_code(
    the_insurer, dossier_id, job_id, look, rows, code, data
):
    the_insurer.sends(data)

    queue.work(job_id)

    assert (state_of(job_id).state, state_of(job_id).code) == (State.HELD, code)
    history = look()
    assert (history.state.phase, history.total, history.sections) == (Phase.HELD, 0, ())
    assert rows("history_statement") == rows("documents_document") == []
    assert len(rows("history_held")) == 1


def test_a_flood_is_kept_out_under_its_code(the_insurer, job_id, rows):
    the_insurer.floods()

    queue.work(job_id)

    assert (state_of(job_id).state, state_of(job_id).code) == (State.HELD, "too_large")
    assert len(rows("history_held")) == 1


def test_what_is_kept_apart_hides_nothing_of_what_was_there(the_insurer, dossier_id, job_id, look):
    the_insurer.sends(statement(lines=30))
    queue.work(job_id)
    the_insurer.sends(statement(SISTER))

    queue.work(import_again(dossier_id, idem="again"))

    history = look()
    assert (history.total, history.state.phase) == (30, Phase.HELD)


def test_the_same_bad_statement_is_kept_apart_once(the_insurer, job_id, rows):
    the_insurer.sends(statement(SISTER))
    queue.work(job_id)
    queue.retry(job_id, seen_at=state_of(job_id).run_after)

    queue.work(job_id)

    assert len(rows("history_held")) == 1


def test_a_good_statement_answers_what_was_kept_apart(the_insurer, job_id, look, rows):
    the_insurer.sends(statement(SISTER))
    queue.work(job_id)
    queue.retry(job_id, seen_at=state_of(job_id).run_after)
    the_insurer.sends(statement())

    queue.work(job_id)

    assert look().state.phase is Phase.DONE
    assert rows("history_held", "sealed IS NOT NULL OR closed_at IS NULL") == []


# --- Late workers, races --------------------------------------------------------------------------


def lease_of(job_id) -> leases.Lease:
    """The lease a worker holds, as its handler would get it."""
    lease = leases.take(job_id)
    assert lease is not None
    return lease


def test_a_worker_whose_lease_is_gone_writes_nothing(dossier_id, job_id, rows):
    lease = lease_of(job_id)
    answer = importing.Answer(importing.Received(statement(), None))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET lease_token = gen_random_uuid() WHERE id = %s", [job_id])

    with pytest.raises(Fenced):
        importing.settle(lease, answer, at=NOON)

    assert rows("history_statement") == rows("documents_document") == rows("history_held") == []


def test_a_dossier_has_one_current_statement_whatever_happens(the_insurer, dossier_id, job_id, as_worker):
    the_insurer.sends(statement())
    queue.work(job_id)
    columns = (
        "received_at, written_on, period_start, period_end, line_count, content_mac, sealed, document_id"
    )

    with pytest.raises(IntegrityError, match="one_current_statement_per_dossier"), transaction.atomic():
        as_worker(
            f"INSERT INTO history_statement (dossier_id, version, {columns})"
            f" SELECT dossier_id, version + 1, {columns} FROM history_statement"
        )
