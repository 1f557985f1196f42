"""A pharmacist or an agent opens a dossier for who stands there."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from access.gate import Refused
from access.policy import Reason
from accounts.traits import Traits
from dossiers import counter
from dossiers.counter import CardTooOld, NotAtThisStage, Stage, VisitOver
from tests.cast import LEFEVRE, NOON, PHARMACIST, ROY, STAFF, STUDENT
from tests.openings import open_here

pytestmark = pytest.mark.django_db


def applications():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(id) FROM dossiers_application")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("by", [ROY, PHARMACIST, LEFEVRE], ids=lambda actor: actor.name)
def test_a_counter_opens_a_dossier_and_hands_over_the_secrets_once(open_at_the_counter, by):
    sheet = open_at_the_counter(by=by)

    assert sheet.holder_name == "CAMILLE LACOSTE"
    assert sheet.login and sheet.first_password
    assert sheet.opened_by == by.name


def test_without_a_contact_there_is_a_dossier_and_no_web_access(open_at_the_counter):
    sheet = open_at_the_counter(contact=None)

    assert (sheet.login, sheet.first_password, sheet.contact_mask) == (None, None, None)


def test_no_consent_no_dossier_and_the_visit_goes_on(open_at_the_counter):
    with pytest.raises(Refused) as refused:
        open_at_the_counter(agreed=False)

    assert refused.value.decision.reason is Reason.NO_CONSENT
    assert applications() == 1


def test_a_person_has_one_dossier(open_at_the_counter, reading):
    open_at_the_counter()

    assert counter.receive(reading, by=PHARMACIST, at=NOON).exists
    with pytest.raises(NotAtThisStage) as elsewhere:
        open_at_the_counter(by=PHARMACIST)
    assert elsewhere.value.stage is Stage.EXISTS


def test_a_sheet_is_printed_again_until_the_visit_ends(reading):
    visit = counter.receive(reading, by=ROY, at=NOON)
    sheet = open_here(visit.id, by=ROY, at=NOON)

    assert counter.finish(visit.id, by=ROY, at=NOON) == sheet, "a form sent twice is one opening"
    assert counter.sheet(visit.id, by=ROY, at=NOON + timedelta(minutes=29)) == sheet
    counter.think_it_over(visit.id, by=ROY, at=NOON + timedelta(minutes=29))
    with pytest.raises(VisitOver):
        counter.sheet(visit.id, by=ROY, at=NOON + timedelta(minutes=29))
    assert applications() == 0


def test_a_visit_lasts_half_an_hour(reading):
    visit = counter.receive(reading, by=ROY, at=NOON)

    assert counter.visit(visit.id, by=ROY, at=NOON + timedelta(minutes=29)).id == visit.id
    with pytest.raises(VisitOver):
        counter.visit(visit.id, by=ROY, at=NOON + timedelta(minutes=30))


def test_a_visit_belongs_to_the_agent_who_read_the_card(reading):
    visit = counter.receive(reading, by=ROY, at=NOON)

    with pytest.raises(Refused):
        counter.visit(visit.id, by=PHARMACIST, at=NOON)


def test_who_prefers_to_think_leaves_nothing(reading):
    visit = counter.receive(reading, by=ROY, at=NOON)

    counter.think_it_over(visit.id, by=ROY, at=NOON)

    assert applications() == 0


def test_a_card_read_long_ago_proves_nothing(reading):
    with pytest.raises(CardTooOld):
        counter.receive(reading, by=ROY, at=NOON + timedelta(minutes=10))

    assert applications() == 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', 'dmp_web', true), set_config('dmp.pin', %s, true)", [str(ROY.id)]
        )
        cursor.execute("SELECT kind FROM audit_event WHERE chain = %s", [ROY.id])
        traced = cursor.fetchall()
        cursor.execute("SELECT set_config('role', 'none', true), set_config('dmp.pin', '', true)")
    assert traced == [("check_existence.refused",)]


@pytest.mark.parametrize("by", [STAFF, STUDENT], ids=lambda actor: actor.name)
def test_a_counter_is_for_agents_and_health_professionals(reading, by):
    with pytest.raises(Refused):
        counter.receive(reading, by=by, at=NOON)


def test_a_minor_comes_with_a_representative(reading):
    child = Traits(birth_name="MOREAU", given_names=("LÉO",), sex="F", birth_date="20150601")
    visit = counter.receive(replace(reading, traits=child), by=ROY, at=NOON)

    with pytest.raises(Refused) as refused:
        open_here(visit.id, by=ROY, at=NOON)
    assert refused.value.decision.reason is Reason.NO_REPRESENTATIVE
    sheet = open_here(visit.id, by=ROY, at=NOON, representative="Claire Moreau, mère")
    assert sheet.login is None
