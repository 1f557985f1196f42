"""People whom few forms expect: without a given name or a birth name, with one letter, with a number given
while they wait. One person, one dossier: opened once, found, its care history theirs."""

from dataclasses import replace
from datetime import date

import pytest
from django.db import connection, transaction

from accounts.identity import BadNumber, BirthDate, Ins, former_numbers, nir_key
from dossiers import counter, enrolment, finding, numbers
from dossiers.enrolment import GoToACounter
from dossiers.identity import Identity
from history import cnam_hr, matching
from sandbox import statements
from sandbox.population import CAMILLE as SOMEBODY
from tests.cast import DOSSIER, LEFEVRE, NOON, PHARMACIST, ROY
from tests.dossiers.conftest import CAMILLE_ANSWERS, CAMILLE_TRAITS

pytestmark = pytest.mark.django_db

NAMES = {
    "no given name": ("Gurung", ()),
    "no birth name": ("", ("Suharto",)),
    "one letter": ("Y", ("O",)),
    "neither": ("", ()),
}


def number(first: str) -> str:
    thirteen = f"{first}790351215189"
    return thirteen + nir_key(thirteen)


def statement(traits, ins):
    """What the insurer sends about them."""
    told = replace(
        SOMEBODY, birth_name=traits.birth_name, given_names=traits.given_names, birth_date=traits.birth_date
    )
    written = statements.write(told, since=date(2024, 11, 21), until=date(2026, 11, 21))
    return cnam_hr.read(written.replace(told.nir.encode(), ins.value.encode()))


@pytest.mark.parametrize(("birth_name", "given_names"), NAMES.values(), ids=NAMES)
def test_whatever_names_somebody_lacks_they_have_one_dossier(
    open_at_the_counter, reading, birth_name, given_names
):
    traits = replace(CAMILLE_TRAITS, birth_name=birth_name, given_names=given_names, used_name=None)
    card = replace(reading, traits=traits)

    sheet = open_at_the_counter(reading=card)

    assert counter.receive(card, by=PHARMACIST, at=NOON).exists
    found = finding.by_ins(card.ins.value, by=LEFEVRE, at=NOON)
    assert [one.dossier_id for one in found] == [sheet.dossier_id]
    found = finding.by_name(
        birth_name or "-",
        BirthDate(traits.birth_date),
        given_name=given_names[0] if given_names else "",
        by=LEFEVRE,
        at=NOON,
    )
    assert [one.dossier_id for one in found] == [sheet.dossier_id]
    theirs = statement(traits, card.ins)
    assert matching.mismatch((card.ins, traits), (theirs.ins, theirs.traits)) is None


@pytest.mark.parametrize(("birth_name", "given_names"), NAMES.values(), ids=NAMES)
def test_they_open_it_online_as_at_a_counter(opened_online, reading, birth_name, given_names):
    traits = replace(CAMILLE_TRAITS, birth_name=birth_name, given_names=given_names, used_name=None)

    opened_online(birth_name=birth_name, given_name=given_names[0] if given_names else "")

    assert counter.receive(replace(reading, traits=traits), by=PHARMACIST, at=NOON).exists


@pytest.mark.parametrize("told", ["", "-", "?", "SANS PRENOM", "Sans prénom"])
def test_a_register_writes_in_many_ways_that_there_is_no_given_name(told):
    ours = replace(CAMILLE_TRAITS, given_names=())
    theirs = replace(CAMILLE_TRAITS, given_names=(told,))

    assert matching.differences(ours, theirs) == frozenset()
    assert matching.differences(CAMILLE_TRAITS, theirs) == {"given_name"}
    assert matching.differences(theirs, CAMILLE_TRAITS) == {"given_name"}


@pytest.mark.parametrize("first", "3478")
def test_a_number_given_while_waiting_opens_one_dossier_at_every_door(opened_online, reading, first):
    value = number(first)
    sex = "M" if first in "37" else "F"
    traits = replace(CAMILLE_TRAITS, sex=sex, used_name=None)

    opened_online(nir=value)

    for oid in ("1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"):
        card = replace(reading, ins=Ins(oid, value), traits=traits)
        assert counter.receive(card, by=PHARMACIST, at=NOON).exists
        theirs = statement(traits, card.ins)
        assert not matching.same_ins(card.ins, Ins(oid, number("2")))
        assert matching.same_ins(card.ins, theirs.ins)
    assert len(finding.by_ins(value, by=LEFEVRE, at=NOON)) == 1


def test_the_one_who_types_another_number_is_somebody_else(the_insurer):
    the_insurer.knows = None
    application_id = enrolment.start(at=NOON)
    by = enrolment.applicant(application_id)
    enrolment.answer(application_id, by=by, at=NOON, **{**CAMILLE_ANSWERS, "nir": number("8")})

    with pytest.raises(GoToACounter):
        enrolment.ask_insurer(application_id, by=by, at=NOON)


