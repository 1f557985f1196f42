"""Notices leave once their act is committed, say nothing of anybody, and are wiped once sent."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from accounts import notices
from accounts.contacts import Contact
from accounts.models import ContactDevice, Notice, User
from accounts.notices import NotDelivered, NoticeKind
from accounts.tasks import send_notice
from jobs.queue import Later, Lease
from tests.accounts.people import PHONE, open_camille
from tests.cast import NOON

MAILBOX = Contact("courriel", "camille@exemple.fr")


@pytest.fixture
def gateway(settings):
    """A gateway of SMS that keeps what it is given."""
    received = []

    class Gateway(BaseHTTPRequestHandler):
        status = 202

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append(
                body | {"token": self.headers["Authorization"], "once": self.headers["Idempotency-Key"]}
            )
            self.send_response(self.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    settings.DMP_SMS_URL, settings.DMP_SMS_TOKEN = f"http://127.0.0.1:{server.server_port}/sms", "secret"
    received_by = type("Received", (), {"all": received, "handler": Gateway})
    yield received_by
    server.shutdown()
    server.server_close()


def job_of(notice_id):
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, state FROM jobs_job WHERE idem = %s", [str(notice_id)])
        return cursor.fetchone()


@pytest.mark.django_db
def test_a_change_in_a_dossier_is_told_by_mail_without_saying_what(gateway):
    opened = open_camille(contact=MAILBOX)
    dossier_id = User.objects.get(pk=opened.user_id).dossier_id
    notice_id = notices.queue(NoticeKind.CHANGED, dossier_id=dossier_id, at=NOON)
    assert job_of(notice_id) == ("notices.send", "ready")

    notices.send(notice_id, at=NOON)

    assert [m.to for m in mail.outbox] == [["camille@exemple.fr"]]
    assert mail.outbox[0].subject == "Votre DMP a changé"
    assert "Moreau" not in mail.outbox[0].body
    assert Notice.objects.get(pk=notice_id).sent_at == NOON


@pytest.mark.django_db
def test_a_code_is_told_by_sms_and_wiped(gateway):
    opened = open_camille(contact=PHONE)
    device = ContactDevice.objects.get(user_id=opened.user_id)
    notice_id = notices.queue_device_code(device, "482913", at=NOON)

    notices.send(notice_id, at=NOON)

    assert gateway.all[0]["numero"] == PHONE.value
    assert gateway.all[0]["texte"].startswith("Votre code est ")
    assert gateway.all[0]["token"] == "Bearer secret"
    assert gateway.all[0]["once"] == str(notice_id)
    assert Notice.objects.get(pk=notice_id).sealed is None


@pytest.mark.django_db
def test_a_code_reaches_a_contact_that_no_account_holds_yet(gateway):
    notice_id = notices.queue_code(MAILBOX, "123456", at=NOON)

    notices.send(notice_id, at=NOON)

    assert "123456" in mail.outbox[0].body


@pytest.mark.django_db
def test_a_notice_is_sent_once(gateway):
    notice_id = notices.queue_code(PHONE, "123456", at=NOON)

    notices.send(notice_id, at=NOON)
    notices.send(notice_id, at=NOON)

    assert len(gateway.all) == 1


@pytest.mark.django_db
def test_a_code_too_old_to_serve_does_not_leave(gateway):
    notice_id = notices.queue_code(PHONE, "123456", at=NOON)

    notices.send(notice_id, at=NOON + timedelta(minutes=6))

    assert gateway.all == []
    assert Notice.objects.get(pk=notice_id).sealed is None


@pytest.mark.django_db
def test_who_has_no_web_access_is_told_nothing(gateway):
    from uuid import uuid4

    notice_id = notices.queue(NoticeKind.CHANGED, dossier_id=uuid4(), at=NOON)

    notices.send(notice_id, at=NOON)

    assert mail.outbox == []
    assert gateway.all == []


@pytest.mark.django_db
def test_a_silent_gateway_is_tried_again_later(gateway):
    gateway.handler.status = 500
    now = timezone.now()
    notice_id = notices.queue_code(PHONE, "123456", at=now)
    with pytest.raises(NotDelivered):
        notices.send(notice_id, at=now)

    lease = Lease(notice_id, notice_id, notices.SEND, notice_id, str(notice_id), attempts=1)
    with pytest.raises(Later, match=r"not_delivered\.sms"):
        send_notice(lease)

    assert Notice.objects.get(pk=notice_id).sent_at is None


@pytest.mark.django_db
def test_notices_of_a_week_ago_are_forgotten():
    notices.queue_code(PHONE, "123456", at=NOON)

    notices.purge(at=NOON + timedelta(days=8))

    assert not Notice.objects.exists()


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_words_are_short_enough_for_one_or_two_sms(kind, settings):
    settings.DMP_BASE_URL = "https://www.dmp.example"

    assert len(notices.words(kind, code="123456").text) <= 160
