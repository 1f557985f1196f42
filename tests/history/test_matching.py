"""A statement about somebody nearly the same is about somebody else."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.identity import Nir
from history.cnam_hr import read
from history.matching import mismatch

from .cast import CAMILLE, Insured, statement


def named(person: Insured):
    received = read(statement(person, lines=0))
    return received.ins, received.traits


SAME = {
    "without accents": CAMILLE.but(birth_name="MARTIN-DUPRE"),
    "in lower case": CAMILLE.but(birth_name="martin-dupré", given_names=("camille",)),
    "without hyphen": CAMILLE.but(birth_name="MARTIN DUPRÉ"),
    "under another used name": CAMILLE.but(used_name=None),
    "with fewer given names": CAMILLE.but(given_names=("CAMILLE",)),
    "decomposed": CAMILLE.but(birth_name=unicodedata.normalize("NFD", "MARTIN-DUPRÉ")),
}


@pytest.mark.parametrize("person", SAME.values(), ids=SAME)
def test_the_same_person_otherwise_written_is_the_same_person(person: Insured):
    assert mismatch(CAMILLE.identity, named(person)) is None


TWINS = {
    "a sister": CAMILLE.but(number="2840538185045", given_names=("CAROLE",)),
    "the other sex": CAMILLE.but(sex="M"),
    "day and month swapped": CAMILLE.but(birth_date="19841705"),
    "a homonym born another day": CAMILLE.but(number="2840538185090", birth_date="19840518"),
    "married name for birth name": CAMILLE.but(birth_name="LEROY"),
    "one name of two": CAMILLE.but(birth_name="MARTIN"),
    "second given name for the first": CAMILLE.but(given_names=("ANNE", "CAMILLE")),
    "a composed given name": CAMILLE.but(given_names=("CAMILLE-ROSE",)),
    "a real number for a number of test": CAMILLE.but(oid="1.2.250.1.213.1.4.8"),
}


@pytest.mark.parametrize("person", TWINS.values(), ids=TWINS)
def test_a_near_twin_is_somebody_else(person: Insured):
    found = mismatch(CAMILLE.identity, named(person))

    assert found is not None
    assert found.code in ("other_ins", "other_traits")


def other_number(order: int) -> str:
    return f"{CAMILLE.number[:10]}{order:03d}"


LETTERS = st.sampled_from("ABCDEIMNRSTUÉ")
CHANGES = st.one_of(
    st.integers(1, 999).map(lambda order: {"number": other_number(order)}),
    st.just({"sex": "M"}),
    st.dates().map(lambda day: {"birth_date": f"{day:%Y%m%d}"}),
    st.tuples(st.integers(0, 31), st.integers(0, 99)).map(
        lambda lunar: {"birth_date": f"1984{lunar[1]:02d}{lunar[0]:02d}"}
    ),
    st.tuples(st.integers(0, 11), LETTERS).map(
        lambda slip: {
            "birth_name": CAMILLE.birth_name[: slip[0]] + slip[1] + CAMILLE.birth_name[slip[0] + 1 :]
        }
    ),
    st.tuples(st.integers(0, 6), LETTERS).map(
        lambda slip: {"given_names": ("CAMILLE"[: slip[0]] + slip[1] + "CAMILLE"[slip[0] :],)}
    ),
    st.lists(st.sampled_from(["CAMILLE", "ANNE", "CAM", "ILLE", "CAMILLE ANNE"]), min_size=1, max_size=3).map(
        lambda given: {"given_names": tuple(given)}
    ),
)


def plainly(name: str) -> str:
    """A second opinion on names, written apart: letters only, without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", name).upper() if "A" <= c <= "Z")


@settings(max_examples=1000, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=2))
@example([{"birth_date": "19840517"}])
def test_no_near_twin_passes_for_the_holder(changes):
    twin = CAMILLE
    for change in changes:
        twin = twin.but(**change)
    really_the_same = (
        twin.number == CAMILLE.number
        and twin.sex == CAMILLE.sex
        and twin.birth_date == CAMILLE.birth_date
        and plainly(twin.birth_name) == plainly(CAMILLE.birth_name)
        and "".join(map(plainly, twin.given_names)).startswith("CAMILLE")
    )

    found = mismatch(CAMILLE.identity, twin.identity)

    if found is None:
        assert really_the_same


def test_what_disagrees_is_named_without_its_value():
    twin = CAMILLE.but(number=Nir("2840538185045").digits13, sex="M")

    found = mismatch(CAMILLE.identity, twin.identity)

    assert found is not None
    assert (found.differing, found.code) == ({"ins", "sex"}, "other_ins")
