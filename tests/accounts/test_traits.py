"""Two descriptions are of one person when their strict traits agree, as the INS referential compares."""

import csv
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accounts.name_search import phonetic, tokens
from accounts.traits import Traits, differences, normalise

CAMILLE = Traits(birth_name="Moreau", given_names=("Camille",), sex="F", birth_date="19790307")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("LEFÈVRE", "lefevre"),
        ("Trois-Dupré", "TROIS DUPRE"),
        ("d’Artagnan", "D'ARTAGNAN"),
        ("DE LA TOUR", "Delatour"),
        ("Œuvrard", "OEUVRARD"),
        ("Le\u0301vy", "Lévy"),
        ("  Moreau ", "MOREAU"),
    ],
)
def test_writing_does_not_make_another_name(one, other):
    assert not differences(replace(CAMILLE, birth_name=one), replace(CAMILLE, birth_name=other))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("Jean",), ("JEAN", "Pierre", "Marie"), True),
        (("Jean-Pierre",), ("JEAN PIERRE",), True),
        (("Jean-Pierre",), ("Jean", "Pierre"), True),
        (("Jean-Pierre",), ("Jean Pierre", "Marie"), True),
        (("Éloïse", "Anne"), ("ELOISE",), True),
        (("Jean",), ("Jean-Pierre",), False),
        (("Jean",), ("Jeanne",), False),
        (("Pierre",), ("Jean", "Pierre"), False),
        (("Jean", "Pierre"), ("Jean", "Marie"), True),
        ((), (), True),  # some people have none
        (("",), ("-",), True),
        ((), ("SANS PRENOM",), True),
        ((), ("Jean",), False),
        (("Jean",), ("-",), False),
    ],
)
def test_the_first_given_name_is_compared_whole_with_the_list_of_the_other(one, other, same):
    a, b = replace(CAMILLE, given_names=one), replace(CAMILLE, given_names=other)

    assert ("given_name" not in differences(a, b)) is same
    assert differences(a, b) == differences(b, a)


@pytest.mark.parametrize(
    ("change", "trait"),
    [
        ({"birth_name": "Moraud"}, "birth_name"),
        ({"given_names": ("Camilla",)}, "given_name"),
        ({"sex": "M"}, "sex"),
        ({"birth_date": "19790703"}, "birth_date"),
    ],
)
def test_each_strict_trait_counts(change, trait):
    assert differences(CAMILLE, replace(CAMILLE, **change)) == {trait}


def test_the_name_in_use_and_the_place_of_birth_do_not_count():
    assert not differences(CAMILLE, replace(CAMILLE, used_name="Petit", birth_place="31555"))


def test_names_without_latin_letters_are_still_compared():
    assert differences(replace(CAMILLE, birth_name="王"), replace(CAMILLE, birth_name="李")) == {"birth_name"}


names = st.text(alphabet="ABCDEÉÈÇabcdeéèç -'’", min_size=1, max_size=12)


@given(names, names)
def test_comparison_is_the_equality_of_letters(one, other):
    assume(normalise(one) and normalise(other))
    same = normalise(one).replace(" ", "") == normalise(other).replace(" ", "")

    found = differences(replace(CAMILLE, birth_name=one), replace(CAMILLE, birth_name=other))
    assert (not found) is same


@given(names)
def test_normalising_twice_changes_nothing(name):
    assert normalise(normalise(name)) == normalise(name)


@pytest.mark.parametrize(
    "names",
    [
        ("DUPONT", "Dupond", "du Pont"),
        ("Lefèvre", "LEFEBVRE"),
        ("Philippe", "Filipe"),
        ("Gautier", "Gauthier"),
        ("Renaud", "Renault", "Renauld"),
    ],
)
def test_names_that_sound_alike_are_found_together(names):
    assert len({phonetic(name) for name in names}) == 1


def test_a_dossier_is_found_by_either_of_its_names_with_the_date_of_birth():
    found = tokens(replace(CAMILLE, used_name="Petit"))

    assert ("birth_date+letters", "19790307:MO") in found
    assert ("birth_date+letters", "19790307:PE") in found
    assert all(value.startswith("19790307:") for _, value in found)


@pytest.mark.corpus
def test_every_citizen_of_the_national_test_identities_agrees_with_themselves():
    if not (corpora := os.environ.get("DMP_CORPORA")):
        pytest.skip("DMP_CORPORA is not set: the corpora are elsewhere")
    file = Path(corpora) / "franceconnect-test-citizens" / "database.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [{k.strip(): (v or "").strip() for k, v in row.items() if k} for row in csv.DictReader(lines)]
    people = [
        Traits(
            birth_name=row["nomDeNaissance"],
            given_names=tuple(row["prenoms"].split()),
            sex="F" if row["genre"] == "female" else "M",
            birth_date=row["dateDeNaissance"].replace("-", ""),
        )
        for row in rows
        if row["nomDeNaissance"] and row["prenoms"] and row["dateDeNaissance"]
    ]

    assert len(people) > 100
    for person in people:
        shouted = replace(
            person,
            birth_name=normalise(person.birth_name),
            given_names=(normalise(" ".join(person.given_names)),),
        )
        assert not differences(person, shouted), person
