"""A browser that watches what it gets, and Camille: her dossier just opened, her insurer, her doctor."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.utils import timezone

from access import gate
from access.policy import Action
from accounts.actors import Actor
from documents import deposit as depositing
from dossiers import sharing
from dossiers.counter import AccessSheet
from dossiers.house import HOUSE
from dossiers.opening import IMPORT_HISTORY
from dossiers.things import DossierAtTheDoor
from jobs import queue
from tests import openings
from tests.cast import CAMILLE, LEFEVRE
from tests.conscience import Conscience
from tests.documents.conftest import content_store  # noqa: F401  (fixture)
from tests.documents.files import pdf
from tests.dossiers.conftest import (  # noqa: F401  (fixtures)
    CAMILLE_NIR,
    CAMILLE_TRAITS,
    open_at_the_counter,
    own_codes,
    reading,
    the_insurer,
)
from tests.history.cast import Insured
from tests.history.conftest import Insurer
from tests.portal.chromium import house, window  # noqa: F401  (fixtures)
from tests.signing_in import session_of

# Camille as her insurer writes about her.
INSURED = Insured(
    number=CAMILLE_NIR[:13],
    birth_name=CAMILLE_TRAITS.birth_name,
    given_names=CAMILLE_TRAITS.given_names,
    sex=CAMILLE_TRAITS.sex,
    birth_date=CAMILLE_TRAITS.birth_date,
    used_name=CAMILLE_TRAITS.used_name,
)


@pytest.fixture
def browser() -> Conscience:
    """Nobody in particular, in front of the public pages."""
    return Conscience()


@pytest.fixture
def entered() -> Callable[[Actor], Conscience]:
    """Somebody already signed in, in a browser of their own."""

    def enter(actor: Actor) -> Conscience:
        client = Conscience()
        client.cookies[settings.SESSION_COOKIE_NAME] = session_of(actor)
        return client

    return enter


@pytest.fixture
def dossier(open_at_the_counter, reading, content_store) -> AccessSheet:  # noqa: F811
    """Camille's dossier, opened at the counter a moment ago, with the sheet she was given."""
    now = timezone.now()
    sheet = open_at_the_counter(at=now, reading=replace(reading, read_at=now))
    openings.wake(sheet.dossier_id, at=now)
    return sheet


@pytest.fixture
def dossier_id(dossier) -> UUID:
    return dossier.dossier_id


@pytest.fixture
def camille(dossier_id) -> Actor:
    """The holder of the dossier, as the actor she is once signed in."""
    with gate.admitted(HOUSE, Action.NOTIFY, DossierAtTheDoor(dossier_id), at=timezone.now()) as passage:
        return replace(CAMILLE, id=passage.question.target.holder_id, dossier_id=dossier_id)


@pytest.fixture
def hers(camille, entered) -> Conscience:
    return entered(camille)


@pytest.fixture
def history(monkeypatch) -> Insurer:
    """What the insurer answers when the history is asked for."""
    played = Insurer()
    monkeypatch.setattr("accounts.insurer.request", played.request)
    return played


@pytest.fixture
def imported(dossier_id, history) -> Callable[[], None]:
    """The job of the opening, worked once with whatever the insurer answers."""

    def work() -> None:
        queue.work(queue.job_id_of(IMPORT_HISTORY, f"{dossier_id}:opening"))

    return work


@pytest.fixture
def deposited(dossier_id) -> Callable[..., UUID]:
    """Dr Lefèvre, whom Camille let in, puts a document into her dossier."""
    sharing.declare_agreement(dossier_id, by=LEFEVRE, at=timezone.now())

    def put(title: str, *, checked: bool = True, days: int = 1, content: bytes = b"", **answers) -> UUID:
        given = {
            "media_type": "application/pdf",
            "type_code": "11488-4",
            "masked": False,
            "withheld": False,
            "hidden_from_representatives": False,
            "created_on": timezone.localdate() - timedelta(days=days),
        } | answers
        receipt = depositing.deposit(
            dossier_id, content=content or pdf(title), title=title, by=LEFEVRE, at=timezone.now(), **given
        )
        if checked:
            queue.work(queue.job_id_of(depositing.CHECK, str(receipt.document_id)))
        return receipt.document_id

    return put
