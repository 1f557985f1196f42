"""Short messages: something changed, or a code. They never say who, what, nor which kind of care, and have no
link: whoever imitates one has nothing to lead anybody to.

Queued in the transaction of the act, sent by a job, wiped once sent. What only says that a dossier changed is
gathered: one message leaves at once, the following when its holder has come since, or when a day has passed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.db.models import DateTimeField, Func

from jobs import queue as jobs
from vault import subjects

from . import outbound
from .contacts import Contact, ContactChannel
from .devices import contact_of
from .models import ContactDevice, Notice
from .paris import paris_time

SEND, SEND_CODE = "notices.send", "notices.code"
KEPT_FOR = timedelta(days=7)
CODES_LIVE = timedelta(minutes=5)
ONE_MESSAGE_SECONDS = 10.0  # from the connection to the last word of the server or of the gateway


class NoticeKind(StrEnum):
    CODE = "code"
    COUNTER_CODE = "counter_code"
    AWAKE = "awake"
    CHANGED = "changed"
    AGREED = "agreed"
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
    # Straight apostrophes and unaccented capitals: SMS count signs, and some signs cost a second sending.
    NoticeKind.COUNTER_CODE: Words(
        "Votre code au guichet",
        "Guichet : lisez {code} à la personne en face de vous. Ce code n'ouvre aucune connexion."
        " Si vous n'y allez pas, ne le lisez à personne.",
    ),
    NoticeKind.AWAKE: Words(
        "Votre DMP se lit par Internet",
        "Votre DMP peut se lire par Internet depuis le {when}. Si ce n'est pas vous, dites-le nous : page"
        " Aide du site.",
    ),
    NoticeKind.CHANGED: Words(
        "Votre DMP a changé",
        "Votre DMP a changé. Connectez-vous comme d'habitude pour voir ce qui est nouveau.",
    ),
    # Somebody says that the holder said yes: if they did not, each hour counts.
    NoticeKind.AGREED: Words(
        "Un accord est déclaré",
        "DMP : un professionnel de santé dit avoir votre accord pour lire votre dossier. Si c'est faux,"
        " connectez-vous et retirez-le.",
    ),
    NoticeKind.PASSWORD: Words(
        "Votre mot de passe a changé",
        "Le mot de passe de votre DMP vient de changer. Si ce n'est pas vous, dites-le nous : page Aide"
        " du site.",
    ),
}


# Told together. What is about an account, or calls for its holder to act, never waits.
GATHERED = frozenset({NoticeKind.CHANGED})

# A code that died on the way is not sent.
_LIVES = {NoticeKind.CODE: CODES_LIVE, NoticeKind.COUNTER_CODE: timedelta(minutes=30)}


def words(kind: NoticeKind, *, code: str = "", at: datetime | None = None) -> Words:
    """The message; `at` is when what it tells happened."""
    told = _WORDS[kind]
    when = f"{paris_time(at):%d/%m, %H h %M}" if at else ""
    return Words(told.subject, told.text.format(code=code, when=when))


def queue(
    kind: NoticeKind, *, at: datetime, dossier_id: UUID | None = None, user_id: UUID | None = None
) -> UUID | None:
    """Tell a user, or the holder of a dossier, that something changed, if this transaction commits. None when
    a message that is to leave later tells of it.

    Who has no web access is told nothing: there is nobody to write to.
    """
    if kind in GATHERED and dossier_id is not None:
        return _gather(uuid4(), kind, dossier_id, at=at)
    return _queue(uuid4(), kind, None, user_id=user_id, dossier_id=dossier_id, at=at)


def _gather(notice_id: UUID, kind: NoticeKind, dossier_id: UUID, *, at: datetime) -> UUID | None:
    """None when one is already to leave later: it tells of this too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT accounts_gather_notice(%s::uuid, %s, %s::uuid)", [notice_id, str(kind), dossier_id]
        )
        [after] = cursor.fetchone()
    if after is None:
        return None
    jobs.enqueue(SEND, subject_id=dossier_id, idem=str(notice_id), at=at, after=after)
    return notice_id


