"""Somebody proves who they are, and is never proved to be somebody else by answering fast."""

from datetime import date

import pytest

from accounts import insurer
from accounts.contacts import MaskedContact
from dossiers import enrolment
from dossiers.enrolment import Incomplete
from tests.cast import NOON
from tests.dossiers.conftest import CAMILLE_ANSWERS, nir

pytestmark = pytest.mark.django_db

VICTIM = CAMILLE_ANSWERS
ATTACKER = {
    "nir": nir("1710263555011"),
    "birth_name": "Adam",
    "given_name": "Paul",
    "birth_date": "19710214",
    "vitale_serial": "10987654321",
}


class Insurer:
    """Knows both; `meanwhile` happens while it looks for the victim, as slowly as it likes."""

    def __init__(self):
        self.codes, self.meanwhile = {}, lambda: None

    def verify(self, ins, traits, vitale_serial):
        whose = "victim" if ins.value == VICTIM["nir"] else "attacker"
        if whose == "victim":
            self.meanwhile()
        return insurer.Verification(
            whose,
            (MaskedContact(f"{whose}'s telephone", "sms", "06 ** ** ** **", date(2020, 1, 1)),),
            traits,
        )

    def send_code(self, verification_id, contact_id, code):
        self.codes[contact_id] = code


@pytest.fixture
def the_insurer(monkeypatch):
    played = Insurer()
    monkeypatch.setattr(insurer, "verify", played.verify)
    monkeypatch.setattr(insurer, "send_code", played.send_code)
    monkeypatch.setattr(enrolment, "SAME_TIME", 0)
    return played


@pytest.fixture
def opening():
    application_id = enrolment.start(at=NOON)
    return application_id, {"by": enrolment.applicant(application_id), "at": NOON}


def test_a_slow_answer_about_somebody_does_not_take_the_place_of_who_is_being_proved(opening, the_insurer):
    """Two tabs: the victim's question is still on its way when the attacker asks for their own code."""
    application_id, how = opening

    def prove_oneself():
        enrolment.answer(application_id, **ATTACKER, **how)
        enrolment.ask_insurer(application_id, **how)
        enrolment.send_code(application_id, "attacker's telephone", **how)

    the_insurer.meanwhile = prove_oneself
    enrolment.answer(application_id, **VICTIM, **how)

    with pytest.raises(Incomplete):
        enrolment.ask_insurer(application_id, **how)

    enrolment.verify_code(application_id, the_insurer.codes["attacker's telephone"], **how)
    state = enrolment.state(application_id, **how)
    assert state.given_name == "Paul"
    assert [one.id for one in state.contacts] == ["attacker's telephone"]


def test_an_answer_that_came_after_a_change_is_about_nobody(opening, the_insurer):
    application_id, how = opening
    the_insurer.meanwhile = lambda: enrolment.answer(application_id, **ATTACKER, **how)
    enrolment.answer(application_id, **VICTIM, **how)

    with pytest.raises(Incomplete):
        enrolment.ask_insurer(application_id, **how)

    assert enrolment.state(application_id, **how).contacts == ()


def test_after_a_new_answer_no_code_leaves_for_the_former_person(opening, the_insurer):
    application_id, how = opening
    enrolment.answer(application_id, **ATTACKER, **how)
    enrolment.ask_insurer(application_id, **how)
    enrolment.answer(application_id, nir=VICTIM["nir"], **how)

    with pytest.raises(Incomplete):
        enrolment.send_code(application_id, "attacker's telephone", **how)

    assert the_insurer.codes == {}
