"""Names as a sentence carries them."""

import pytest

from portal import names


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("Dr Anne LEFÈVRE", "Dr Anne Lefèvre"),
        ("JEAN-PIERRE DE LA TOUR", "Jean-Pierre de la Tour"),
        ("Camille Moreau", "Camille Moreau"),
        ("M. ROY", "M. Roy"),
    ],
)
def test_capitals_of_a_register_are_softened(kept, said):
    assert names.soft(kept) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Dr Anne LEFÈVRE", "du Dr Anne Lefèvre"),
        ("Nadia Benali", "de Nadia Benali"),
        ("Élise Garnier", "d’Élise Garnier"),
    ],
)
def test_a_name_takes_its_preposition(name, said):
    assert names.of(name) == said


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("garnier", "Garnier"), ("MOREAU-TRÉBOUL", "Moreau-Tréboul"), ("McDonald", "McDonald")],
)
def test_a_name_typed_in_one_case_gets_its_capitals(typed, kept):
    assert names.with_capitals(typed) == kept
