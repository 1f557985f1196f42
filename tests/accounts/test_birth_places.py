"""Where somebody was born, in words."""

import pytest

from accounts.birth_places import FILE, named
from sandbox.population import CAST


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("12202", "Rodez (12)"),
        ("31555", "Toulouse (31)"),
        ("2A004", "Ajaccio (2A)"),
        ("97411", "Saint-Denis (974)"),
        ("69383", "Lyon 3e Arrondissement (69)"),
        ("01033", "Bellegarde-sur-Valserine / Valserhône (01)"),
        ("01126", "aujourd’hui Valserhône (01)"),
        ("20004", "aujourd’hui Ajaccio (20)"),
        ("99341", "Sénégal"),
        ("99999", "code 99999"),
        ("3155", "code 3155"),
        ("#", "code #"),
        ("", ""),
    ],
)
def test_a_code_is_a_place(code, words):
    assert named(code) == words


def test_each_code_has_one_line_and_one_name():
    lines = [line for line in FILE.read_text().splitlines() if not line.startswith("#")]
    codes = [line.partition(" ")[0] for line in lines]

    assert codes == sorted(set(codes))
    assert all(len(code) == 5 and line.partition(" ")[2] for code, line in zip(codes, lines, strict=True))


def test_the_whole_cast_was_born_somewhere():
    assert not [person.slug for person in CAST if named(person.birth_place).startswith("code")]
