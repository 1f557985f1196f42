"""Notices leave once their act is committed, say nothing of anybody, and are wiped once sent."""

import json
import re
import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import uuid4

import pytest
from django.core import mail
from django.db import ProgrammingError, connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts import notices
from accounts.contacts import Contact
from accounts.models import ContactDevice, Notice, User
from accounts.notices import NotDelivered, NoticeKind
from jobs import queue
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


def send(notice_id, kind=notices.SEND):
    """As the worker does."""
    assert queue.work(queue.job_id_of(kind, str(notice_id)))


def send_code(notice_id):
    send(notice_id, notices.SEND_CODE)


@pytest.mark.django_db
def test_a_change_in_a_dossier_is_told_by_mail_without_saying_what(gateway):
    opened = open_camille(contact=MAILBOX)
    dossier_id = User.objects.get(pk=opened.user_id).dossier_id
    notice_id = notices.queue(NoticeKind.CHANGED, dossier_id=dossier_id, at=NOON)
    assert job_of(notice_id) == ("notices.send", "ready")

    send(notice_id)

    assert [m.to for m in mail.outbox] == [["camille@exemple.fr"]]
    assert mail.outbox[0].subject == "Votre DMP a changé"
    assert "Moreau" not in mail.outbox[0].body
    assert Notice.objects.get(pk=notice_id).sent_at is not None


@pytest.mark.django_db
def test_a_code_is_told_by_sms_and_wiped(gateway):
    opened = open_camille(contact=PHONE)
    device = ContactDevice.objects.get(user_id=opened.user_id)
    notice_id = notices.queue_device_code(device, "482913", at=NOON)

    send_code(notice_id)

    assert gateway.all[0]["numero"] == PHONE.value
    assert gateway.all[0]["texte"].startswith("Votre code est ")
    assert gateway.all[0]["token"] == "Bearer secret"
    assert gateway.all[0]["once"] == str(notice_id)
    assert Notice.objects.get(pk=notice_id).sealed is None


@pytest.mark.django_db
def test_a_code_reaches_a_contact_that_no_account_holds_yet(gateway):
    notice_id = notices.queue_code(MAILBOX, "123456", at=NOON)

    send_code(notice_id)

    assert "123456" in mail.outbox[0].body


@pytest.mark.django_db
def test_a_notice_is_sent_once(gateway):
    notice_id = notices.queue_code(PHONE, "123456", at=NOON)

    send_code(notice_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET state = 'ready', done_at = NULL, run_after = now() - interval '1 s'"
        )
    send_code(notice_id)

    assert len(gateway.all) == 1


@pytest.mark.django_db
def test_a_code_too_old_to_serve_does_not_leave(gateway, monkeypatch):
    notice_id = notices.queue_code(PHONE, "123456", at=NOON)

    monkeypatch.setattr(notices, "CODES_LIVE", timedelta())

    send_code(notice_id)

    assert gateway.all == []
    assert Notice.objects.get(pk=notice_id).sealed is None


@pytest.mark.django_db
def test_who_has_no_web_access_is_told_nothing(gateway):
    notice_id = notices.queue(NoticeKind.CHANGED, dossier_id=uuid4(), at=NOON)

    send(notice_id)

    assert mail.outbox == []
    assert gateway.all == []


@pytest.mark.django_db
def test_a_silent_gateway_is_tried_again_later(gateway):
    gateway.handler.status = 500
    notice_id = notices.queue_code(PHONE, "123456", at=timezone.now())

    send_code(notice_id)

    job = queue.state(queue.job_id_of(notices.SEND_CODE, str(notice_id)))
    assert (job.state, job.code) == ("ready", "not_delivered.sms")
    assert job.run_after - timezone.now() < timedelta(seconds=3), "a code lives five minutes"
    assert Notice.objects.get(pk=notice_id).sent_at is None


@pytest.mark.django_db
def test_two_telephones_are_two_messages(gateway, monkeypatch):
    other = Contact("sms", "+33639980002")
    monkeypatch.setattr(notices, "_contacts", lambda *_: [PHONE, other])
    notice_id = notices.queue(NoticeKind.CHANGED, dossier_id=uuid4(), at=NOON)

    send(notice_id)

    assert [one["numero"] for one in gateway.all] == [PHONE.value, other.value]
    assert len({one["once"] for one in gateway.all}) == 2


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(minutes=-5)])
@pytest.mark.django_db
def test_a_code_arrives_alive_whatever_the_web_s_clock_says(gateway, ahead):
    notice_id = notices.queue_code(PHONE, "123456", at=timezone.now() + ahead)

    send_code(notice_id)

    assert len(gateway.all) == 1


@pytest.mark.django_db
def test_a_mail_server_that_drips_does_not_hold_us(settings, monkeypatch):
    monkeypatch.setattr(notices, "ONE_MESSAGE_SECONDS", 0.5)
    settings.EMAIL_BACKEND = "accounts.mail.Backend"
    with dripping(b"220 hello" + b"-" * 200) as (settings.EMAIL_HOST, settings.EMAIL_PORT):
        began = time.monotonic()
        with pytest.raises(NotDelivered):
            notices.deliver(MAILBOX, notices.words(NoticeKind.CHANGED), once="1")
        seconds = time.monotonic() - began

    assert seconds < 3.0


@contextmanager
def dripping(words):
    """A server that says these words a byte at a time, each well before any time-out."""
    listening = socket.create_server(("127.0.0.1", 0))

    def drip():
        talking, _ = listening.accept()
        with talking, suppress(OSError):
            for byte in words:
                talking.send(bytes([byte]))
                time.sleep(0.05)

    threading.Thread(target=drip, daemon=True).start()
    with listening:
        yield listening.getsockname()


