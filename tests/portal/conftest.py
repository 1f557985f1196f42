"""A browser that watches what it gets, and people who are already inside."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.utils import timezone

from access import gate
from access.policy import Action
from accounts.actors import Actor
from dossiers.house import HOUSE
from dossiers.things import DossierAtTheDoor
from tests.cast import CAMILLE, LEFEVRE, PAUL
from tests.conscience import Conscience
from tests.dossiers.conftest import (  # noqa: F401  (fixtures)
    CAMILLE_ANSWERS,
    open_at_the_counter,
    own_codes,
    reading,
    the_insurer,
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
        session = client.session
        session["actor"] = actor.told()
        session.save()
        client.cookies["session"] = session.session_key
        return client

    return enter


@pytest.fixture
def dossier(open_at_the_counter, reading):  # noqa: F811
    """Camille's dossier, opened a moment ago."""
    now = timezone.now()
    object.__setattr__(reading, "read_at", now)
    return open_at_the_counter(at=now)


@pytest.fixture
def camille(dossier) -> Actor:
    """The holder of the dossier, as the actor she is once signed in."""
    with gate.admitted(HOUSE, Action.NOTIFY, DossierAtTheDoor(dossier.dossier_id), at=timezone.now()) as passage:
        holder_id = passage.question.target.holder_id
    return replace(CAMILLE, id=holder_id, dossier_id=dossier.dossier_id)


@pytest.fixture
def hers(camille, entered) -> Conscience:
    return entered(camille)


@pytest.fixture
def somebody_else(entered, dossier) -> Conscience:
    """Paul, a holder too, whose own dossier is elsewhere."""
    return entered(PAUL)


@pytest.fixture
def the_doctor(entered) -> Conscience:
    return entered(LEFEVRE)
