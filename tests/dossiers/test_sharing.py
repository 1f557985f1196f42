"""Letting somebody in, finding them, and reading who came."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from access.gate import Refused
from accounts.identity import BadNir, BirthDate
from accounts.models import Notice
from dossiers import finding, home, sharing, traces
from dossiers.sharing import NotInForce
from tests.cast import CAMILLE, LEFEVRE, NADIA, NOON, OPTICIAN, OTHER_DOSSIER, PAUL, PHARMACY, ROY
from tests.dossiers.conftest import CAMILLE_NIR

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def dossier_id(open_at_the_counter):
    return open_at_the_counter().dossier_id


def test_a_doctor_finds_a_patient_by_her_number(dossier_id):
    [found] = finding.by_ins(CAMILLE_NIR, by=LEFEVRE, at=NOON)

    assert (found.dossier_id, found.used_name, found.granted_until) == (dossier_id, "LACOSTE", None)


@pytest.mark.parametrize(
    "name",
    ["Moreau-Tréboul", "MOREAU TREBOUL", "Moreautreboul", "lacoste", "La Coste"],
)
def test_a_doctor_finds_a_patient_by_name_and_birth_date(dossier_id, name):
    [found] = finding.by_name(name, BirthDate("19790328"), by=LEFEVRE, at=NOON)

    assert found.dossier_id == dossier_id


@pytest.mark.parametrize(
    ("name", "born"),
    [("Lacoste", "19790329"), ("Costes", "19790328"), ("Reau", "19790328"), ("L", "19790328")],
    ids=["another day", "another name", "the end of a name", "one letter"],
)
def test_a_near_miss_finds_nobody(dossier_id, name, born):
    assert not finding.by_name(name, BirthDate(born), by=LEFEVRE, at=NOON)


def test_a_number_that_cannot_be_is_refused_before_anything_is_read(dossier_id):
    with pytest.raises(BadNir):
        finding.by_ins("123", by=LEFEVRE, at=NOON)


@pytest.mark.parametrize("by", [ROY, CAMILLE], ids=lambda actor: actor.name)
def test_finding_people_is_for_those_who_treat_them(dossier_id, by):
    with pytest.raises(Refused):
        finding.by_ins(CAMILLE_NIR, by=by, at=NOON)


def test_declaring_the_agreement_opens_for_a_year(dossier_id):
    assert not home.front(dossier_id, by=LEFEVRE, at=NOON).may_read

    granted = sharing.declare_agreement(dossier_id, by=LEFEVRE, at=NOON)

    assert granted.until == NOON + timedelta(days=365)
    assert home.front(dossier_id, by=LEFEVRE, at=LATER).may_read
    assert not home.front(dossier_id, by=NADIA, at=LATER).may_read
    assert not home.front(dossier_id, by=LEFEVRE, at=granted.until).may_read


def test_who_is_newly_let_in_is_told_at_once_and_who_goes_on_with_the_rest(dossier_id):
    for at in (NOON, LATER):
        sharing.declare_agreement(dossier_id, by=LEFEVRE, at=at)
    sharing.declare_agreement(dossier_id, by=NADIA, at=LATER)

    told = [(one.kind, one.leaves_at is None) for one in Notice.objects.order_by("created_at")][-3:]
    assert told == [("agreed", True), ("changed", False), ("agreed", True)]


def test_declaring_it_again_prolongs_it(dossier_id, holder_of):
    sharing.declare_agreement(dossier_id, by=LEFEVRE, at=NOON)
    again = sharing.declare_agreement(dossier_id, by=LEFEVRE, at=LATER)

    listed = sharing.people(dossier_id, by=holder_of(dossier_id), at=LATER).authorised

    assert [(one.name, one.until, one.in_force) for one in listed] == [
        ("Dr Anne Lefèvre", again.until, True),
        ("Dr Anne Lefèvre", LATER, False),
    ]


def test_an_agent_declares_no_agreement(dossier_id):
    with pytest.raises(Refused):
        sharing.declare_agreement(dossier_id, by=ROY, at=NOON)


def test_the_holder_takes_it_back_at_once(dossier_id, holder_of):
    camille = holder_of(dossier_id)
    granted = sharing.declare_agreement(dossier_id, by=LEFEVRE, at=NOON)

    assert sharing.withdraw(dossier_id, granted.grant_id, by=camille, at=LATER) == "Dr Anne Lefèvre"

    assert not home.front(dossier_id, by=LEFEVRE, at=LATER).may_read
    with pytest.raises(NotInForce):
        sharing.withdraw(dossier_id, granted.grant_id, by=camille, at=LATER)


ELSEWHERE = replace(LEFEVRE, structure_id=PHARMACY, structure="Clinique du Pont")
AT_HOME = replace(LEFEVRE, structure_id=None, structure="")


@pytest.mark.parametrize("elsewhere", [ELSEWHERE, AT_HOME], ids=["in another place", "in none"])
def test_an_agreement_serves_where_it_was_declared_and_nowhere_else(dossier_id, elsewhere):
    sharing.declare_agreement(dossier_id, by=LEFEVRE, at=NOON)

    assert home.front(dossier_id, by=LEFEVRE, at=LATER).may_read
    there = home.front(dossier_id, by=elsewhere, at=LATER)
    assert (there.may_read, there.holder.granted_until) == (False, None)
    [found] = finding.by_ins(CAMILLE_NIR, by=elsewhere, at=LATER)
    assert found.granted_until is None


def test_declared_without_a_place_it_serves_in_none(dossier_id):
    sharing.declare_agreement(dossier_id, by=AT_HOME, at=NOON)

    assert home.front(dossier_id, by=AT_HOME, at=LATER).may_read
    assert not home.front(dossier_id, by=LEFEVRE, at=LATER).may_read


def test_each_place_has_its_own_and_the_holder_reads_where(dossier_id, holder_of):
    sharing.declare_agreement(dossier_id, by=LEFEVRE, at=NOON)
    sharing.declare_agreement(dossier_id, by=ELSEWHERE, at=LATER)

    listed = sharing.people(dossier_id, by=holder_of(dossier_id), at=LATER).authorised

    assert [(one.structure, one.in_force) for one in listed] == [
        ("Clinique du Pont", True),
        ("Cabinet des Tilleuls", True),
    ]


def test_taking_one_back_takes_all_of_them_back(dossier_id, holder_of):
    camille = holder_of(dossier_id)
    granted = sharing.declare_agreement(dossier_id, by=LEFEVRE, at=NOON)
    sharing.declare_agreement(dossier_id, by=ELSEWHERE, at=NOON)
    sharing.declare_agreement(dossier_id, by=NADIA, at=NOON)

    sharing.withdraw(dossier_id, granted.grant_id, by=camille, at=LATER)

    assert not home.front(dossier_id, by=LEFEVRE, at=LATER).may_read
    assert not home.front(dossier_id, by=ELSEWHERE, at=LATER).may_read
    assert home.front(dossier_id, by=NADIA, at=LATER).may_read


@pytest.mark.parametrize("by", [PAUL, LEFEVRE, ROY], ids=lambda actor: actor.name)
def test_only_the_holder_takes_it_back(dossier_id, by):
    granted = sharing.declare_agreement(dossier_id, by=LEFEVRE, at=NOON)

    with pytest.raises(Refused):
        sharing.withdraw(dossier_id, granted.grant_id, by=by, at=LATER)


def test_the_holder_sees_every_act_newest_first_and_refusals_too(dossier_id, holder_of):
    camille = holder_of(dossier_id)
    home.front(dossier_id, by=LEFEVRE, at=NOON)
    with pytest.raises(Refused):
        traces.traces(dossier_id, by=OPTICIAN, at=NOON)
    sharing.declare_agreement(dossier_id, by=LEFEVRE, at=NOON)

    page = traces.traces(dossier_id, by=camille, at=LATER)

    told = [(trace.kind, trace.actor.get("name")) for trace in page.entries if trace.kind != "notify"]
    assert told == [
        ("authorise", "Dr Anne Lefèvre"),
        ("traces.refused", "Marc Vidal"),
        ("visit", "Dr Anne Lefèvre"),
        ("open", "Bernard Roy"),
    ]
    assert page.next is None


def test_traces_come_by_fifty(dossier_id, holder_of):
    camille = holder_of(dossier_id)
    for _ in range(60):
        home.front(dossier_id, by=replace(LEFEVRE, id=uuid4()), at=NOON)

    first = traces.traces(dossier_id, by=camille, at=LATER)
    rest = traces.traces(dossier_id, by=camille, at=LATER, after=first.next)

    assert len(first.lines) == 50
    assert [t.position for t in (*first.entries, *rest.entries)] == list(range(62, 0, -1))
    assert rest.next is None


def test_what_is_absent_and_what_is_another_s_look_alike(dossier_id):
    for nowhere in (dossier_id, OTHER_DOSSIER):
        with pytest.raises(Refused) as refused:
            traces.traces(nowhere, by=PAUL, at=NOON)
        assert refused.value.decision.hidden


def test_the_first_page_tells_what_others_did(dossier_id, holder_of):
    camille = holder_of(dossier_id)
    sharing.declare_agreement(dossier_id, by=LEFEVRE, at=NOON)
    for _ in range(15):
        home.front(dossier_id, by=camille, at=NOON)

    recent = home.front(dossier_id, by=camille, at=LATER).recent

    assert [(trace.kind, trace.actor["name"]) for line in recent for trace in line.traces] == [
        ("authorise", "Dr Anne Lefèvre"),
        ("open", "Bernard Roy"),
    ]
