"""Where somebody can be told something: a mobile phone or an e-mail address, and how to show one
without giving it away. Pure."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from django.core.exceptions import ValidationError
from django.core.validators import validate_email


class ContactChannel(StrEnum):
    SMS = "sms"
    EMAIL = "courriel"
    POST = "courrier"  # the insurer's letters only


@dataclass(frozen=True, slots=True)
class Contact:
    """A validated contact: `value` is +33612345678 or an address."""

    channel: str
    value: str


@dataclass(frozen=True, slots=True)
class MaskedContact:
    """A contact that a person recognises and nobody else learns.

    `since` is the day from which the insurer has known it; None when it does not say.
    """

    id: str
    channel: str
    mask: str
    since: date | None = None


def known(contact: MaskedContact, *, on: date, days: int) -> bool:
    """Whether the insurer has written there for long enough: an unknown day never counts."""
    return contact.since is not None and contact.since <= on - timedelta(days=days)


class BadContact(ValueError):
    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


# Mobile prefixes overseas carry their own country code: 0690 is +590 690.
_OVERSEAS = {"690": "+590", "691": "+590", "692": "+262", "693": "+262", "639": "+262"}
_OVERSEAS |= {"694": "+594", "696": "+596", "697": "+596"}
_PUNCTUATION = re.compile(r"[\s.\-/()\u00a0\u202f]+")


def validate(channel: str, text: str) -> Contact:
    """The contact a person typed. Raises BadContact with the sentence to show."""
    match channel:
        case ContactChannel.SMS:
            return Contact(ContactChannel.SMS, _mobile(text))
        case ContactChannel.EMAIL:
            return Contact(ContactChannel.EMAIL, _address(text))
        case _:
            raise BadContact("Choisissez le téléphone mobile ou l’adresse électronique.")


def _mobile(text: str) -> str:
    typed = _PUNCTUATION.sub("", text)
    if typed.startswith("00"):
        typed = "+" + typed[2:]
    if re.fullmatch(r"0[67]\d{8}", typed, re.ASCII):
        # 0639 is Mayotte, but for 0639 98, kept for fiction in mainland France (ARCEP).
        mainland = typed.startswith("063998")
        return ("+33" if mainland else _OVERSEAS.get(typed[1:4], "+33")) + typed[1:]
    if re.fullmatch(r"\+33[67]\d{8}", typed, re.ASCII):
        return typed
    if re.fullmatch(r"\+(?!33)[1-9]\d{7,14}", typed, re.ASCII):
        return typed
    if not typed:
        raise BadContact("Saisissez un numéro de téléphone mobile.")
    raise BadContact("Écrivez un numéro de mobile à 10 chiffres, par exemple 06 12 34 56 78.")


def _address(text: str) -> str:
    typed = text.strip()
    if not typed:
        raise BadContact("Saisissez une adresse électronique.")
    try:
        validate_email(typed)
    except ValidationError:
        raise BadContact("Écrivez une adresse électronique complète, par exemple nom@exemple.fr.") from None
    if len(typed) > 254:
        raise BadContact("Cette adresse électronique est trop longue.")
    return typed


def typed_anew(text: str) -> Contact:
    """The telephone or the address somebody says at a counter. Raises BadContact."""
    return validate(ContactChannel.EMAIL if "@" in text else ContactChannel.SMS, text)


_WITHOUT_DOTS = {"gmail.com", "googlemail.com"}


def sameness(contact: Contact) -> str:
    """What two spellings of one telephone or one mailbox have in common, to compare by a keyed digest."""
    if contact.channel != ContactChannel.EMAIL:
        return f"{contact.channel}:{contact.value}"
    name, _, domain = contact.value.casefold().rpartition("@")
    name = name.partition("+")[0]
    if domain in _WITHOUT_DOTS:
        name, domain = name.replace(".", ""), "gmail.com"
    return f"{contact.channel}:{name}@{domain}"


def mask(contact: Contact) -> str:
    """« 06 ** ** ** 42 » or « c***@e***.fr »: enough to recognise one’s own."""
    if contact.channel == ContactChannel.SMS:
        return _masked_mobile(contact.value)
    name, _, domain = contact.value.rpartition("@")
    host, _, ending = domain.rpartition(".")
    return f"{name[:1]}***@{host[:1]}***.{ending}"


def _masked_mobile(value: str) -> str:
    if value.startswith("+33") or value[:4] in _OVERSEAS.values():
        national = "0" + (value[3:] if value.startswith("+33") else value[4:])
        return f"{national[:2]} ** ** ** {national[-2:]}"
    return f"{value[:3]} *** {value[-2:]}"
