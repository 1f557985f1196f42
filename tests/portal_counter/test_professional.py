"""A doctor finds a patient, is let in, reads and deposits."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from jobs import queue
from tests.documents import files

pytestmark = pytest.mark.django_db

BY_NAME = {"par": "nom", "birth_name": "Lacoste", "birth_date": "02/09/1938"}


def dossier_found(client, **asked):
    """The dossier that a search leads to, and the way there."""
    page = client.post(reverse("professional:search"), BY_NAME | asked).content.decode()
    found = re.search(r'href="(/pro/dossiers/([0-9a-f-]{36})/(?:accord/)?)"', page)
    assert found, page
    return found[2], found[1]


@pytest.fixture
def bernard(pharmacist):
    """The dossier of Bernard Lacoste, opened by a pharmacist."""
    visit = pharmacist.post(reverse("counter:card"), {"carte": "bernard"})["Location"]
    agreement = pharmacist.post(visit, {"shown": "ID_CARD"})["Location"]
    sheet = pharmacist.post(agreement, {"agreed": "on", "regulation": "on", "channel": "aucun"})
    assert sheet.status_code == 200


def test_a_doctor_is_let_in_reads_and_deposits(lefevre, bernard):
    dossier_id, way = dossier_found(lefevre)
    asked = lefevre.get(way)
    into = lefevre.post(way, follow=True)
    filed = lefevre.post(
        reverse("professional:deposit", args=[dossier_id]),
        {
            "content": SimpleUploadedFile("bio.pdf", files.pdf(), "application/pdf"),
            "type": "compte rendu d’imagerie médicale",
            "created_on": f"{timezone.localdate():%d/%m/%Y}",
            "title": "Radiographie du genou",
            "shown_to_professionals": "oui",
            "shown_to_holder": "oui",
        },
    )
    assert filed.status_code == 302, filed.content.decode()
    receipt = lefevre.get(filed["Location"]).content.decode()
    waiting = lefevre.get(reverse("professional:dossier", args=[dossier_id])).content.decode()
    queue.work_due(10)
    ready = lefevre.get(filed["Location"]).content.decode()
    shelf = lefevre.get(reverse("professional:dossier", args=[dossier_id])).content.decode()
    document = re.search(r'href="(/pro/dossiers/[^"]+/documents/[^"]+)"', shelf)[1]
    read = lefevre.get(document)
    image = lefevre.get(f"{document}page/1/")
    original = lefevre.get(f"{document}fichier/")

    assert "M. Lacoste est-il d’accord" in asked.content.decode()
    assert "Documents" in into.content.decode()
    assert "en cours de vérification" in receipt
    assert "En cours de vérification" in waiting
    assert "Le document est dans le dossier" in ready
    assert "Radiographie du genou" in read.content.decode()
    assert image["Content-Type"].startswith("image/")
    assert original["Content-Disposition"].startswith("attachment")
    assert "no-store" in image["Cache-Control"] and "no-store" in read["Cache-Control"]
