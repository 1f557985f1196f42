"""What the professional's form takes, and the sentence for what it does not."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from pikepdf import Array, Dictionary, Name, String

from documents import deposit as depositing
from jobs import queue
from portal.professional.deposit import REFUSED, why_refused
from tests.cast import LEFEVRE
from tests.signing_in import client_of

from . import files
from .conftest import INS

MINE = {"ins": INS, "family": "MOREAU TREBOUL", "given": "Camille"}
DOCX = b"PK\x03\x04" + bytes(60)
PAGE = b"\n<!DOCTYPE html>\n<html><head><title>Connexion</title></head></html>"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'
JPEG = b"\xff\xd8\xff\xe0" + bytes(60)


@pytest.fixture
def sent(dossier_id):
    """The page answered when a file is sent with the form, checked as the house does."""
    client = client_of(LEFEVRE)

    def send(name, content, title=""):
        answers = {
            "type": "11488-4",
            "title": title,
            "created_on": timezone.localdate().strftime("%d/%m/%Y"),
            "shown_to_professionals": "oui",
            "shown_to_holder": "oui",
            "content": SimpleUploadedFile(name, content),
        }
        address = reverse("professional:deposit", args=[dossier_id])
        answers["type"] = dict(depositing.nomenclature.DEPOSITABLE)["11488-4"].label
        answer = client.post(address, answers)
        if answer.status_code == 302:
            document_id = answer["Location"].strip("/").split("/")[-1]
            queue.work(queue.job_id_of(depositing.CHECK, document_id))
            answer = client.get(answer["Location"])
        return " ".join(answer.content.decode().replace("\xa0", " ").replace("\u202f", " ").split())

    return send


def test_the_form_takes_a_pdf_and_a_cda(sent):
    assert "Le document est dans le dossier" in sent("lettre.pdf", files.pdf())
    page = sent("lettre.xml", files.cda(**MINE))
    assert "Le document est dans le dossier" in page
    assert "Compte rendu de consultation" in page


@pytest.mark.parametrize("before", ["\n\n", "\ufeff \r\n", " \ufeff", " " * 300])
def test_blank_lines_before_a_cda_change_nothing(sent, before):
    page = sent("lettre.xml", before.encode() + files.cda(**MINE))

    assert "Le document est dans le dossier" in page


def test_the_title_of_a_cda_yields_to_the_one_typed(sent):
    assert "Ma lettre" in sent("lettre.xml", files.cda(**MINE), title="Ma lettre")


@pytest.mark.parametrize("name", ["LETTRE.PDF", "lettre", "lettre.2026", "lettre.signé.pdf", "pdf"])
def test_a_name_that_contradicts_nothing_is_taken(sent, name):
    assert "Le document est dans le dossier" in sent(name, files.pdf())


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("lettre.xml", files.pdf(), "finit par « .xml », mais il contient un PDF"),
        ("lettre.docx", files.pdf(), "finit par « .docx », mais il contient un PDF"),
        ("lettre.pdf", files.cda(**MINE), "finit par « .pdf », mais il contient un document CDA"),
        ("photo.jpg", files.cda(**MINE), "finit par « .jpg », mais il contient un document CDA"),
        (
            "lettre.pdf",
            DOCX,
            "Ce fichier est un document Word, Excel ou LibreOffice, ou une archive. Imprimez-le en PDF",
        ),
        ("photo.jpg", JPEG, "Ce fichier est une image. Imprimez-le en PDF"),
        ("lettre.pdf", b"bonjour", "Ce fichier n’est ni un PDF ni un document CDA. Imprimez-le en PDF"),
        ("lettre.docx.", files.pdf(), "finit par « .docx », mais il contient un PDF"),
        ("lettre.docx\u200b", files.pdf(), "finit par « .docx », mais il contient un PDF"),
        ("diapos.pptx", files.pdf(), "finit par « .pptx », mais il contient un PDF"),
        ("lettre.pdf", PAGE, "Ce fichier est une page web. Imprimez-le en PDF"),
        ("page.HTML", PAGE, "Ce fichier est une page web. Imprimez-le en PDF"),
        ("schéma.svg", SVG, "Ce fichier est une image. Imprimez-le en PDF"),
        ("lettre.pdf", b"<note>bonjour</note>", "Ce fichier n’est ni un PDF ni un document CDA"),
        ("photo.heic", b"\0\0\0\x18ftypheic" + bytes(60), "Ce fichier est une image"),
        ("radio.pdf", bytes(128) + b"DICM", "Ce fichier est une image"),
        ("lettre.pdf", files.cda(**MINE).decode().encode("utf-16"), "mais il contient un document CDA"),
        ("page.xml", b"<html/>", "n’est pas un document CDA que nous pouvons lire"),
        ("autre.xml", files.cda(), "concerne une autre personne"),
    ],
)
def test_a_file_that_is_not_what_it_says_gets_a_sentence(sent, name, content, sentence):
    page = sent(name, content)

    assert sentence in page
    assert "Déposer un document" in page


def _official(made):
    """As the forms of MDPH and Cerfa are made: fields, and their twin in XFA."""
    field = Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("nom"), Rect=Array([60, 700, 300, 725])
    )
    made.pages[0].Annots = Array([made.make_indirect(field)])
    made.Root.AcroForm = Dictionary(
        Fields=made.pages[0].Annots, XFA=Array([String("template"), made.make_stream(b"<xdp/>")])
    )


def test_an_official_form_is_to_be_printed_in_pdf(sent):
    page = sent("mdph.pdf", files.pdf(change=_official))

    assert "Le fichier n’a pas pu être accepté" in page
    assert "C’est un formulaire à remplir" in page
    assert "Imprimez-le en PDF, puis déposez cette copie" in page
    assert "Enregistrez-le de nouveau en PDF" not in page


@pytest.mark.parametrize(
    ("verdict", "beginning", "advice"),
    [
        ("pdf.script", "Il contient des actions automatiques", "Imprimez-le en PDF"),
        ("pdf.unknown", "Il contient des actions automatiques", "Imprimez-le en PDF"),
        ("pdf.launch", "Il contient des actions automatiques", "Imprimez-le en PDF"),
        ("pdf.elsewhere", "Il renvoie à un autre fichier", "Imprimez-le en PDF"),
        ("pdf.media", "Il contient un son", "Imprimez-le en PDF"),
        ("pdf.changes", "Il change ce qu’il montre", "Imprimez-le en PDF"),
        ("pdf.password", "Il est protégé par un mot de passe", "Enregistrez-en une copie sans mot de passe"),
        ("pdf.unreadable", "Il est abîmé", "Produisez-le de nouveau"),
        ("cda.absent", "Ce document CDA", "Produisez-le de nouveau"),
        ("other", "Il est abîmé", "Imprimez-le en PDF"),
    ],
)
def test_each_verdict_says_what_to_do(verdict, beginning, advice):
    why, what_to_do = why_refused(verdict)

    assert why.startswith(beginning)
    assert what_to_do.startswith(advice)


def test_every_refusal_has_two_sentences():
    assert all(why.endswith(".") and advice.endswith(".") for why, advice in REFUSED.values())
