"""A dossier accumulates its care history; what each version changed can be undone."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.merging import accumulate, day_of, difference, restore

START, END = date(2025, 1, 1), date(2026, 6, 30)
KEY = "medicaments"


def line(said: str, label: str = "PARACETAMOL", marker: str = "") -> tuple[str, ...]:
    return (marker, said, label)


BEFORE, INSIDE, AFTER = line("12/11/2024"), line("03/03/2025"), line("02/07/2026")


def merged(known: list, received: list) -> tuple:
    return accumulate({KEY: known}, {KEY: received}, start=START, end=END)[KEY]


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("03/03/2025", date(2025, 3, 3)),
        ("le 12/04/2019", date(2019, 4, 12)),
        ("du 30/12/2024 au 02/01/2025", date(2025, 1, 2)),
        ("du 30/12/2024 au 31/02/2025", date(2024, 12, 30)),
        ("en cours", None),
        ("", None),
    ],
)
def test_a_line_is_about_the_last_day_it_names(said: str, day: date | None):
    assert day_of(line(said)) == day


def test_the_first_statement_is_taken_as_it_is():
    assert merged([], [INSIDE, BEFORE, AFTER]) == (INSIDE, BEFORE, AFTER)


def test_lines_older_than_the_new_period_are_kept():
    assert merged([INSIDE, BEFORE], [INSIDE]) == (INSIDE, BEFORE)


def test_lines_of_the_period_that_are_no_longer_told_are_gone():
    assert merged([INSIDE], []) == ()


def test_what_the_new_statement_cannot_know_is_kept():
    assert merged([AFTER, INSIDE], [INSIDE]) == (AFTER, INSIDE)


def test_a_line_without_a_date_is_kept_once():
    undated = line("en cours")

    assert merged([undated], []) == (undated,)
    assert merged([undated], [undated]) == (undated,)


def test_identical_lines_of_one_statement_are_all_kept():
    assert merged([INSIDE], [INSIDE, INSIDE]) == (INSIDE, INSIDE)


def test_an_old_line_told_again_is_not_doubled():
    assert merged([BEFORE, BEFORE], [BEFORE, INSIDE]) == (INSIDE, BEFORE, BEFORE)


def test_a_corrected_line_takes_the_place_of_the_wrong_one():
    corrected = line("03/03/2025", "IBUPROFENE")

    assert merged([INSIDE, BEFORE], [corrected]) == (corrected, BEFORE)


def test_a_section_that_was_empty_and_one_that_becomes_empty_are_both_right():
    found = accumulate({"biologie": [BEFORE]}, {KEY: [INSIDE], "biologie": []}, start=START, end=END)

    assert found == {KEY: (INSIDE,), "biologie": (BEFORE,)}


DAYS = st.dates(date(2023, 1, 1), date(2027, 12, 31)).map(lambda day: f"{day:%d/%m/%Y}")
LINES = st.lists(
    st.builds(line, DAYS | st.sampled_from(["", "en cours"]), st.sampled_from("AB")), max_size=14
)
# Few distinct lines, so that identical ones are common.
REPEATED = st.lists(st.sampled_from([BEFORE, INSIDE, AFTER, line(""), line("03/03/2025", "B")]), max_size=14)
SOME = LINES | REPEATED


@given(SOME, SOME)
def test_everything_received_is_shown_and_nothing_is_invented(known, received):
    result = Counter(merged(known, received))

    assert all(result[each] >= count for each, count in Counter(received).items())
    assert all(count <= max(Counter(known)[each], Counter(received)[each]) for each, count in result.items())


@given(SOME, SOME)
def test_nothing_outside_the_period_is_ever_lost(known, received):
    result = Counter(merged(known, received))

    for each, count in Counter(known).items():
        day = day_of(each)
        if day is None or not START <= day <= END:
            assert result[each] >= count


@given(SOME, SOME)
def test_receiving_the_same_statement_again_changes_nothing(known, received):
    once = merged(known, received)

    assert merged(list(once), received) == once


@given(SOME, SOME, SOME)
def test_a_superseded_version_can_be_made_again_from_its_difference(known, received, other):
    earlier = {KEY: tuple(known), "biologie": tuple(other)}
    later = accumulate(earlier, {KEY: received}, start=START, end=END)

    assert restore(later, difference(earlier, later)) == earlier


def test_a_difference_is_small_when_little_changed():
    earlier = {KEY: tuple(line(f"{day:02d}/03/2025") for day in range(1, 29))}
    later = accumulate(earlier, {KEY: [*earlier[KEY], AFTER]}, start=START, end=END)

    assert difference(earlier, later) == {KEY: [[0, 28]]}


def test_a_line_that_was_lost_is_written_out_in_the_difference():
    earlier = {KEY: (INSIDE, AFTER, BEFORE)}

    kept = difference(earlier, {KEY: (AFTER, BEFORE)})

    assert kept == {KEY: [list(INSIDE), [0, 2]]}
    assert restore({KEY: (AFTER, BEFORE)}, kept) == earlier
