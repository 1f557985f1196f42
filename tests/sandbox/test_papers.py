"""The papers that invented professionals write are real files: valid, readable, about the right person."""

import io
from datetime import date

import pikepdf
import pypdfium2
import pytest

from documents import cda
from sandbox.papers import Analysis, Paper, Part, pdf
from sandbox.papers import cda as clinical_document
from sandbox.population import ANGE, CABINET, LEFEVRE


def paper(paragraphs: int = 1) -> Paper:
    return Paper(
        title="Compte rendu de consultation",
        person=ANGE,
        author=LEFEVRE,
        place=CABINET,
        written_on=date(2026, 3, 1),
        parts=(Part("Examen", ("Le cœur (régulier) n’a pas d’anomalie \\ à l’auscultation.",) * paragraphs),),
    )


def test_a_pdf_is_sound_and_says_what_was_written():
    content = pdf(paper())

    with pikepdf.open(io.BytesIO(content)) as file:
        assert not file.check_pdf_syntax()
        assert str(file.docinfo["/Title"]) == "Compte rendu de consultation"
    document = pypdfium2.PdfDocument(content)
    words = document[0].get_textpage().get_text_range()
    assert "Le cœur (régulier) n’a pas d’anomalie \\ à l’auscultation." in words
    assert "Ange-Toussaint Colonna d’Istria, né le 01/11/1971" in words
    assert "Toulouse, le 1er mars 2026" in words
    document.close()


def test_a_long_paper_takes_several_pages():
    document = pypdfium2.PdfDocument(pdf(paper(paragraphs=60)))

    assert len(document) == 3
    assert "page 3 sur 3" in document[2].get_textpage().get_text_range()
    document.close()


def report() -> bytes:
    return clinical_document(
        paper(),
        analyses=[Analysis(name="Glycémie < à jeun", value="0,92 g/L", usual="0,70 à 1,05", before="0,95")],
        conclusion="Bilan sans particularité.",
    )


def test_the_house_reads_the_clinical_document_it_is_given():
    document = cda.read(report())

    assert document.header.ins == (ANGE.ins,)
    assert document.header.traits.birth_name == ANGE.birth_name
    assert document.header.traits.birth_date == ANGE.birth_date
    assert document.header.type_code == "11502-2"
    assert [section.title for section in document.sections] == ["Examen", "Résultats", "Conclusion"]


@pytest.mark.corpus
def test_the_clinical_document_follows_the_schema(corpora):
    from lxml import etree

    schema = etree.XMLSchema(file=str(corpora / "cda-fr-schema" / "cda" / "CDA_extended.xsd"))

    schema.assertValid(etree.fromstring(report()))
