"""Insured people of the sandbox, received at the counter one after the other."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from accounts.card_reader import CardReading
from accounts.contacts import Contact
from accounts.identity import Ins
from accounts.traits import Traits
from dossiers import counter
from history import cnam_hr
from history.importing import MONTHS, months_before
from sandbox import statements
from sandbox.population import Insurer, Person, everybody
from tests import openings
from tests.cast import ROY

MAJORITY = 18


def who_have_a_history(how_many: int) -> Sequence[Person]:
    """Adults about whom the insurer answers."""
    today = timezone.localdate()
    found = [
        person
        for person in everybody()
        if person.insurer is Insurer.ANSWERS and not person.died_on and person.age_on(today) >= MAJORITY
    ]
    assert len(found) >= how_many, "the sandbox does not know so many people"
    return found[:how_many]


def reading_of(person: Person, at: datetime) -> CardReading:
    traits = Traits(
        birth_name=person.birth_name,
        given_names=person.given_names,
        sex=person.sex,
        birth_date=person.birth_date,
        used_name=person.used_name,
    )
    return CardReading(ins=Ins(*person.ins), traits=traits, vitale_serial=person.vitale_serial, read_at=at)


def open_dossier(person: Person) -> UUID:
    return received(person).dossier_id


def received(person: Person, contact: Contact | None = None) -> counter.AccessSheet:
    """A dossier opened at the counter, and the sheet that is printed."""
    at = timezone.now()
    visit = counter.receive(reading_of(person, at), by=ROY, at=at)
    sheet = openings.open_here(visit.id, by=ROY, at=at, contact=contact)
    if contact is not None:
        openings.wake(sheet.dossier_id, at=at)
    return sheet


def lines_told_by_the_insurer(person: Person) -> int:
    """How many lines the sandbox sends today about somebody whose dossier opens today."""
    today = timezone.localdate()
    sent = statements.write(person, since=months_before(today, MONTHS), until=today)
    return cnam_hr.read(sent).line_count