@pytest.mark.django_db
def test_notices_of_a_week_ago_are_forgotten():
    notices.queue_code(PHONE, "123456", at=NOON)

    notices.purge(at=timezone.now() + timedelta(days=8))

    assert not Notice.objects.exists()


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_words_are_short_enough_for_one_or_two_sms(kind):
    assert len(notices.words(kind, code="123456").text) <= 160


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_no_message_carries_a_link_nor_an_address(kind, settings):
    told = notices.words(kind, code="123456", at=NOON)

    for words in (told.subject, told.text):
        assert not re.search(r"https?:|www|://|[a-z0-9-]+\.(?:fr|com|example)|@", words, re.IGNORECASE)
        assert settings.DMP_BASE_URL.partition("://")[2] not in words


# Gathered --------------------------------------------------------------------------------------


def left(gateway):
    """What left so far: jobs that are due are worked, as the worker does."""
    queue.work_due(300)
    return len(gateway.all)


@pytest.fixture
def reached(gateway, real_database):
    """Camille's account, reached by SMS, and her dossier."""
    return User.objects.get(pk=open_camille(contact=PHONE).user_id)


@pytest.fixture
def days_pass(real_database):
    """As if everything about notices had happened that much earlier."""

    def shift(days):
        with real_database.superuser() as server:
            earlier = [timedelta(days=days)]
            server.execute("UPDATE accounts_notice SET created_at = created_at - %s", earlier)
            server.execute("UPDATE accounts_notice SET leaves_at = leaves_at - %s", earlier)
            server.execute("UPDATE jobs_job SET run_after = run_after - %s WHERE state = 'ready'", earlier)

    return shift


def change(user, times=1):
    for _ in range(times):
        with transaction.atomic():
            notices.queue(NoticeKind.CHANGED, dossier_id=user.dossier_id, at=NOON)


def test_a_hundred_and_forty_five_deposits_are_one_message(gateway, reached):
    change(reached)
    assert left(gateway) == 1

    change(reached, 144)

    assert left(gateway) == 1
    assert Notice.objects.count() == 2, "one that left, and one for all the others"


def test_what_was_gathered_is_told_once_a_day_has_passed(gateway, reached, days_pass):
    change(reached, 5)
    left(gateway)

    days_pass(1)

    assert left(gateway) == 2
    change(reached)
    assert left(gateway) == 2
    days_pass(1)
    assert left(gateway) == 3


def test_the_first_after_a_quiet_day_leaves_at_once(gateway, reached, days_pass):
    change(reached)
    left(gateway)
    days_pass(2)

    change(reached)

    assert left(gateway) == 2


def test_once_she_has_come_the_next_leaves_at_once_and_what_she_saw_is_not_told(gateway, reached, days_pass):
    change(reached, 2)
    left(gateway)

    notices.came(reached.dossier_id, at=timezone.now())
    change(reached)

    assert left(gateway) == 2
    days_pass(1)
    assert left(gateway) == 2, "the one that waited had nothing left to tell"


def test_another_dossier_waits_for_nobody(gateway, reached):
    change(reached, 2)
    other = uuid4()

    with transaction.atomic():
        notice_id = notices.queue(NoticeKind.CHANGED, dossier_id=other, at=NOON)

    assert Notice.objects.get(pk=notice_id).leaves_at <= timezone.now()


@pytest.mark.parametrize("kind", sorted(set(NoticeKind) - {NoticeKind.CHANGED}))
def test_what_is_about_an_account_is_never_gathered(gateway, reached, kind):
    told = [{"user_id": reached.pk}, {"dossier_id": reached.dossier_id}] * 2
    with transaction.atomic():
        queued = [notices.queue(kind, at=NOON, **whom) for whom in told]

    assert len({*queued} - {None}) == 4
    assert not Notice.objects.exclude(leaves_at=None).exists()


def test_an_agreement_declared_leaves_at_once_whatever_was_gathered(gateway, reached):
    change(reached, 3)
    assert left(gateway) == 1

    with transaction.atomic():
        notices.queue(NoticeKind.AGREED, dossier_id=reached.dossier_id, at=NOON)

    assert left(gateway) == 2
    assert "dit avoir votre accord" in gateway.all[-1]["texte"]


def test_two_at_once_are_one_message(real_database):
    dossier_id, answers = uuid4(), []
    both = threading.Barrier(2)

    def deposit():
        try:
            with transaction.atomic():
                both.wait()
                answers.append(notices.queue(NoticeKind.CHANGED, dossier_id=dossier_id, at=NOON))
                time.sleep(0.2)
        finally:
            connection.close()

    for _ in range(2):
        at_once = [threading.Thread(target=deposit) for _ in range(2)]
        [one.start() for one in at_once]
        [one.join() for one in at_once]

    assert Notice.objects.filter(leaves_at=F("created_at")).count() == 1
    assert Notice.objects.count() == 2
    assert answers.count(None) == 2


@pytest.mark.parametrize("role", ["dmp_web", "dmp_counter", "dmp_feed", "dmp_worker"])
@pytest.mark.django_db
def test_who_leaves_a_notice_reads_none(role):
    change(User(dossier_id=uuid4()))
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', %s, true)", [role])
        with pytest.raises(ProgrammingError), transaction.atomic():
            cursor.execute("SELECT dossier_id FROM accounts_notice")
        cursor.execute("SELECT set_config('role', 'none', true)")
