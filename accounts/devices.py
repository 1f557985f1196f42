"""Second factors: where codes of six digits are sent, and the applications that make them.

django-otp's devices with nothing in clear: the contact and the secret are sealed. The code that waits after
it was sent belongs to the sign-in it was sent for (`begun`).
"""

import base64
import os
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID, uuid4

from django.db import connection
from django_otp.oath import TOTP

from vault.keyring import Keyring

from .contacts import Contact, MaskedContact, mask
from .models import ContactDevice, TotpDevice, User


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
    """Where a code went, until when it can be typed, from when another can be asked for."""

    channel: str
    mask: str
    expires_at: datetime
    again_at: datetime
    not_the_first: bool = False  # of this sign-in: the earlier ones serve no more


# Contacts -------------------------------------------------------------------------------------


def contact_of(device: ContactDevice, keyring: Keyring) -> Contact:
    value = keyring.unseal("accounts_contactdevice", "sealed", device.pk, bytes(device.sealed)).decode()
    return Contact(device.channel, value)


def masked(device: ContactDevice, keyring: Keyring) -> MaskedContact:
    return MaskedContact(str(device.pk), device.channel, mask(contact_of(device, keyring)))


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
