"""A dossier just opened, and the insurer as the test plays it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from access import gate
from access.policy import Action
from accounts import insurer
from accounts.actors import Actor
from accounts.card_reader import CardReading
from accounts.identity import Ins
from accounts.insurer import InsurerUnreachable
from accounts.outbound import Answer
from dossiers import counter
from dossiers.house import HOUSE
from dossiers.opening import IMPORT_HISTORY
from dossiers.things import DossierAtTheDoor
from jobs import queue
from tests import cast, openings

from .cast import CAMILLE, Insured


def open_dossier(person: Insured = CAMILLE, *, at: datetime = cast.NOON) -> UUID:
    """Open somebody's dossier at the counter, where M. Roy has read their card."""
    reading = CardReading(
        ins=Ins(*person.ins),
        traits=replace(person.traits, used_name=person.used_name, birth_place=person.birth_place),
        vitale_serial="12345678901",
        read_at=at - timedelta(minutes=1),
    )
    visit = counter.receive(reading, by=cast.ROY, at=at)
    sheet = openings.open_here(visit.id, by=cast.ROY, at=at)
    return sheet.dossier_id


def holder_of(dossier_id: UUID) -> Actor:
    """The holder of a dossier, signed in."""
    with gate.admitted(HOUSE, Action.NOTIFY, DossierAtTheDoor(dossier_id), at=cast.NOON) as passage:
        return replace(cast.CAMILLE, id=passage.question.target.holder_id, dossier_id=dossier_id)


def import_again(dossier_id: UUID, *, idem: str, at: datetime = cast.NOON + timedelta(seconds=1)) -> UUID:
    """Ask for one more import, as a later refresh would."""
    return queue.enqueue(IMPORT_HISTORY, subject_id=dossier_id, idem=f"{dossier_id}:{idem}", at=at)


@pytest.fixture
def dossier_id(db: None) -> UUID:
    return open_dossier()


@pytest.fixture
def job_id(dossier_id: UUID) -> UUID:
    return queue.job_id_of(IMPORT_HISTORY, f"{dossier_id}:opening")


@dataclass
class Insurer:
    """Answers with whatever the test put there, and remembers what it was asked."""

    answer: Callable[[], Answer] | None = None
    asked: list[tuple[dict, dict]] = field(default_factory=list)

    def sends(self, data: bytes, etag: str | None = '"1"') -> None:
        headers = {"Content-Type": "text/xml"} | ({"ETag": etag} if etag else {})
        self.answer = lambda: Answer(200, headers, data)

    def says(self, status: int) -> None:
        self.answer = lambda: Answer(status, {}, b"")

    def is_silent(self, retry_after: timedelta | None = None) -> None:
        def silence() -> Answer:
            raise InsurerUnreachable("no_answer", retry_after)

        self.answer = silence

    def floods(self) -> None:
        def flood() -> Answer:
            raise insurer.AnswerTooLarge("answer.too_large")

        self.answer = flood

    def request(self, path: str, json: dict, headers: dict) -> Answer:
        assert path == "/historiques"
        self.asked.append((json, headers))
        assert self.answer is not None
        return self.answer()


@pytest.fixture
def the_insurer(monkeypatch: pytest.MonkeyPatch) -> Insurer:
    played = Insurer()
    monkeypatch.setattr(insurer, "request", played.request)
    return played
