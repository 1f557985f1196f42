"""Opening a dossier for somebody who stands there: their card is read, their consent captured."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from access import gate
from access.gate import Passage
from access.policy import Action
from accounts import contacts
from accounts.actors import Actor
from accounts.card_reader import CardReading
from accounts.contacts import Contact

from . import applications
from .applications import ApplicationAtTheDoor, ApplicationRow, ToBegin
from .identity import Identity, minor
from .opening import Consent, WebAccess, holder_of_a_dossier, open_from


class IdentityDocument(StrEnum):
    """What was shown to prove who stands there."""

    ID_CARD = "carte d’identité"
    PASSPORT = "passeport"
    RESIDENCE_PERMIT = "titre de séjour"
    DRIVING_LICENCE = "permis de conduire"
    KNOWN = "personne déjà connue de la structure"


class VisitOver(Exception):
    """The visit has ended: opened, given up, or half an hour old. Nothing of it can be shown again."""


class CardTooOld(Exception):
    """The card was read too long ago to prove that its holder is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody at the counter. Nothing here says what a dossier contains."""

    id: UUID
    birth_name: str
    used_name: str | None
    given_name: str
    sex: str
    birth_date: str
    minor: bool
    exists: bool
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSheet:
    """What is printed and handed over, once. Without web access, `login` and `first_password` are None."""

    dossier_id: UUID
    holder_name: str
    login: str | None
    first_password: str | None
    contact_mask: str | None
    break_glass: bool
    regulation: bool
    opened_at: datetime
    opened_by: str
    opened_where: str


def receive(reading: CardReading, *, by: Actor, at: datetime) -> Visit:
    """Look up whether the person whose card was just read has a dossier. Raises CardTooOld."""
    visit_id, who = uuid4(), Identity(reading.ins, reading.traits)
    told = {"identity": who.told(), "card_read_at": reading.read_at.isoformat(), "by": str(by.id)}
    told["vitale_serial"] = reading.vitale_serial
    try:
        with gate.admitted(by, Action.CHECK_EXISTENCE, ToBegin(visit_id, reading.read_at), at=at) as passage:
            exists = holder_of_a_dossier(who.ins) is not None
            applications.begin(visit_id, told, owner_id=by.id, at=at)
            passage.tell(exists=exists)
    except gate.Refused as refusal:
        raise (CardTooOld() if refusal.decision.reason is gate.Reason.HOLDER_ABSENT else refusal) from None
    return _visit(visit_id, who, exists, at + applications.LIFETIME, at)


def visit(visit_id: UUID, *, by: Actor, at: datetime) -> Visit:
    """The visit under way, as its agent sees it. Raises VisitOver."""
    with _entered(visit_id, by, at) as passage:
        row: ApplicationRow = passage.facts.row
        who = Identity.from_told(row.told["identity"])
        return _visit(visit_id, who, holder_of_a_dossier(who.ins) is not None, row.expires_at, at)


def think_it_over(visit_id: UUID, *, by: Actor, at: datetime) -> None:
    """The person prefers to think: everything about the visit is forgotten."""
    with _entered(visit_id, by, at) as passage:
        applications.forget(passage)
        passage.tell(outcome="think_it_over")


def open_here(
    visit_id: UUID,
    *,
    identity_document: IdentityDocument,
    agreed: bool,
    break_glass: bool,
    regulation: bool,
    contact: Contact | None,
    information_version: str,
    representative: str = "",
    by: Actor,
    at: datetime,
) -> AccessSheet:
    """Open the dossier of who stands there. Without `agreed`, Refused; a second time, VisitOver.

    For a minor, `representative` names who agreed and what they are to the child; give no contact:
    the dossier has no web access of its own until its representatives have theirs.

    The login and the first password are in the answer and nowhere else.
    """
    given = Consent(
        information_version=information_version,
        break_glass=break_glass,
        regulation=regulation,
        captured={
            "how": "counter",
            "document": str(identity_document),
            "by": by.name,
            "where": by.structure,
            "representative": representative,
        },
        represented=bool(representative),
    )
    names: list[str] = []

    def web_access(row: ApplicationRow) -> WebAccess:
        names.append(Identity.from_told(row.told["identity"]).traits.display_name)
        return WebAccess(contact=contact)

    try:
        opened = open_from(visit_id, given if agreed else None, web_access, through="counter", by=by, at=at)
    except gate.Refused as refusal:
        raise _over(refusal) from None
    return AccessSheet(
        dossier_id=opened.dossier_id,
        holder_name=names[-1],
        login=opened.credentials.login,
        first_password=opened.credentials.first_password,
        contact_mask=contacts.mask(contact) if contact else None,
        break_glass=break_glass,
        regulation=regulation,
        opened_at=at,
        opened_by=by.name,
        opened_where=by.structure,
    )


@contextmanager
def _entered(visit_id: UUID, by: Actor, at: datetime) -> Iterator[Passage]:
    """The visit's passage; a visit that is no more is VisitOver rather than Refused."""
    try:
        with gate.admitted(by, Action.CHECK_EXISTENCE, ApplicationAtTheDoor(visit_id), at=at) as passage:
            yield passage
    except gate.Refused as refusal:
        raise _over(refusal) from None


def _over(refusal: gate.Refused) -> Exception:
    gone = {gate.Reason.ABSENT, gate.Reason.EXPIRED}
    return VisitOver() if refusal.decision.reason in gone else refusal


def _visit(visit_id: UUID, who: Identity, exists: bool, until: datetime, at: datetime) -> Visit:
    traits = who.traits
    return Visit(
        id=visit_id,
        birth_name=traits.birth_name,
        used_name=traits.used_name,
        given_name=traits.first_given_name,
        sex=traits.sex,
        birth_date=traits.birth_date,
        minor=minor(traits.birth_date, on=at.date()),
        exists=exists,
        until=until,
    )


__all__ = ["AccessSheet", "CardTooOld", "IdentityDocument", "Visit", "VisitOver"]
