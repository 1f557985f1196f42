"""Whoever fills in forms without being anybody leaves nothing behind."""

import math
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.attempts import OPENINGS_BEGUN
from dossiers import applications
from dossiers.tasks import forget_what_waited_too_long

COUNTED = ("audit_event", "audit_head", "vault_subjectkey", "accounts_person", "accounts_user", "jobs_job",
           "accounts_notice", "dossiers_dossier")  # fmt: skip
PAGES = (
    "enrol", "enrol_nir", "enrol_name", "enrol_birth", "enrol_card", "enrol_review", "enrol_channel",
    "enrol_code", "enrol_exists", "enrol_login", "enrol_contact", "enrol_information", "enrol_consent",
)  # fmt: skip


def rows(real) -> dict[str, int]:
    with real.superuser() as server:
        return {
            table: server.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in COUNTED
            if server.execute("SELECT to_regclass(%s)", [table]).fetchone()[0]
        }


def knock(times: int) -> None:
    """GET and POST on every page of an opening, by strangers who begin one, or come with none."""
    browser = Client()
    for number in range(times):
        page = PAGES[number % len(PAGES)]
        if number % 50 == 0:
            browser = Client(REMOTE_ADDR=f"198.51.100.{number % 250}")
        if number % 2:
            browser.get(reverse(f"public:{page}"))
        else:
            browser.post(reverse(f"public:{page}"), {"nir": "2790351215189 89", "code": "123456"})


def applications_left() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(id) FROM dossiers_application")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("times", [400, pytest.param(10_000, marks=[pytest.mark.proof])])
def test_anonymous_requests_leave_no_permanent_row(real_database, times):
    before = rows(real_database)

    knock(times)

    assert {table: count for table, count in rows(real_database).items() if count != before[table]} == {}
    forget_what_waited_too_long(at=timezone.now() + applications.LIFETIME + timedelta(seconds=1))
    assert applications_left() == 0


@pytest.mark.django_db
def test_one_network_begins_so_many_openings_and_others_notice_nothing(settings):
    address = reverse("public:enrol")
    began = time.monotonic()
    flood = [Client(REMOTE_ADDR="198.51.100.7").post(address) for _ in range(120)]
    room_again = math.ceil((time.monotonic() - began) * OPENINGS_BEGUN.an_hour / 3600)
    other = Client(REMOTE_ADDR="203.0.113.9").post(address)

    refused = [answer for answer in flood if answer.status_code == 429]
    assert 20 - room_again <= len(refused) <= 20
    assert "Recommencez dans une minute" in refused[0].content.decode().replace("\u00a0", " ")
    assert other.status_code == 302
    assert applications_left() == 121 - len(refused)
