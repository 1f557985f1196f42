"""Second factors: a code of six digits sent to a contact, or made by an application.

django-otp's devices with nothing in clear: the contact and the secret are sealed, the code waiting
is a keyed digest. Each check is one statement, so that of twenty simultaneous ones one succeeds.
"""

import base64
import os
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import UUID, uuid4

from django.db import connection
from django_otp.oath import TOTP

from vault import blind
from vault.keyring import Keyring

from .contacts import Contact, MaskedContact, mask
from .models import ContactDevice, TotpDevice, User

LIVES = timedelta(minutes=5)
TRIES = 5
AGAIN_AFTER = timedelta(seconds=60)
AT_MOST_PER_HOUR = 5


class WrongCode(Exception):
    def __init__(self, tries_left: int | None = None) -> None:
        super().__init__()
        self.tries_left = tries_left

    def __str__(self) -> str:
        match self.tries_left:
            case None:
                return "Ce code n’est pas le bon : recommencez avec le code affiché maintenant."
            case 1:
                return "Ce code n’est pas le bon. Il vous reste 1 essai."
            case left:
                return f"Ce code n’est pas le bon. Il vous reste {left} essais."


class CodeExpired(Exception):
    def __str__(self) -> str:
        return "Ce code n’est plus valable : demandez-en un autre."


class NoTriesLeft(Exception):
    def __str__(self) -> str:
        return "Ce code ne peut plus servir : demandez-en un autre."


class TooSoon(Exception):
    """Codes are not sent so often; another may be asked for at `again_at`."""

    def __init__(self, again_at: datetime) -> None:
        super().__init__()
        self.again_at = again_at

    def __str__(self) -> str:
        return "Un code vient de partir : attendez un peu avant d’en demander un autre."


@dataclass(frozen=True, slots=True)
class CodeSent:
    channel: str
    mask: str
    expires_at: datetime
    again_at: datetime


# Contacts -------------------------------------------------------------------------------------


def contact_of(device: ContactDevice, keyring: Keyring) -> Contact:
    value = keyring.unseal("accounts_contactdevice", "sealed", device.pk, bytes(device.sealed)).decode()
    return Contact(device.channel, value)


def masked(device: ContactDevice, keyring: Keyring) -> MaskedContact:
    return MaskedContact(str(device.pk), device.channel, mask(contact_of(device, keyring)))


