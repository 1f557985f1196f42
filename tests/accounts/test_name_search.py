"""Which names answer a name, and how well: no database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.name_search import GivenMatch, Match, Rank, given_match, match, sought, tokens, twin_tokens
from accounts.traits import Traits, squeezed

BORN = "19580314"


def person(birth_name, *given_names, used_name=None):
    return Traits(
        birth_name=birth_name,
        given_names=given_names or ("MARIE",),
        sex="F",
        birth_date=BORN,
        used_name=used_name,
    )


ANSWERS = [
    ("martin", "MARTIN", Match.WHOLE),
    ("N’Diaye", "NDIAYE", Match.WHOLE),
    ("Le Goff", "LEGOFF", Match.WHOLE),
    ("Dupuis", "MARTIN-DUPUIS", Match.PART),
    ("Martin-Dupuis", "DUPUIS", Match.PART),
    ("Martin", "MARTIN-DUPUIS", Match.PART),
    ("Fontaine", "DE LA FONTAINE", Match.PART),
    ("Amrani", "EL AMRANI", Match.PART),
    ("Dupond", "DUPONT", Match.SOUND),
    ("Mabilo", "MABILEAU", Match.SOUND),
    ("Lefèvre", "LEFEBVRE", Match.SOUND),
    ("Mart", "MARTIN", Match.BEGINNING),
    ("ma", "MABILEAU", Match.BEGINNING),
    ("m", "MABILEAU", None),
    ("Bileau", "MABILEAU", None),
    ("St Exupéry", "DE SAINT-EXUPERY", Match.PART),
    ("St-Martin", "SAINT MARTIN", Match.WHOLE),
    ("Sainte-Marie", "STE MARIE", Match.WHOLE),
    ("St", "SAINT MARTIN", None),
    ("Martin-Dupuis", "MARTIN-DURAND", None),
    ("La", "DE LA FONTAINE", None),
    ("", "MARTIN", None),
    ("-", "MARTIN", None),
]


@pytest.mark.parametrize(("asked", "known", "how"), ANSWERS)
def test_how_a_name_answers(asked, known, how):
    assert match(asked, person(known)) is how
    if how is not None:
        wanted = {token for token, rank in sought(asked, BORN) if rank is not Rank.EARLIER_FORM}
        assert wanted & set(tokens(person(known))), "whoever answers is a candidate"


def test_a_name_in_use_answers_as_a_birth_name_does():
    assert match("Galy", person("MARTIN", used_name="GALY")) is Match.WHOLE


@pytest.mark.parametrize(
    ("asked", "known", "how"),
    [
        ("", ("MARIE",), GivenMatch.SAME),
        ("Louise", ("MARIE", "LOUISE"), GivenMatch.SAME),
        ("Jean-Pierre", ("JEAN", "PIERRE"), GivenMatch.SAME),
        ("Jean Pierre", ("JEAN-PIERRE",), GivenMatch.SAME),
        ("M", ("MARIE",), GivenMatch.BEGINNING),
        ("Jean-Pierre", ("JEAN",), GivenMatch.BEGINNING),
        ("Louise", ("MARIE LOUISE",), GivenMatch.BEGINNING),
        ("Pierre", ("JEAN-PIERRE",), GivenMatch.BEGINNING),
        ("Filipe", ("PHILIPPE",), GivenMatch.SOUND),
        ("Jeanne", ("JEAN",), GivenMatch.NONE),
        ("Paul", ("MARIE", "LOUISE"), GivenMatch.NONE),
        ("Paul", (), GivenMatch.NONE),
    ],
)
def test_how_given_names_answer(asked, known, how):
    traits = Traits(birth_name="MARTIN", given_names=known, sex="F", birth_date=BORN)

    assert given_match(asked, traits) is how


NAMES = st.lists(st.text("ABCDEHILMNOÉÏÇ", min_size=1, max_size=9), min_size=1, max_size=3).map("-".join)


@given(NAMES, st.sampled_from(["whole", "beginning", "part"]))
def test_who_answers_is_always_among_the_candidates(known, asking):
    asked = {"whole": known, "beginning": known[: max(2, len(known) // 2)], "part": known.split("-")[-1]}[
        asking
    ]
    wanted = {token for token, rank in sought(asked, BORN) if rank is not Rank.EARLIER_FORM}

    if match(asked, person(known)) is not None:
        assert wanted & set(tokens(person(known)))


@given(NAMES, NAMES)
def test_twins_share_a_token_and_others_do_not(one, other):
    shared = set(twin_tokens(person(one))) & set(twin_tokens(person(other)))

    assert bool(shared) is (squeezed(one) == squeezed(other))
