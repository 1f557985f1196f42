"""A deposit sent twice is one deposit; bytes that their author deposited before are pointed out."""

import re
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from documents import child, consultation, keeping
from documents import deposit as depositing
from documents.deposit import AlreadyThere
from documents.inspection import Inspection
from documents.nomenclature import DEPOSITABLE
from dossiers import traces
from tests.cast import LEFEVRE, NADIA, NOON
from tests.signing_in import client_of

from .conftest import INS
from .files import cda, pdf

pytestmark = pytest.mark.django_db

MINE = {"ins": INS, "family": "MOREAU TREBOUL", "given": "Camille"}
SMALL = pdf()  # each has an identifier of its own
LARGE = SMALL + b"%" * keeping.SMALL
THERE = "Ce document est déjà dans le dossier, déposé le "


@pytest.fixture
def address(dossier_id):
    return reverse("professional:deposit", args=[dossier_id])


def answers(content=None, name="lettre.pdf", **more):
    return {
        "type": DEPOSITABLE["11488-4"].label,
        "title": "",
        "created_on": timezone.localdate().strftime("%d/%m/%Y"),
        "shown_to_professionals": "oui",
        "shown_to_holder": "oui",
        "content": SimpleUploadedFile(name, SMALL if content is None else content),
    } | more


def shown(client, address):
    """The identifier of the form that a page shows."""
    return re.search(r'name="envoi" value="([0-9a-f-]{36})"', client.get(address).content.decode())[1]


def said(answer):
    return " ".join(answer.content.decode().replace("\xa0", " ").replace("\u202f", " ").split())


def rows(dossier_id, camille):
    return consultation.contents(dossier_id, by=camille, at=timezone.now()).summaries


@pytest.mark.parametrize("content", [None, LARGE, cda(**MINE)], ids=["small", "large", "CDA"])
def test_the_same_form_sent_again_leads_to_the_same_receipt(address, dossier_id, camille, content):
    his = client_of(LEFEVRE)
    form = {"envoi": shown(his, address)}

    first, *others = (his.post(address, answers(content, "lettre", **form)) for _ in range(3))

    assert first.status_code == 302
    assert {other["Location"] for other in others} == {first["Location"]}
    assert len(rows(dossier_id, camille)) == 1


def test_the_same_form_with_another_file_is_another_deposit(address, dossier_id, camille):
    his = client_of(LEFEVRE)
    form = {"envoi": shown(his, address)}

    his.post(address, answers(pdf("Un"), **form))
    his.post(address, answers(pdf("Deux"), **form))

    assert len(rows(dossier_id, camille)) == 2


def test_one_form_cannot_be_used_by_somebody_else(deposit, dossier_id, camille):
    form = uuid4()
    mine, hers = (deposit(SMALL, sent_as=form, by=by, checked=False) for by in (LEFEVRE, NADIA))

    assert mine.document_id != hers.document_id


@pytest.mark.parametrize("content", [None, LARGE, cda(**MINE)], ids=["small", "large", "CDA"])
def test_the_same_bytes_are_pointed_out(address, dossier_id, camille, content):
    his = client_of(LEFEVRE)
    first = his.post(address, answers(content, "lettre", envoi=shown(his, address)))

    again = his.post(address, answers(content, "lettre", envoi=shown(his, address)))

    page = said(again)
    day = timezone.localdate()
    assert THERE in page and str(day.year) in page
    assert first["Location"] in page
    assert len(rows(dossier_id, camille)) == 1
    told = traces.traces(dossier_id, by=camille, at=timezone.now(), show=traces.Show.REFUSALS)
    assert [trace.detail["refused"] for trace in told.entries] == ["already_there"]


def test_whoever_means_it_deposits_a_second_time(address, dossier_id, camille):
    his = client_of(LEFEVRE)
    his.post(address, answers(envoi=shown(his, address)))
    page = said(his.post(address, answers(envoi=shown(his, address))))
    assert "Le déposer une deuxième fois" in page

    answer = his.post(address, answers(envoi=shown(his, address), again="on"))

    assert answer.status_code == 302
    assert len(rows(dossier_id, camille)) == 2


def test_a_cda_has_one_place_whoever_means_it(address, dossier_id, camille):
    his = client_of(LEFEVRE)
    for _ in range(2):
        page = said(his.post(address, answers(cda(**MINE), "x.xml", envoi=str(uuid4()), again="on")))

    assert "Le déposer une deuxième fois" not in page
    assert len(rows(dossier_id, camille)) == 1


def test_nobody_learns_of_the_deposits_of_somebody_else(deposit, dossier_id):
    deposit(SMALL, by=NADIA, masked=True)

    assert not deposit(SMALL, unless_there=True, checked=False).already


def test_what_the_checks_refused_may_be_deposited_again(deposit, dossier_id, monkeypatch):
    monkeypatch.setattr(child, "inspect", lambda *_: Inspection("pdf.script", 0, 0, ()))
    deposit(SMALL)

    deposit(SMALL, unless_there=True, checked=False)


def test_what_waits_to_be_checked_is_there_already(deposit, dossier_id):
    receipt = deposit(SMALL, checked=False)

    with pytest.raises(AlreadyThere) as there:
        deposit(SMALL, unless_there=True, checked=False)
    assert there.value.document_id == receipt.document_id


@pytest.mark.parametrize("form", ["", "x", "0", "é" * 40])
def test_a_mangled_identifier_is_none(address, dossier_id, camille, form):
    his = client_of(LEFEVRE)

    assert his.post(address, answers(envoi=form)).status_code == 302
    assert THERE in said(his.post(address, answers(envoi=form)))


def test_a_program_that_says_nothing_deposits_as_before(deposit, dossier_id, camille):
    first, second = (deposit(SMALL, at=NOON, checked=False) for _ in range(2))

    assert first.document_id != second.document_id
    assert depositing.receipt(dossier_id, second.document_id, by=LEFEVRE, at=NOON)
