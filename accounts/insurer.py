"""The Assurance Maladie: who it recognises, and the contacts it already knows.

Knowing a number, a name and a card proves nothing. The insurer is asked, and the code goes only
where it was already writing to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from django.conf import settings

from . import outbound
from .contacts import BadContact, Contact, ContactChannel, MaskedContact, known, validate
from .identity import Ins, former_numbers, parse_ins, same_ins
from .outbound import Answer
from .traits import Traits, told_name

MOST_CONTACTS = 20
_SLOW_DOWN = {429, 503}


class InsurerUnreachable(Exception):
    """The insurer does not answer, or asks to come back later. `code` says what happened, and no name."""

    def __init__(self, code: str, retry_after: timedelta | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class AnswerTooLarge(InsurerUnreachable):
    """More than 20 MB."""


class Use(StrEnum):
    """What a code that the insurer delivers is for: it chooses the words of the message."""

    OPENING = "ouverture"
    COUNTER = "guichet"
    WAKING = "eveil"


@dataclass(frozen=True, slots=True)
class Verification:
    """The insurer knows this person; `contacts` are where it can send a code, its letters included.

    `traits` are those that it certifies: they are kept, and what was typed to ask is not.
    """

    id: str
    contacts: tuple[MaskedContact, ...]
    traits: Traits
    ins: Ins | None = None  # their number of today, when it was asked about under a former one
    former: tuple[Ins, ...] = ()  # the numbers that they had before

    def known(self, *, on: date) -> tuple[MaskedContact, ...]:
        """Those that it had known for long enough on a day to prove something
        (`DMP_CONTACT_KNOWN_SINCE_DAYS`)."""
        days = settings.DMP_CONTACT_KNOWN_SINCE_DAYS
        return tuple(contact for contact in self.contacts if known(contact, on=on, days=days))


def verify(
    ins: Ins, traits: Traits, vitale_serial: str | None, *, within: timedelta | None = None
) -> Verification | None:
    """Ask whether the insurer knows somebody so. None whatever does not match, minors included.

    Without a card's serial, for somebody who has a dossier already. Raises InsurerUnreachable, and
    always when the answer took longer than `within`.
    """
    answer = request(
        "/verifications",
        {
            "ins": {"oid": ins.oid, "valeur": ins.value},
            "traits": {
                "nom_naissance": traits.birth_name,
                "prenom": traits.first_given_name,
                "date_naissance": traits.birth_date,
            },
            **({"serie_vitale": vitale_serial} if vitale_serial is not None else {}),
        },
        within=within,
    )
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise InsurerUnreachable(f"insurer.status_{answer.status}")
    return _verification(_json(answer), ins)


def send_code(
    verification_id: str,
    contact_id: str,
    code: str,
    *,
    use: Use = Use.OPENING,
    asked_on: date | None = None,
    within: timedelta | None = None,
) -> Contact | None:
    """Have the insurer deliver a code to a contact it knows. Raises InsurerUnreachable.

    With `Use.COUNTER` the insurer confides the contact in its answer: the person has just said that it
    is theirs and asked that later codes reach them there. `asked_on` is told in the message of a waking.
    """
    body = {"contact": contact_id, "code": code, "usage": str(use)}
    if asked_on is not None:
        body["demande_le"] = asked_on.isoformat()
    path = f"/verifications/{quote(verification_id, safe='')}/codes"
    answer = request(path, body, within=within)
    if answer.status != 202:
        raise InsurerUnreachable(f"insurer.status_{answer.status}")
    return _confided(_json(answer)) if use is Use.COUNTER else None


def _confided(body: Any) -> Contact:
    try:
        return validate(str(body["canal"]), str(body["valeur"]))
    except (BadContact, KeyError, TypeError):
        raise InsurerUnreachable("insurer.not_understood") from None


def request(
    path: str, json: Any, headers: Mapping[str, str] | None = None, *, within: timedelta | None = None
) -> Answer:
    """POST to the insurer. Any status comes back but those that mean « later » (429, 5xx), which raise
    InsurerUnreachable as a silence does, with the delay asked for; AnswerTooLarge beyond 20 MB."""
    bearer = {"Authorization": f"Bearer {settings.DMP_HISTORY_TOKEN}"}
    try:
        answer = outbound.call(
            "POST",
            settings.DMP_HISTORY_URL + path,
            json=json,
            headers={**bearer, **(headers or {})},
            **({"whole_seconds": within.total_seconds()} if within else {}),
        )
    except outbound.TooLarge as error:
        raise AnswerTooLarge(error.code) from None
    except outbound.Unreachable as error:
        raise InsurerUnreachable(error.code, error.retry_after) from None
    if answer.status in _SLOW_DOWN or answer.status >= 500:
        raise InsurerUnreachable(f"insurer.status_{answer.status}", answer.retry_after)
    return answer


def _json(answer: Answer) -> Any:
    try:
        return answer.json()
    except outbound.Unreachable as error:
        raise InsurerUnreachable(error.code) from None


def _numbers(told: Any, asked: Ins) -> tuple[Ins | None, tuple[Ins, ...]]:
    """The number of today, if it is another than the one asked about, and those of before."""
    installation = settings.DMP_INS_OIDS
    today = told.get("ins")
    ins = parse_ins(str(today["oid"]), str(today["valeur"]), installation) if today else asked
    former = former_numbers(told.get("ins_anciens"), of=ins, installation=installation)
    if same_ins(ins, asked):
        return None, former
    return ins, (asked, *(one for one in former if not same_ins(one, asked)))


def _verification(told: Any, asked: Ins) -> Verification:
    try:
        contacts = tuple(
            MaskedContact(
                str(c["id"]), ContactChannel(c["canal"]).value, str(c["masque"])[:60], _day(c.get("depuis"))
            )
            for c in told["contacts"][:MOST_CONTACTS]
        )
        return Verification(str(told["id"]), contacts, _traits(told["traits"]), *_numbers(told, asked))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InsurerUnreachable("insurer.not_understood") from None


def _traits(told: Any) -> Traits:
    return Traits(
        birth_name=told_name(told["nom_naissance"]),
        given_names=tuple(filter(None, map(told_name, told["prenoms"] or ()))),
        used_name=told.get("nom_utilise") or None,
        sex=str(told["sexe"]),
        birth_date=str(told["date_naissance"]),
        birth_place=told.get("lieu_naissance") or None,
    )


def _day(text: Any) -> date | None:
    """A day the insurer tells, or nothing when it tells none that can be read."""
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
