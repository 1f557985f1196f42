"""What wakes a web access: every combination of what may be known of a contact."""

from itertools import product

import pytest

from access.waking import Chosen, Reached, Waking, what_wakes

BOOLEANS = (
    "code_came_back",
    "answered",
    "chosen_known",
    "others_known",
    "address_known",
    "letter_refused",
    "second_visit",
)
EVERY = [
    Reached(chosen=chosen, **dict(zip(BOOLEANS, values, strict=True)))
    for chosen in Chosen
    for values in product((True, False), repeat=len(BOOLEANS))
]


def test_only_a_known_contact_or_a_second_visit_wakes_at_once():
    for reached in EVERY:
        known = reached.chosen is Chosen.KNOWN and reached.answered and reached.chosen_known
        proof = reached.code_came_back and (known or reached.second_visit)

        if what_wakes(reached) is Waking.NOTHING:
            assert proof, reached


def test_a_contact_typed_at_one_counter_wakes_nothing_proved_or_not():
    for reached in EVERY:
        if reached.chosen in (Chosen.TYPED, Chosen.NO_LETTER) and not reached.second_visit:
            assert what_wakes(reached) not in (Waking.NOTHING, Waking.FIRST_CODE), reached


def test_no_letter_leaves_for_whoever_refused_one():
    for reached in EVERY:
        if reached.letter_refused or not reached.address_known:
            assert what_wakes(reached) is not Waking.LETTER, reached


CASES = {
    "A": ({"chosen": Chosen.KNOWN, "chosen_known": True, "code_came_back": True}, Waking.NOTHING),
    "A'": ({"chosen": Chosen.KNOWN, "chosen_known": True}, Waking.FIRST_CODE),
    "B": ({"others_known": True, "code_came_back": True}, Waking.WAKE_CODE),
    "C": ({"address_known": True, "code_came_back": True}, Waking.LETTER),
    "E": ({"chosen": Chosen.NONE, "others_known": True}, Waking.NO_ACCESS),
    "F, first": ({"chosen": Chosen.NO_LETTER, "letter_refused": True}, Waking.SECOND_VISIT),
    "F, second": ({"letter_refused": True, "second_visit": True, "code_came_back": True}, Waking.NOTHING),
    "F, no address": ({"code_came_back": True}, Waking.SECOND_VISIT),
    "G": ({"answered": False, "code_came_back": True}, Waking.INSURER),
}


@pytest.mark.parametrize(("facts", "expected"), CASES.values(), ids=CASES)
def test_each_case_of_the_counter(facts, expected):
    given = {"chosen": Chosen.TYPED, "code_came_back": False, "answered": True} | facts

    assert what_wakes(Reached(**given)) is expected
