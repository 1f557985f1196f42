"""The scanner finds what it is given to find, or its silence means nothing."""

import random

import pytest

from tests.proof.scanner import Scanner, Secret, self_test

PLANTS = (
    Secret("NIR", "288063523890714"),
    Secret("NIR of Corsica", "171112A00491453"),
    Secret("name", "Kerouédan-Lafargue"),
    Secret("name with an apostrophe", "D’Almeida-Rochebrune"),
    Secret("e-mail", "elise.garnier@courriel.example"),
    Secret("telephone", "0639981107"),
    Secret("title", "Glossodynie paroxystique"),
)


def test_the_scanner_finds_each_of_its_own_plants():
    draw = random.Random(3)

    planted, found, missed = self_test(PLANTS, draw.randbytes)

    assert missed == []
    assert planted == found > 500


@pytest.mark.parametrize("written", ["2 88 06 35 238 907", "2.88.06.35.238.907", "288063523890714"])
def test_a_number_is_found_however_it_is_grouped(written):
    assert Scanner([PLANTS[0]]).in_bytes(f"vu {written} hier".encode(), "page")


@pytest.mark.parametrize("written", ["KEROUEDAN-LAFARGUE", "kerouédan-lafargue", "Kerouedan-Lafargue"])
def test_a_name_is_found_whatever_its_case_and_accents(written):
    assert Scanner([PLANTS[2]]).in_bytes(written.encode(), "page")


def test_what_was_not_planted_is_not_found():
    draw = random.Random(4)

    assert (
        Scanner(PLANTS).in_bytes(draw.randbytes(1_000_000) + b"Un compte rendu de consultation", "page") == []
    )
