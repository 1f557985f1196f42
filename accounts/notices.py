"""Short messages: something changed, or a code. They never say who, what, nor which kind of care.

Queued in the transaction of the act, sent by a job, wiped once sent.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection

from jobs import queue as jobs
from vault import subjects

from . import outbound
from .contacts import Contact, ContactChannel
from .devices import contact_of
from .models import ContactDevice, Notice

SEND = "notices.send"
KEPT_FOR = timedelta(days=7)


class NoticeKind(StrEnum):
    CODE = "code"
    OPENED = "opened"
    CHANGED = "changed"
    PASSWORD = "password"  # noqa: S105 - the name of a notice


@dataclass(frozen=True, slots=True)
class Words:
    """The subject of the e-mail, and the text of both channels."""

    subject: str
    text: str


_WORDS = {
    NoticeKind.CODE: Words(
        "Votre code",
        "Votre code est {code}. Il est valable 5 minutes et ne sert qu’une fois."
        " Ne le donnez à personne, même au téléphone.",
    ),
    NoticeKind.OPENED: Words(
        "Votre DMP est ouvert", "Votre DMP est ouvert. Connectez-vous pour le consulter : {address}"
    ),
    NoticeKind.CHANGED: Words(
        "Votre DMP a changé", "Votre DMP a changé. Connectez-vous pour voir ce qui est nouveau : {address}"
    ),
    NoticeKind.PASSWORD: Words(
        "Votre mot de passe a changé",
        "Le mot de passe de votre DMP vient de changer. Si ce n’est pas vous, rendez-vous à un guichet"
        " avec votre carte Vitale.",
    ),
}


def words(kind: NoticeKind, *, code: str = "") -> Words:
    told = _WORDS[kind]
    return Words(told.subject, told.text.format(code=code, address=settings.DMP_BASE_URL))


def queue(
    kind: NoticeKind, *, at: datetime, dossier_id: UUID | None = None, user_id: UUID | None = None
) -> UUID:
    """Tell a user, or the holder of a dossier, that something changed, if this transaction commits.

    Who has no web access is told nothing: there is nobody to write to.
    """
    return _queue(uuid4(), kind, None, user_id=user_id, dossier_id=dossier_id, at=at)


def queue_code(contact: Contact, code: str, *, at: datetime) -> UUID:
    """Send a code to a contact that no account holds yet."""
    notice_id = uuid4()
    told = {"code": code, "channel": str(contact.channel), "value": contact.value}
    sealed = subjects.system().seal_json("accounts_notice", "sealed", notice_id, told)
    return _queue(notice_id, NoticeKind.CODE, sealed, user_id=None, dossier_id=None, at=at)


def queue_device_code(device: ContactDevice, code: str, *, at: datetime) -> UUID:
    """Send a code to a contact of an account."""
    notice_id = uuid4()
    told = {"code": code, "device": str(device.pk)}
    sealed = subjects.system().seal_json("accounts_notice", "sealed", notice_id, told)
    return _queue(notice_id, NoticeKind.CODE, sealed, user_id=device.user_id, dossier_id=None, at=at)


def _queue(
    notice_id: UUID,
    kind: NoticeKind,
    sealed: bytes | None,
    *,
    user_id: UUID | None,
    dossier_id: UUID | None,
    at: datetime,
) -> UUID:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_notice (id, kind, user_id, dossier_id, sealed, created_at)"
            " VALUES (%s::uuid, %s, %s::uuid, %s::uuid, %s::bytea, %s::timestamptz)",
            [notice_id, str(kind), user_id, dossier_id, sealed, at],
        )
    jobs.enqueue(SEND, subject_id=dossier_id or user_id or notice_id, idem=str(notice_id), at=at)
    return notice_id


# Sending --------------------------------------------------------------------------------------


class NotDelivered(Exception):
    """The mail server or the SMS gateway does not answer now."""


def send(notice_id: UUID, *, at: datetime) -> None:
    """Send one notice to every contact concerned, then wipe what it said. Raises NotDelivered.

    Sent at least once: a worker killed between the gateway and the row sends the same text again.
    """
    notice = Notice.objects.filter(pk=notice_id, sent_at=None).first()
    if notice is None:
        return
    told = _told(notice)
    if not (
        notice.kind == NoticeKind.CODE and at - notice.created_at > timedelta(minutes=5)
    ):  # else too late
        said = words(NoticeKind(notice.kind), code=told.get("code", ""))
        for contact in _contacts(notice, told):
            deliver(contact, said, once=str(notice.pk))
    Notice.objects.filter(pk=notice_id).update(sealed=None, sent_at=at)


def deliver(contact: Contact, said: Words, *, once: str) -> None:
    """Hand one message to the mail server or the SMS gateway. Raises NotDelivered."""
    if contact.channel == ContactChannel.EMAIL:
        _mail(contact.value, said)
    else:
        _sms(contact.value, said.text, once)


def _mail(address: str, said: Words) -> None:
    try:
        EmailMessage(said.subject, said.text, to=[address]).send()
    except OSError:  # smtplib's exceptions are OSErrors
        raise NotDelivered("mail") from None


def _sms(number: str, text: str, once: str) -> None:
    headers = {"Authorization": f"Bearer {settings.DMP_SMS_TOKEN}", "Idempotency-Key": once}
    try:
        answer = outbound.call(
            "POST",
            settings.DMP_SMS_URL,
            json={"numero": number, "texte": text},
            headers=headers,
            most=100_000,
        )
    except outbound.Unreachable:
        raise NotDelivered("sms") from None
    if not 200 <= answer.status < 300:
        raise NotDelivered("sms")


def purge(*, at: datetime) -> None:
    """Forget the notices of a week ago, sent or not."""
    Notice.objects.filter(created_at__lt=at - KEPT_FOR).delete()


def _told(notice: Notice) -> dict[str, str]:
    if notice.sealed is None:
        return {}
    return subjects.system().unseal_json("accounts_notice", "sealed", notice.pk, bytes(notice.sealed))


def _contacts(notice: Notice, told: dict[str, str]) -> list[Contact]:
    if "value" in told:
        return [Contact(told["channel"], told["value"])]
    devices = ContactDevice.objects.filter(confirmed=True, user__active=True)
    if "device" in told:
        devices = devices.filter(pk=told["device"])
    elif notice.user_id:
        devices = devices.filter(user_id=notice.user_id)
    else:
        devices = devices.filter(user__dossier_id=notice.dossier_id)
    return [contact_of(device, subjects.keyring(device.user_id)) for device in devices]
