"""Every form of the house, and how it stands being sent twice: as this table says, and as its proof shows.

An address that takes a form and is missing from the table fails.
"""

import re
from pathlib import Path

import pytest
from django.urls import reverse

from tests.contracts.test_routes import ROUTES, outside, scene  # noqa: F401  (fixtures)
from tests.dossiers.conftest import holder_of, open_at_the_counter, reading  # noqa: F401  (fixtures)

pytestmark = pytest.mark.django_db

TESTS = Path(__file__).parents[1]
IN = "portal/public/test_sent_twice.py::"
DONE = "portal/test_sent_twice.py::"
AT_WORK = "portal_counter/test_sent_twice.py::"
COUNTER = "portal_counter/test_sent_again_in_chromium.py::"
CLICKED = COUNTER + "test_every_button_pressed_twice_opens_one_dossier_and_sends_one_code"

# The second is led where the first was, and reads what the first was told.
ONE_ACT = {
    "public:sign_in_where": DONE + "test_a_code_to_come_in_is_asked_for_once",
    "public:sign_in_code": IN + "test_two_at_once_are_one_session",
    "public:first_password": IN + "test_a_first_password_sent_twice_leads_in_twice",
    "public:asleep": AT_WORK + "test_the_nine_digits",
    "public:nothing_received": AT_WORK + "test_nothing_received",
    "public:enrol_review": DONE + "test_the_insurer_is_asked_once",
    "public:enrol_channel": DONE + "test_the_code_of_the_insurer_leaves_once_and_is_typed_once",
    "public:enrol_code": DONE + "test_the_code_of_the_insurer_leaves_once_and_is_typed_once",
    "public:enrol_login": DONE + "test_ways_in_and_ways_to_be_told_are_chosen_once",
    "public:enrol_contact": DONE + "test_ways_in_and_ways_to_be_told_are_chosen_once",
    "public:enrol_contact_code": DONE + "test_ways_in_and_ways_to_be_told_are_chosen_once",
    "public:enrol_consent": DONE + "test_a_dossier_is_opened_once",
    "public:enrol_give_up": DONE + "test_giving_up_twice_is_giving_up",
    "patient:withdraw": DONE + "test_an_authorisation_is_taken_back_once",
    "professional:practice": AT_WORK + "test_the_place_where_one_practises",
    "professional:agreement": DONE + "test_an_agreement_is_declared_once",
    "professional:deposit": "documents/test_deposited_at_once.py::test_four_at_once_are_one",
    "counter:sign_in_code": IN + "test_an_agent_is_let_in_twice",
    "counter:sign_in_password": IN + "test_a_first_password_sent_twice_leads_in_twice",
    "counter:exists": AT_WORK + "test_a_code_asked_for_again_at_the_counter",
    "counter:think_it_over": AT_WORK + "test_she_prefers_to_think",
    "staff:sign_in_code": IN + "test_an_agent_is_let_in_twice",
    "staff:sign_in_password": IN + "test_a_first_password_sent_twice_leads_in_twice",
    "staff:retry": AT_WORK + "test_staff_decide_once",
    "staff:retry_all": AT_WORK + "test_staff_try_all_again_once",
    "staff:close": AT_WORK + "test_staff_decide_once",
}
# The second writes what the first wrote, and leads where the visit, the opening or the sign-in stands.
SAME_STATE = {
    "public:sign_in": "accounts/test_first_password.py::test_a_form_sent_twice_begins_one_sign_in",
    "public:enrol_nir": DONE + "test_answers_written_twice_are_the_same",
    "public:enrol_name": DONE + "test_answers_written_twice_are_the_same",
    "public:enrol_birth": DONE + "test_answers_written_twice_are_the_same",
    "public:enrol_card": DONE + "test_answers_written_twice_are_the_same",
    "counter:sign_in": "accounts/test_first_password.py::test_a_form_sent_twice_begins_one_sign_in",
    "counter:post": DONE + "test_a_post_chosen_twice_is_one",
    "counter:card": CLICKED,
    "counter:identity": CLICKED,
    "counter:agreement": CLICKED,
    "counter:turned": COUNTER + "test_two_tabs_of_one_visit_are_led_where_it_stands",
    "counter:code": AT_WORK + "test_a_visit_set_aside_twice_waits_once",
    "staff:sign_in": "accounts/test_first_password.py::test_a_form_sent_twice_begins_one_sign_in",
}
# Nothing about anybody is written: what is asked again is answered again, what is begun again is begun anew.
NOTHING_KEPT = {
    "public:enrol",  # another opening: the first is forgotten within half an hour
    "public:sign_out",
    "professional:search",
    "professional:psc_start",
    "api:token",
}


def served(scene, route):  # noqa: F811
    """Somebody for whom this page is."""
    space = route.partition(":")[0]
    who = {"patient": "holder", "professional": "granted doctor", "counter": "agent", "staff": "staff"}
    return scene.clients[who.get(space, "nobody")]


def test_every_form_says_how_it_stands_being_sent_twice(scene):  # noqa: F811
    takes_a_form = set()
    for route, wanted in ROUTES.items():
        address = (
            reverse(route, kwargs={name: scene.arguments[name] for name in wanted})
            if ":" in route
            else f"/{route}"
        )
        if served(scene, route).post(address).status_code not in {401, 405}:
            takes_a_form.add(route)

    assert takes_a_form == ONE_ACT.keys() | SAME_STATE.keys() | NOTHING_KEPT


@pytest.mark.parametrize("proof", sorted({*ONE_ACT.values(), *SAME_STATE.values()}))
def test_each_proof_exists(proof):
    path, _, name = proof.partition("::")

    assert re.search(rf"^def {name}\(", (TESTS / path).read_text(encoding="utf-8"), re.M)
