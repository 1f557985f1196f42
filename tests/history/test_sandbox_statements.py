"""What the sandbox writes is a care history like the real ones."""

import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from history.cnam_hr import Rejected, read
from sandbox import insurer, population, statements
from sandbox.population import Insurer

from .cast import CAMILLE, SINCE, UNTIL


def lines_of(data: bytes) -> dict[str, tuple]:
    return {section.key: section.lines for section in read(data).sections}


@pytest.mark.parametrize("count", [0, 1, 12, 60, 500])
def test_as_many_lines_as_asked_for(count: int):
    assert read(statements.write(CAMILLE, since=SINCE, until=UNTIL, lines=count)).line_count == count


def test_the_same_question_has_the_same_answer():
    first, again = (statements.write(CAMILLE, since=SINCE, until=UNTIL) for _ in range(2))

    assert first == again


def test_a_later_statement_extends_the_earlier_one():
    earlier = lines_of(statements.write(CAMILLE, since=SINCE, until=UNTIL))
    later = lines_of(statements.write(CAMILLE, since=SINCE, until=UNTIL + timedelta(days=200)))

    assert sum(map(len, later.values())) > sum(map(len, earlier.values()))
    for key, lines in earlier.items():
        assert later[key][len(later[key]) - len(lines) :] == lines


def test_everything_happens_within_the_period():
    day = date(2026, 3, 1)

    told = lines_of(statements.write(CAMILLE, since=day, until=day + timedelta(days=30)))

    assert {line[1][3:] for key, lines in told.items() if key != "hospitalisations" for line in lines} <= {
        "03/2026"
    }


def test_two_people_have_two_stories():
    other = CAMILLE.but(number="2840538185045", seed=8)

    assert lines_of(statements.write(CAMILLE, since=SINCE, until=UNTIL)) != lines_of(
        statements.write(other, since=SINCE, until=UNTIL)
    )


@pytest.mark.corpus
def test_what_is_written_is_valid_against_the_schema_of_the_cda():
    etree = pytest.importorskip("lxml.etree")
    if not (folder := os.environ.get("DMP_CORPORA")):
        pytest.skip("DMP_CORPORA does not say where the corpora are")
    schema = etree.XMLSchema(etree.parse(str(Path(folder) / "cda-fr-schema" / "cda" / "CDA_extended.xsd")))

    for how in ({}, {"empty": True}, {"lines": 60, "version": 2}):
        schema.assertValid(etree.fromstring(statements.write(CAMILLE, since=SINCE, until=UNTIL, **how)))


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (Insurer.ANSWERS, None),
        (Insurer.IN_LISTS, "lines_in_a_list"),
        (Insurer.REVERSED, "period_reversed"),
        (Insurer.TRUNCATED, "truncated"),
    ],
)
def test_the_sandbox_can_send_what_departs_from_the_model(behaviour: Insurer, code: str | None):
    sent = insurer.statement_of(population.CAMILLE, behaviour, SINCE)

    if code is None:
        assert read(sent).line_count
    else:
        with pytest.raises(Rejected, match=code):
            read(sent)
