"""Two imports at once, a crash between the answer and the commit: one current statement, whole."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections

from audit.verification import Verification
from dossiers.opening import IMPORT_HISTORY
from history.consultation import care_history
from history.importing import ask, question, settle
from jobs import handlers, queue
from jobs.models import State
from jobs.urgency import Urgency
from tests.cast import NOON

from .cast import CAMILLE, statement
from .conftest import holder_of, import_again, open_dossier
from .insurer import TOKEN, serving


def current_statements(database) -> list[tuple]:
    """For each dossier: how many current statements, versions, lines, documents, things held apart."""
    with database.owner() as owner:
        return owner.execute(
            """SELECT count(s.version) FILTER (WHERE s.superseded_at IS NULL), count(s.version),
                 max(s.line_count),
                 (SELECT count(*) FROM documents_document o WHERE o.dossier_id = d.id),
                 (SELECT count(*) FROM history_held h WHERE h.dossier_id = d.id)
               FROM dossiers_dossier d LEFT JOIN history_statement s ON s.dossier_id = d.id GROUP BY d.id"""
        ).fetchall()


def test_two_imports_at_once_leave_one_statement(real_database, settings):
    settings.DMP_HISTORY_TOKEN = TOKEN
    dossier_id = open_dossier()
    jobs = [import_again(dossier_id, idem=str(number)) for number in range(4)]
    together = Barrier(len(jobs))

    def work(job_id):
        together.wait()
        try:
            return queue.work(job_id)
        finally:
            connections.close_all()

    with serving({CAMILLE.ins[1]: statement()}) as settings.DMP_HISTORY_URL:
        with ThreadPoolExecutor(len(jobs)) as pool:
            assert all(pool.map(work, jobs))
        with connection.cursor() as cursor:  # those that lost the race wait two seconds
            cursor.execute("UPDATE jobs_job SET run_after = statement_timestamp() WHERE state = 'ready'")
        queue.work_due(10)

    assert {job.state for job in queue.waiting(list(State)) if job.id in jobs} == {State.DONE}
    assert current_statements(real_database) == [(1, 1, 24, 1, 0)]
    assert care_history(dossier_id, by=holder_of(dossier_id), at=NOON).total == 24
    assert list(Verification().of_ledger()) == []


def test_a_crash_between_the_answer_and_the_commit_leaves_nothing(real_database, settings, monkeypatch):
    settings.DMP_HISTORY_TOKEN = TOKEN
    dossier_id = open_dossier()
    job_id = import_again(dossier_id, idem="again")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM jobs_job WHERE id <> %s", [job_id])

    class Crash(BaseException):
        pass

    def crash(*_: object) -> None:
        raise Crash

    def crashing(lease: queue.Lease) -> None:
        answer = ask(question(lease, at=NOON))
        monkeypatch.setattr("access.gate._leave", crash)
        settle(lease, answer, at=NOON)

    with serving({CAMILLE.ins[1]: statement()}) as settings.DMP_HISTORY_URL:
        crash_here = handlers.Kind(Urgency.FOREGROUND, crashing)
        monkeypatch.setitem(handlers._kinds, IMPORT_HISTORY, crash_here)
        with pytest.raises(Crash):
            queue.work(job_id)
        monkeypatch.undo()
        assert current_statements(real_database) == [(0, 0, None, 0, 0)]

        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobs_job SET lease_until = statement_timestamp()")
        queue.work(job_id)

    assert current_statements(real_database) == [(1, 1, 24, 1, 0)]
    assert list(Verification().of_ledger()) == []
