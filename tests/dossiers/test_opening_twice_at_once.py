"""Two counters, one person, one instant: one dossier."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection

from access.gate import Refused
from access.policy import Reason
from dossiers import counter
from dossiers.counter import AccessSheet
from tests import openings
from tests.cast import NOON, PHARMACIST, ROY


def test_two_openings_at_once_make_one_dossier(real_database, reading):
    together = Barrier(2)

    def open_as(by):
        try:
            visit = counter.receive(reading, by=by, at=NOON)
            together.wait()
            return openings.open_here(visit.id, by=by, at=NOON)
        except Refused as refused:
            return refused.decision.reason
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(open_as, [ROY, PHARMACIST]))

    assert sorted(type(answer).__name__ for answer in answers) == ["AccessSheet", "Reason"]
    assert Reason.ALREADY_OPEN in answers
    assert any(isinstance(answer, AccessSheet) for answer in answers)
    with real_database.superuser() as server:
        assert server.execute("SELECT count(*) FROM dossiers_dossier").fetchone() == (1,)
        assert server.execute("SELECT count(*) FROM accounts_person").fetchone() == (1,)
