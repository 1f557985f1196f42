"""Agreements declared before places were kept serve where they were declared, and nowhere else."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import call_command

from access import gate
from accounts import directory
from accounts.actors import Authentication
from accounts.userinfo import PlaceOfPractice, PracticeTold, ProfessionalTold
from documents import consultation
from dossiers import declared_where, sharing
from tests.cast import LEFEVRE, NOON

LATER = NOON + timedelta(hours=1)
SURGERY, CLINIC, TWIN = (
    PlaceOfPractice("R1", "Cabinet des Tilleuls"),
    PlaceOfPractice("F2", "Clinique du Parc"),
    PlaceOfPractice("F3", "Clinique du Parc"),
)


@pytest.fixture
def camille(real_database, open_at_the_counter, holder_of):
    return holder_of(open_at_the_counter().dossier_id)


@pytest.fixture
def practising(real_database):
    """A doctor known to practise in these places, acting in each of them."""

    def practising(*places, rpps="10000000019"):
        told = tuple(PracticeTold("10", "SM54", place) for place in places)
        known = directory.learn(ProfessionalTold(rpps, LEFEVRE.name, told), at=NOON)
        return [
            directory.professional_acting(
                known.id, known.name, practice, authentication=Authentication.PRO_SANTE_CONNECT
            )
            for practice in known.practices
        ]

    return practising


@pytest.fixture
def as_before(real_database):
    """What an earlier release wrote of an agreement: no place, and nothing that binds it."""

    def as_before():
        with real_database.superuser() as server:
            server.execute("UPDATE dossiers_grant SET structure_id = NULL, facts_mac = NULL")

    return as_before


def reads(camille, who):
    try:
        consultation.contents(camille.dossier_id, by=who, at=LATER)
    except gate.Refused:
        return False
    return True


def placed(database):
    with database.superuser() as server:
        return server.execute("SELECT structure_id, until FROM dossiers_grant ORDER BY since").fetchall()


def brought():
    count = declared_where.complete(at=LATER)
    call_command("bind_rows", again=True, verbosity=0)
    return count


def test_it_serves_where_it_was_declared(real_database, camille, practising, as_before):
    surgery, clinic = practising(SURGERY, CLINIC)
    sharing.declare_agreement(camille.dossier_id, by=clinic, at=NOON)
    as_before()
    assert not reads(camille, clinic)

    assert brought() == 1

    assert placed(real_database)[0][0] == clinic.structure_id
    assert (reads(camille, clinic), reads(camille, surgery)) == (True, False)


def test_it_ends_when_nobody_can_say_which_place_it_was(real_database, camille, practising, as_before):
    _, clinic, twin = practising(SURGERY, CLINIC, TWIN)
    sharing.declare_agreement(camille.dossier_id, by=clinic, at=NOON)
    as_before()

    brought()

    assert placed(real_database) == [(None, LATER)]
    assert not any(reads(camille, who) for who in (clinic, twin, replace(clinic, structure_id=None)))
    [ended] = sharing.people(camille.dossier_id, by=camille, at=LATER).authorised
    assert (ended.structure, ended.in_force) == (CLINIC.name, False)


def test_it_ends_when_the_place_is_not_theirs_any_more(real_database, camille, practising, as_before):
    [surgery] = practising(SURGERY)
    elsewhere = replace(surgery, structure_id=UUID(int=7), structure="Un cabinet qui a fermé")
    sharing.declare_agreement(camille.dossier_id, by=elsewhere, at=NOON)
    as_before()

    brought()

    assert placed(real_database) == [(None, LATER)]


def test_who_practises_in_no_place_keeps_it(real_database, camille, practising, as_before):
    [surgery] = practising(SURGERY)
    nowhere = replace(surgery, structure_id=None, structure="")
    granted = sharing.declare_agreement(camille.dossier_id, by=nowhere, at=NOON)
    as_before()

    brought()

    assert placed(real_database) == [(None, granted.until)]
    assert (reads(camille, nowhere), reads(camille, surgery)) == (True, False)


def test_an_agreement_that_ended_is_left_as_it_was(real_database, camille, practising, as_before):
    [surgery] = practising(SURGERY)
    granted = sharing.declare_agreement(camille.dossier_id, by=surgery, at=NOON)
    sharing.withdraw(camille.dossier_id, granted.grant_id, by=camille, at=NOON)
    as_before()

    assert brought() == 0
    assert placed(real_database) == [(None, NOON)]


def test_one_whose_name_cannot_be_read_does_not_stop_the_others(
    real_database, camille, practising, as_before
):
    [surgery], [clinic] = practising(SURGERY), practising(CLINIC, rpps="10000000027")
    damaged = sharing.declare_agreement(camille.dossier_id, by=surgery, at=NOON)
    sharing.declare_agreement(camille.dossier_id, by=clinic, at=NOON)
    as_before()
    with real_database.superuser() as server:
        server.execute("UPDATE dossiers_grant SET sealed = '\\x0101' WHERE id = %s", [damaged.grant_id])

    brought()

    assert (reads(camille, clinic), reads(camille, surgery)) == (True, False)