# A NIA, then a NIR ------------------------------------------------------------------------------

NIA, NIR = Ins("1.2.250.1.213.1.4.11", number("8")), Ins("1.2.250.1.213.1.4.10", number("2"))


def found_under(ins):
    return [one.dossier_id for one in finding.by_ins(ins.value, by=LEFEVRE, at=NOON)]


def test_who_waited_for_a_number_has_one_dossier_found_under_both(open_at_the_counter, reading):
    opened = open_at_the_counter(reading=replace(reading, ins=NIA)).dossier_id
    assert (found_under(NIA), found_under(NIR)) == ([opened], [])

    visit = counter.receive(replace(reading, ins=NIR, former=(NIA,)), by=PHARMACIST, at=NOON)

    assert visit.exists
    assert (found_under(NIA), found_under(NIR)) == ([opened], [opened])
    # Even a card that tells of no former number meets it from now on.
    assert counter.receive(replace(reading, ins=NIR), by=ROY, at=NOON).exists


def test_a_dossier_opened_under_the_new_number_is_found_under_the_old_one(open_at_the_counter, reading):
    opened = open_at_the_counter(reading=replace(reading, ins=NIR, former=(NIA,))).dossier_id

    assert (found_under(NIA), found_under(NIR)) == ([opened], [opened])
    assert counter.receive(replace(reading, ins=NIA), by=PHARMACIST, at=NOON).exists


@pytest.mark.parametrize(("typed", "other"), [(NIA, NIR), (NIR, NIA)], ids=["the old one", "the new one"])
def test_online_the_insurer_tells_the_other_number(
    proved, the_insurer, open_at_the_counter, reading, typed, other
):
    open_at_the_counter(reading=replace(reading, ins=other))
    told = {"ins": NIR, "former": (NIA,)} if typed == NIA else {"former": (NIA,)}
    the_insurer.numbers = told

    _, _, answer = proved(nir=typed.value)

    assert answer.dossier_exists


def test_a_row_moved_to_another_dossier_finds_nobody(open_at_the_counter, reading):
    open_at_the_counter(reading=replace(reading, ins=NIR, former=(NIA,)))
    somebody = replace(reading, ins=Ins(NIR.oid, "277076322082910"))
    other = open_at_the_counter(reading=somebody, by=PHARMACIST).dossier_id
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', 'dmp_counter', true)")
        rows = numbers.tokens_of([NIA], numbers.dossier_of(Identity(NIR, reading.traits)))
        cursor.executemany(
            "INSERT INTO dossiers_searchtoken (token, dossier_id) VALUES (%s, %s)",
            [(token, other) for token in rows],
        )
        cursor.execute("SELECT set_config('role', 'none', true)")

    assert other not in found_under(NIA)


def test_a_link_that_was_moved_leads_to_no_dossier_either(open_at_the_counter, reading):
    hers = open_at_the_counter(reading=reading).dossier_id
    other = open_at_the_counter(
        reading=replace(reading, ins=Ins(NIR.oid, "277076322082910")), by=PHARMACIST
    ).dossier_id
    waiting = Ins(NIA.oid, number("7"))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', 'dmp_counter', true)")
        cursor.executemany(
            "INSERT INTO dossiers_searchtoken (token, dossier_id) VALUES (%s, %s)",
            [(token, other) for token in numbers.tokens_of([waiting], hers)],
        )
        led_to = numbers.dossier_of(Identity(waiting, reading.traits))
        cursor.execute("SELECT set_config('role', 'none', true)")

    assert led_to is None


def test_a_statement_under_the_other_number_is_theirs(reading):
    card = replace(reading, ins=NIR, former=(NIA,))
    known = Identity(card.ins, card.traits, card.former)
    theirs = statement(card.traits, NIA)

    def is_theirs(one):
        return numbers.is_of(one, known, DOSSIER)

    assert is_theirs(theirs.ins)
    assert matching.mismatch((NIR, card.traits), (NIA, theirs.traits), theirs=is_theirs) is None
    assert matching.mismatch((NIR, card.traits), (NIA, theirs.traits)).code == "other_ins"


def test_a_card_and_the_insurer_tell_former_numbers_of_this_installation_only():
    told = [{"oid": NIA.oid, "valeur": NIA.value}, {"oid": NIR.oid, "valeur": NIR.value}]

    assert former_numbers(told, of=NIR, installation="test") == (NIA,)
    assert former_numbers(None, of=NIR, installation="test") == ()
    with pytest.raises(BadNumber):
        former_numbers([{"oid": "1.2.250.1.213.1.4.9", "valeur": NIA.value}], of=NIR, installation="test")