def new_code(device_id: UUID, purpose: str, *, at: datetime) -> str:
    """A fresh code for this purpose, in the place of any other. Raises TooSoon."""
    code = f"{secrets.randbelow(1_000_000):06d}"
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE accounts_contactdevice SET
                code_mac = %(mac)s::bytea, code_expires_at = %(expires)s::timestamptz, tries_left = %(tries)s,
                sent_at = %(at)s::timestamptz,
                sent_in_hour = CASE WHEN hour_began_at > %(an_hour_ago)s::timestamptz
                                    THEN sent_in_hour + 1 ELSE 1 END,
                hour_began_at = CASE WHEN hour_began_at > %(an_hour_ago)s::timestamptz THEN hour_began_at
                                     ELSE %(at)s::timestamptz END
            WHERE id = %(id)s::uuid AND confirmed
                AND (sent_at IS NULL OR sent_at <= %(a_minute_ago)s::timestamptz)
                AND (hour_began_at IS NULL OR hour_began_at <= %(an_hour_ago)s::timestamptz
                     OR sent_in_hour < %(most)s)
            """,
            {
                "mac": _code_mac(device_id, purpose, code),
                "expires": at + LIVES,
                "tries": TRIES,
                "at": at,
                "an_hour_ago": at - timedelta(hours=1),
                "a_minute_ago": at - AGAIN_AFTER,
                "most": AT_MOST_PER_HOUR,
                "id": device_id,
            },
        )
        if cursor.rowcount != 1:
            raise TooSoon(_again_at(device_id, at))
    return code


def _again_at(device_id: UUID, at: datetime) -> datetime:
    device = ContactDevice.objects.get(pk=device_id)
    if device.hour_began_at and device.sent_in_hour >= AT_MOST_PER_HOUR:
        return max(device.hour_began_at + timedelta(hours=1), at)
    return max((device.sent_at or at) + AGAIN_AFTER, at)


def use_code(user_id: UUID, purpose: str, code: str, *, at: datetime) -> None:
    """Accept the code waiting on one of a user's contacts, once.

    Raises WrongCode, CodeExpired, NoTriesLeft. A wrong code costs one try of the contact it was
    last sent to.
    """
    typed = "".join(code.split())
    sent = ContactDevice.objects.filter(user_id=user_id, confirmed=True, sent_at__isnull=False)
    device = sent.order_by("-sent_at").first()
    if device is None:
        raise CodeExpired
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH waiting AS (
                SELECT id, code_mac, code_expires_at, tries_left FROM accounts_contactdevice
                WHERE id = %(id)s::uuid FOR UPDATE
            )
            UPDATE accounts_contactdevice device SET
                tries_left = greatest(waiting.tries_left - 1, 0),
                code_mac = CASE WHEN waiting.code_mac = %(mac)s::bytea OR waiting.tries_left <= 1
                                  OR waiting.code_expires_at <= %(at)s::timestamptz
                                THEN NULL ELSE waiting.code_mac END
            FROM waiting WHERE device.id = waiting.id
            RETURNING waiting.code_mac IS NOT NULL, waiting.code_expires_at > %(at)s::timestamptz,
                coalesce(waiting.code_mac = %(mac)s::bytea, false), waiting.tries_left
            """,
            {"id": device.pk, "mac": _code_mac(device.pk, purpose, typed), "at": at},
        )
        there, in_time, right, tries_left = cursor.fetchone()
    if not there:
        raise NoTriesLeft if tries_left == 0 else CodeExpired
    if not in_time:
        raise CodeExpired
    if not right:
        if tries_left <= 1:
            raise NoTriesLeft
        raise WrongCode(tries_left - 1)


def _code_mac(device_id: UUID, purpose: str, code: str) -> bytes:
    return blind.keyed_mac("code", f"{device_id}|{purpose}|{code}".encode())


# Applications ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TotpSecret:
    """Shown once: as text to type, as an address to make a QR code of."""

    text: str
    address: str


def create_totp(user_id: UUID, keyring: Keyring, *, account: str, secret: bytes | None = None) -> TotpSecret:
    """Give a user an application that makes codes: its secret is told once, then only sealed."""
    device_id, secret = uuid4(), secret or os.urandom(20)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_totpdevice (id, user_id, name, confirmed, sealed, last_step)"
            " VALUES (%s::uuid, %s::uuid, '', true, %s::bytea, 0)",
            [device_id, user_id, keyring.seal("accounts_totpdevice", "sealed", device_id, secret)],
        )
    text = base64.b32encode(secret).decode().rstrip("=")
    return TotpSecret(text, f"otpauth://totp/DMP:{quote(account)}?secret={text}&issuer=DMP")


def use_totp(user: User, keyring: Keyring, code: str, *, at: datetime) -> None:
    """Accept a code of the user's application, this half minute or its neighbours, once. Raises WrongCode."""
    device = TotpDevice.objects.filter(user=user, confirmed=True).first()
    typed = "".join(code.split())
    step = _matching_step(device, keyring, typed, at) if device else None
    if device is None or step is None or not _take_step(device.pk, step):
        raise WrongCode


def _matching_step(device: TotpDevice, keyring: Keyring, typed: str, at: datetime) -> int | None:
    if not re.fullmatch(r"[0-9]{6}", typed):
        return None
    made = TOTP(keyring.unseal("accounts_totpdevice", "sealed", device.pk, bytes(device.sealed)))
    made.time = at.timestamp()
    return made.t() if made.verify(int(typed), tolerance=1, min_t=device.last_step + 1) else None


def _take_step(device_id: UUID, step: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_totpdevice SET last_step = %s WHERE id = %s::uuid AND last_step < %s",
            [step, device_id, step],
        )
        return cursor.rowcount == 1
