"""Camille's dossier, Dr Lefèvre whom she lets read it, and documents deposited in it."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from access import gate
from access.policy import Action
from accounts.card_reader import CardReading
from accounts.identity import Ins, nir_key
from accounts.traits import Traits
from documents import deposit as depositing
from dossiers import counter, sharing
from dossiers.house import HOUSE
from dossiers.things import DossierAtTheDoor
from jobs import queue
from tests import openings
from tests.cast import CAMILLE, LEFEVRE, NOON, ROY

from .files import pdf

TEST_OID = "1.2.250.1.213.1.4.10"
INS = "2790351215189" + nir_key("2790351215189")
TRAITS = Traits(birth_name="MOREAU-TRÉBOUL", given_names=("CAMILLE",), sex="F", birth_date="19790328")


@pytest.fixture
def content_store(tmp_path, settings):
    """The object store of one test."""
    store = {
        "BACKEND": "documents.store.DurableFileSystemStorage",
        "OPTIONS": {"location": tmp_path / "store"},
    }
    settings.STORAGES = settings.STORAGES | {"default": store}
    return tmp_path / "store"


def open_dossier(thirteen: str = "2790351215189", traits: Traits = TRAITS) -> UUID:
    reading = CardReading(
        ins=Ins(TEST_OID, thirteen + nir_key(thirteen)),
        traits=traits,
        vitale_serial="12345678901",
        read_at=NOON - timedelta(minutes=1),
    )
    visit = counter.receive(reading, by=ROY, at=NOON)
    return openings.open_here(visit.id, by=ROY, at=NOON).dossier_id


@pytest.fixture
def dossier_id(db, content_store):
    return open_dossier()


@pytest.fixture
def camille(dossier_id):
    with gate.admitted(HOUSE, Action.NOTIFY, DossierAtTheDoor(dossier_id), at=NOON) as passage:
        return replace(CAMILLE, id=passage.question.target.holder_id, dossier_id=dossier_id)


@pytest.fixture
def granted(dossier_id):
    """Dr Lefèvre declares Camille's agreement."""
    sharing.declare_agreement(dossier_id, by=LEFEVRE, at=NOON)
    return LEFEVRE


@pytest.fixture
def deposit(dossier_id):
    def put(content=None, *, by=LEFEVRE, at=NOON, into=None, checked=True, **answers):
        given = {
            "media_type": "application/pdf",
            "type_code": "11488-4",
            "title": "Consultation du 20 novembre",
            "created_on": date(2026, 11, 20),
            "masked": False,
            "withheld": False,
            "hidden_from_representatives": False,
        } | answers
        receipt = depositing.deposit(
            into or dossier_id, content=pdf() if content is None else content, by=by, at=at, **given
        )
        if checked:
            assert queue.work(queue.job_id_of(depositing.CHECK, str(receipt.document_id)))
        return receipt

    return put
