"""Somebody's dossier, opened through the operations, with the outside world played by the test."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest

from access import gate
from access.policy import Action
from accounts import insurer
from accounts.card_reader import CardReading
from accounts.contacts import Contact, MaskedContact
from accounts.identity import Ins, nir_key
from accounts.traits import Traits
from dossiers import counter, enrolment, information
from dossiers.house import HOUSE
from dossiers.things import DossierAtTheDoor
from tests import openings
from tests.cast import CAMILLE, NOON, ROY

TEST_OID = "1.2.250.1.213.1.4.10"


def nir(thirteen: str) -> str:
    return thirteen + nir_key(thirteen)


CAMILLE_NIR = nir("2790351215189")
CAMILLE_TRAITS = Traits(
    birth_name="MOREAU-TRÉBOUL",
    given_names=("CAMILLE",),
    sex="F",
    birth_date="19790328",
    used_name="LACOSTE",
)


@pytest.fixture
def reading():
    return CardReading(
        ins=Ins(TEST_OID, CAMILLE_NIR),
        traits=CAMILLE_TRAITS,
        vitale_serial="12345678901",
        read_at=NOON - timedelta(minutes=1),
    )


@pytest.fixture
def open_at_the_counter(reading):
    def open_it(by=ROY, at=NOON, contact=Contact("sms", "+33612345642"), reading=reading, **answers):
        visit = counter.receive(reading, by=by, at=at)
        return openings.open_here(visit.id, by=by, at=at, contact=contact, **answers)

    return open_it


FOR_YEARS = date(2020, 1, 1)


@dataclass
class Insurer:
    """The insurer as the test plays it: who it knows, and the codes it delivered."""

    knows: tuple[MaskedContact, ...] | None = (
        MaskedContact("c1", "sms", "06 ** ** ** 42", FOR_YEARS),
        MaskedContact("c2", "courrier", "28 avenue de B***", FOR_YEARS),
    )
    codes: list[str] = None
    asked: int = 0
    numbers: dict = field(default_factory=dict)  # what it tells of other numbers

    def verify(self, ins, traits, vitale_serial, *, within=None):
        self.asked += 1
        given_names = (traits.first_given_name, "JEANNE") if traits.given_names else ()
        certified = replace(traits, birth_name=traits.birth_name.upper(), given_names=given_names)
        return insurer.Verification("v1", self.knows, certified, **self.numbers) if self.knows else None

    def send_code(self, verification_id, contact_id, code):
        assert (verification_id, contact_id) in {("v1", "c1"), ("v1", "c2")}
        self.codes.append(code)


@pytest.fixture
def the_insurer(monkeypatch):
    played = Insurer(codes=[])
    monkeypatch.setattr(insurer, "verify", played.verify)
    monkeypatch.setattr(insurer, "send_code", played.send_code)
    monkeypatch.setattr(enrolment, "SAME_TIME", 0)
    return played


CAMILLE_ANSWERS = {
    "nir": CAMILLE_NIR,
    "birth_name": "Moreau-Tréboul",
    "given_name": "Camille",
    "birth_date": "19790328",
    "vitale_serial": "12345678901",
}


@pytest.fixture
def proved(the_insurer):
    """An opening online whose applicant has just typed the insurer's code."""

    def prove(at=NOON, **answers):
        application_id = enrolment.start(at=at)
        by = enrolment.applicant(application_id)
        enrolment.answer(application_id, by=by, at=at, **{**CAMILLE_ANSWERS, **answers})
        enrolment.ask_insurer(application_id, by=by, at=at)
        enrolment.send_code(application_id, "c1", by=by, at=at)
        told = enrolment.verify_code(application_id, the_insurer.codes[-1], by=by, at=at)
        return application_id, by, told

    return prove


@pytest.fixture
def own_codes(monkeypatch):
    """The codes that the house itself sends."""
    from accounts import notices

    sent = []
    monkeypatch.setattr(notices, "queue_code", lambda contact, code, **_: sent.append(code))
    return sent


@pytest.fixture
def opened_online(proved, own_codes):
    def open_it(at=NOON, agreed=True, break_glass=True, regulation=True, **answers):
        application_id, by, _ = proved(at, **answers)
        enrolment.choose_login(application_id, "camille-l-79", "un long mot de passe 79", by=by, at=at)
        enrolment.give_contact(application_id, Contact("sms", "+33612345642"), by=by, at=at)
        enrolment.verify_contact(application_id, own_codes[-1], by=by, at=at)
        return enrolment.consent(
            application_id,
            information_version=information.VERSION,
            agreed=agreed,
            break_glass=break_glass,
            regulation=regulation,
            by=by,
            at=at,
        )

    return open_it


@pytest.fixture
def holder_of():
    """The holder of a dossier as an actor, signed in."""

    def actor(dossier_id):
        with gate.admitted(HOUSE, Action.NOTIFY, DossierAtTheDoor(dossier_id), at=NOON) as passage:
            return replace(CAMILLE, id=passage.question.target.holder_id, dossier_id=dossier_id)

    return actor