def came(dossier_id: UUID, *, at: datetime) -> None:
    """The holder signs in, and sees what is new: nothing of it is left to tell."""
    Notice.objects.filter(dossier_id=dossier_id, seen_at=None, kind__in=GATHERED).update(seen_at=at)


def queue_code(contact: Contact, code: str, *, at: datetime, kind: NoticeKind = NoticeKind.CODE) -> UUID:
    """Send a code to a contact that no account holds yet."""
    notice_id = uuid4()
    told = {"code": code, "channel": str(contact.channel), "value": contact.value}
    sealed = subjects.system().seal_json("accounts_notice", "sealed", notice_id, told)
    return _queue(notice_id, kind, sealed, user_id=None, dossier_id=None, at=at)


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
            # How old it is decides whether it still leaves: the database says, since workers and web differ.
            "INSERT INTO accounts_notice (id, kind, user_id, dossier_id, sealed, created_at)"
            " VALUES (%s::uuid, %s, %s::uuid, %s::uuid, %s::bytea, statement_timestamp())",
            [notice_id, str(kind), user_id, dossier_id, sealed],
        )
    how = SEND_CODE if kind in _LIVES else SEND
    jobs.enqueue(how, subject_id=dossier_id or user_id or notice_id, idem=str(notice_id), at=at)
    return notice_id


# Sending --------------------------------------------------------------------------------------


class NotDelivered(Exception):
    """The mail server or the SMS gateway does not answer now."""


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """What leaves for one contact. `once` is the same each time that this message is tried."""

    contact: Contact
    words: Words
    once: str


def to_send(notice_id: UUID) -> list[Message]:
    """The messages of one notice: none when it was sent, when the holder has come since, when nobody is there
    to write to, or when it is a code too old to serve, by the clock of the database."""
    notice = (
        Notice.objects.filter(pk=notice_id, sent_at=None)
        .annotate(now=Func(function="statement_timestamp", output_field=DateTimeField()))
        .first()
    )
    if notice is None or notice.seen_at is not None:
        return []
    kind = NoticeKind(notice.kind)
    lives = CODES_LIVE if kind is NoticeKind.CODE else _LIVES.get(kind, KEPT_FOR)
    if notice.now - notice.created_at > lives:
        return []
    told = _told(notice)
    said = words(kind, code=told.get("code", ""), at=notice.created_at)
    return [
        Message(contact, said, f"{notice.pk}.{rank}" if rank else str(notice.pk))
        for rank, contact in enumerate(_contacts(notice, told))
    ]


def deliver_all(messages: Sequence[Message]) -> None:
    """Hand them over, one after another. Raises NotDelivered.

    Sent at least once: a worker killed between the gateway and the row sends the same text again.
    """
    for message in messages:
        deliver(message.contact, message.words, once=message.once)


def sent(notice_id: UUID, *, at: datetime) -> None:
    """What the notice said is forgotten."""
    Notice.objects.filter(pk=notice_id, sent_at=None).update(sealed=None, sent_at=at)


def deliver(contact: Contact, said: Words, *, once: str) -> None:
    """Hand one message to the mail server or the SMS gateway, in ten seconds at most. Raises NotDelivered."""
    if contact.channel == ContactChannel.EMAIL:
        _mail(contact.value, said)
    else:
        _sms(contact.value, said.text, once)


def _mail(address: str, said: Words) -> None:
    try:
        with outbound.within(ONE_MESSAGE_SECONDS):
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
            read_seconds=ONE_MESSAGE_SECONDS,
            whole_seconds=ONE_MESSAGE_SECONDS,
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
    return [contact_of(device, subjects.keyring(device.user_id)) for device in devices.order_by("pk")]
