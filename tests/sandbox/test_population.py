"""The invented people carry numbers that the house accepts, and that name nobody real."""

import pytest

from accounts.identity import parse_finess, parse_ins, parse_rpps
from sandbox import numbers
from sandbox.population import (
    ANGE,
    CAST,
    FATOU,
    MARIE_OF_DIJON,
    MARIE_OF_NICE,
    PROFESSIONALS,
    everybody,
)

KNOWN_KEYS = {
    "188102B172952": 64,
    "2550699999999": 34,
    "2790351215189": 89,
    "2770763220829": 10,
    "1240188524933": 34,
    "1680172181372": 43,
}


@pytest.mark.parametrize(("first_thirteen", "key"), KNOWN_KEYS.items())
def test_the_key_is_the_one_the_administration_computes(first_thirteen, key):
    assert numbers.nir_key(first_thirteen) == key


@pytest.mark.parametrize("person", CAST, ids=lambda person: person.slug)
def test_the_house_accepts_the_number_of_everyone_in_the_cast(person):
    ins = parse_ins(*person.ins, "test")

    assert (ins.oid, ins.value) == person.ins


def test_the_house_accepts_the_number_of_every_inhabitant():
    for person in everybody():
        parse_ins(*person.ins, "test")


def test_a_real_installation_refuses_them_all():
    with pytest.raises(ValueError):
        parse_ins(*CAST[0].ins, "real")


def test_nobody_shares_a_number_or_a_card():
    people = everybody()

    assert len({person.nir for person in people}) == len(people)
    assert len({person.vitale_serial for person in people}) == len(people)
    assert len({person.slug for person in people}) == len(people)


def test_professionals_and_places_carry_valid_numbers():
    for professional in PROFESSIONALS:
        assert parse_rpps(professional.rpps)
        for practice in professional.practices:
            assert parse_finess(practice.structure.finess)


def test_the_difficult_cases_are_there():
    assert ANGE.nir[5:7] == "2A"
    assert FATOU.birth_date == "19540231"
    assert (MARIE_OF_NICE.birth_name, MARIE_OF_NICE.birth_date) == (
        MARIE_OF_DIJON.birth_name,
        MARIE_OF_DIJON.birth_date,
    )
    assert any(person.died_on for person in CAST)
    assert any(not person.phone and not person.email for person in CAST)
    assert any("’" in person.birth_name for person in CAST)


def test_telephones_are_those_kept_for_fiction():
    assert all(person.phone.startswith("063998") for person in everybody() if person.phone)
