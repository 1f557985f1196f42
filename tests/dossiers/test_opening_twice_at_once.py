"""Two counters, one person, one instant: one dossier. One button pressed again and again: one agreement."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection

from dossiers import counter, sharing
from dossiers.counter import NotAtThisStage, Stage
from tests import openings
from tests.cast import LEFEVRE, NOON, PHARMACIST, ROY


def test_two_openings_at_once_make_one_dossier(real_database, reading):
    together = Barrier(2)

    def open_as(by):
        try:
            visit = counter.receive(reading, by=by, at=NOON)
            together.wait()
            return openings.open_here(visit.id, by=by, at=NOON)
        except NotAtThisStage as elsewhere:
            return elsewhere.stage
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(open_as, [ROY, PHARMACIST]))

    assert sorted(type(answer).__name__ for answer in answers) == ["AccessSheet", "Stage"]
    assert Stage.EXISTS in answers
    with real_database.superuser() as server:
        assert server.execute("SELECT count(*) FROM dossiers_dossier").fetchone() == (1,)
        assert server.execute("SELECT count(*) FROM accounts_person").fetchone() == (1,)


def test_one_agreement_declared_four_times_at_once_is_one_agreement(
    real_database, open_at_the_counter, holder_of
):
    dossier_id = open_at_the_counter().dossier_id
    together = Barrier(4)

    def declare(_):
        together.wait(10)
        try:
            return sharing.declare_agreement(dossier_id, by=LEFEVRE, at=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        made = {granted.grant_id for granted in threads.map(declare, range(4))}

    [listed] = sharing.people(dossier_id, by=holder_of(dossier_id), at=NOON).authorised
    assert listed.in_force
    assert made == {listed.grant_id}
    with real_database.superuser() as server:
        assert server.execute("SELECT count(*) FROM dossiers_grant").fetchone() == (1,)
