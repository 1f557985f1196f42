"""Opening a dossier for somebody who stands at the counter."""

import re

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db


def test_an_agent_comes_in_with_a_password_and_a_code(roy):
    page = roy.get(reverse("counter:home"))

    assert page.status_code == 200
    assert "Carte Vitale de Bernard Lacoste" in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_the_sheet_of_secrets_is_shown_once(roy):
    visit = roy.post(reverse("counter:card"), {"carte": "bernard"})["Location"]
    agreement = roy.post(visit, {"shown": "ID_CARD"})["Location"]
    answers = {"agreed": "on", "regulation": "on", "channel": "sms", "phone": "06 39 98 10 42"}

    sheet = roy.post(agreement, answers)
    again = roy.post(agreement, answers, follow=True)

    page = sheet.content.decode()
    assert "no-store" in sheet["Cache-Control"]
    assert len(re.findall(r'class="secret"', page)) == 3
    assert "06 ** ** ** 42" in page
    assert "accès du Samu, pas d’un médecin présent" in page
    assert again.status_code == 410
    assert "secret" not in again.content.decode()


def test_a_pharmacist_opens_too(pharmacist):
    visit = pharmacist.post(reverse("counter:card"), {"carte": "bernard"})["Location"]
    page = pharmacist.get(visit)
    agreement = pharmacist.post(visit, {"shown": "ID_CARD"})["Location"]
    consent = pharmacist.get(agreement)
    sheet = pharmacist.post(
        agreement, {"agreed": "on", "regulation": "on", "channel": "sms", "phone": "06 39 98 10 42"}
    )

    assert page.status_code == consent.status_code == 200
    assert sheet.status_code == 200, sheet.content.decode()
