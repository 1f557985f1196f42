"""Somebody stands at a counter: their card is read, who they are compared, their consent captured, and
how to reach them asked. Then a dossier opens, or a web access is given to the dossier they have.

What is answered waits in the visit, one row sealed under its own key. A visit belongs to the agent, the
structure, the post and the session in which the card was read.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, connection

from access import gate
from access.gate import Facts, Passage, ReadsForItself
from access.policy import Action, Reason
from access.waking import Chosen, Reached, Waking, what_wakes
from accounts import contacts, insurer, logins, notices, people, web_access
from accounts.actors import Actor
from accounts.card_reader import CardReading
from accounts.contacts import Contact, ContactChannel, MaskedContact
from accounts.insurer import InsurerUnreachable, Use
from accounts.logins import Printed
from accounts.paris import paris_day
from accounts.web_access import AccessState, ContactOfSeveral
from jobs import queue
from vault import blind, subjects

from . import applications, codes, numbers, waking
from . import identity as identities
from .applications import ApplicationAtTheDoor, ApplicationForTheHouse, ApplicationRow, CardRead, present
from .codes import CodeExpired, NoTriesLeft, TooSoon, WrongCode
from .finding import TWIN, twin_of
from .house import HOUSE
from .identity import Identity, minor
from .opening import SEND_WAKE_CODE, Consent, WebAccess, open_from
from .things import DossierAtTheDoor

ASK_CONTACTS = "dossiers.ask_contacts"
CONTACT_OF_SEVERAL = "dossiers.contact_of_several"
NOTHING_WAITS_LONGER = timedelta(seconds=3)  # for the insurer, while somebody stands at the counter
ASKED_WITHIN = timedelta(seconds=10)  # by the job, whom nobody waits for longer than three
LOOKED_AT_EVERY = 0.1  # seconds
COUNTER_CODE = "counter"


class IdentityDocument(StrEnum):
    """What was shown to prove who stands there. Its kind is kept, never its number."""

    ID_CARD = "carte d’identité"
    PASSPORT = "passeport"
    RESIDENCE_PERMIT = "titre de séjour"


class Stage(StrEnum):
    """Where a visit stands: the page to show."""

    IDENTITY = "identity"
    EXISTS = "exists"
    AGREEMENT = "agreement"
    CODE = "code"
    SHEET = "sheet"


class Has(StrEnum):
    """What somebody has already."""

    NOTHING = "nothing"
    NO_ACCESS = "no_access"  # a dossier, and no web access
    ASLEEP = "asleep"  # a web access that waits for its nine digits
    SECOND_VISIT = "second_visit"  # a web access that waits for a second visit
    AWAKE = "awake"


class Insurer(StrEnum):
    """What the insurer said of how to reach the person."""

    ASKED = "asked"
    ANSWERED = "answered"
    SILENT = "silent"


class VisitOver(Exception):
    """The visit has ended, elsewhere or half an hour ago. Nothing of it can be shown again."""


class CardTooOld(Exception):
    """The card was read too long ago to prove that its holder is there: it is to be read again."""


class NotAtThisStage(Exception):
    """Another page comes first; `stage` says which."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.stage = stage


class ContactNotOffered(Exception):
    """The insurer names no such contact in this visit, or does no longer: another is to be chosen."""


class InsurerSilent(Exception):
    """The insurer did not send the code in time: another contact may be typed, or the visit goes on."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the person agreed to. For a dossier that exists nothing is asked of them again."""

    agreed: bool
    break_glass: bool
    regulation: bool
    representative: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """How the person wants to be reached: a contact of the insurer's, another one, or not at all.

    `contact_id` for `Chosen.KNOWN`, `contact` for `TYPED` and `NO_LETTER`. `relative`: it is somebody else's.
    """

    chosen: Chosen
    contact_id: str = ""
    contact: Contact | None = None
    relative: bool = False


NOTHING = Wish(Chosen.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAway:
    """The six digits that left for somebody who stands there."""

    channel: str
    mask: str
    known: bool  # to a contact that the insurer knows
    sent_at: datetime
    back: bool  # it was read aloud and typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody at the counter. Nothing here says what a dossier contains.

    `contacts` are the insurer's, masked, known for long enough; `address_known` whether a letter may leave.
    """

    id: UUID
    stage: Stage
    birth_name: str
    used_name: str | None
    given_names: tuple[str, ...]
    sex: str
    birth_date: str
    birth_place: str  # INSEE code
    ins: str
    twin: bool  # somebody else has a dossier under this name, this given name and this day
    minor: bool
    has: Has
    until: datetime
    card_read_at: datetime
    document: IdentityDocument | None
    answers: Answers | None
    typed: str  # a contact being typed when the screen was turned
    insurer: Insurer
    contacts: tuple[MaskedContact, ...]
    address_known: bool
    code: CodeAway | None

    @property
    def exists(self) -> bool:
        return self.has is not Has.NOTHING

    @property
    def given_name(self) -> str:
        return self.given_names[0] if self.given_names else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSheet:
    """What is printed and handed over, again as long as the visit lasts.

    Without web access `login` and `first_password` are None. `waking` says what the access waits for;
    `reached` where the codes of each sign-in go; `code_goes_to` where the nine digits go.
    """

    dossier_id: UUID
    holder_name: str
    birth_name: str
    used_name: str | None
    given_name: str
    sex: str
    minor: bool
    opened: bool  # the dossier itself, in this visit
    waking: Waking
    login: str | None
    first_password: str | None
    reached: tuple[str, str] | None  # channel, mask
    relative: bool
    code_goes_to: tuple[str, str] | None  # channel, mask
    break_glass: bool
    regulation: bool
    opened_at: datetime
    opened_by: str
    opened_where: str
    until: datetime
    reference: str
    information_version: str

    @property
    def contact_mask(self) -> str | None:
        return self.reached[1] if self.reached else None


# The card --------------------------------------------------------------------------------------


def receive(reading: CardReading, *, by: Actor, at: datetime, desk: str = "") -> Visit:
    """Begin a visit, or come back to the one that this agent had with the same person. Raises CardTooOld.

    The insurer is asked how to reach the person meanwhile: nobody waits for it.
    """
    try:
        return _receive(reading, by, at, desk)
    except IntegrityError:  # the same card, sent twice at once
        return _receive(reading, by, at, desk)


def _receive(reading: CardReading, by: Actor, at: datetime, desk: str) -> Visit:
    who = Identity(reading.ins, reading.traits, reading.former)
    read = {
        "card_read_at": reading.read_at.isoformat(),
        "desk": desk,
        "structure": applications.structure_of(by),
    }
    thing = CardRead(_visit_mac(who, by), reading.read_at)
    try:
        with gate.admitted(by, Action.CHECK_EXISTENCE, thing, at=at) as passage:
            row: ApplicationRow | None = passage.facts.row
            if row is not None and row.expires_at > at:
                applications.keep(passage, **read, until=at + applications.LIFETIME)
                row = ApplicationRow(row.id, at + applications.LIFETIME, {**row.told, **read}, row.keyring)
            else:
                if row is not None:
                    applications.forget(passage)
                told = {
                    **read,
                    "identity": who.told(),
                    "vitale_serial": reading.vitale_serial,
                    "by": str(by.id),
                    "insurer": {"state": Insurer.ASKED},
                }
                visit_id = uuid4()
                row = applications.begin(visit_id, told, owner_id=by.id, at=at, visit_mac=thing.visit_mac)
                queue.enqueue(ASK_CONTACTS, subject_id=visit_id, idem=str(visit_id), at=at)
            visit = _visit(row, at)
            passage.tell(exists=visit.exists)
            if who.former and (dossier_id := numbers.dossier_of(who)) is not None:
                numbers.link(who, dossier_id)
            return visit
    except gate.Refused as refusal:
        raise _said(refusal) from None


@dataclass(frozen=True, slots=True)
class ContactsQuestion:
    """Whom the insurer is asked about, while they stand at a counter."""

    visit_id: UUID
    who: Identity
    vitale_serial: str


def contacts_question(visit_id: UUID, *, at: datetime) -> ContactsQuestion | None:
    """What to ask of the insurer for this visit; None when it is over, or answered already."""
    try:
        thing = ApplicationForTheHouse(visit_id)
        with gate.admitted(HOUSE, Action.ASK_CONTACTS, thing, at=at, step="ask") as passage:
            told = passage.facts.row.told
    except gate.Refused:
        return None
    if told.get("sheet") or told["insurer"]["state"] == Insurer.ANSWERED:
        return None
    return ContactsQuestion(visit_id, Identity.from_told(told["identity"]), told["vitale_serial"])


def ask_contacts(question: ContactsQuestion, *, at: datetime) -> dict[str, Any]:
    """How to reach them, as the visit keeps it. No transaction is open meanwhile."""
    try:
        verification = insurer.verify(
            question.who.ins, question.who.traits, question.vitale_serial, within=ASKED_WITHIN
        )
    except InsurerUnreachable:
        return {"state": Insurer.SILENT}
    known = verification.known(on=paris_day(at)) if verification else ()
    reached = waking.in_order(c for c in known if c.channel != ContactChannel.POST)
    return {
        "state": Insurer.ANSWERED,
        "verification": verification.id if verification else "",
        "contacts": [[c.id, c.channel, c.mask] for c in reached],
        "address": any(c.channel == ContactChannel.POST for c in known),
    }


def contacts_answered(visit_id: UUID, answer: dict[str, Any], *, at: datetime) -> None:
    """Keep what the insurer said, unless the visit is over."""
    with suppress(gate.Refused):
        thing = ApplicationForTheHouse(visit_id)
        with gate.admitted(HOUSE, Action.ASK_CONTACTS, thing, at=at, step="answered") as passage:
            if not passage.facts.row.told.get("sheet"):
                applications.keep(passage, insurer=answer)
            passage.tell(outcome=str(answer["state"]))


# The pages -------------------------------------------------------------------------------------


def visit(visit_id: UUID, *, by: Actor, at: datetime, desk: str = "") -> Visit:
    """The visit under way, as its agent sees it. Raises VisitOver."""
    with _entered(visit_id, by, at, desk) as passage:
        return _visit(passage.facts.row, at)


def heard(visit_id: UUID, *, by: Actor, at: datetime, desk: str = "") -> Visit:
    """The visit, once the insurer has answered or three seconds after the card was read."""
    shown = visit(visit_id, by=by, at=at, desk=desk)
    if shown.insurer is not Insurer.ASKED:
        return shown
    job_id = queue.job_id_of(ASK_CONTACTS, str(visit_id))
    patience = NOTHING_WAITS_LONGER - (at - shown.card_read_at)
    deadline = time.monotonic() + patience.total_seconds()
    while (job := queue.state(job_id)) is not None and job.done_at is None:
        if time.monotonic() >= deadline:
            return shown
        time.sleep(LOOKED_AT_EVERY)
    return visit(visit_id, by=by, at=at, desk=desk)


def compared(visit_id: UUID, document: IdentityDocument, *, by: Actor, at: datetime, desk: str = "") -> Stage:
    """Who stands there is who the card says: this kind of document was looked at."""
    with _entered(visit_id, by, at, desk) as passage:
        row: ApplicationRow = passage.facts.row
        if not row.told.get("sheet"):
            applications.keep(passage, document=document.name)
        return _visit(replace(row, told={**row.told, "document": document.name}), at).stage


def remember_answers(
    visit_id: UUID, answers: Answers, *, typed: str = "", by: Actor, at: datetime, desk: str = ""
) -> None:
    """What was ticked, and the contact being typed, stay while the person reads the sheet turned to them."""
    with _entered(visit_id, by, at, desk) as passage:
        if not passage.facts.row.told.get("sheet"):
            applications.keep(passage, answers=_told(answers), typed=typed)


def think_it_over(visit_id: UUID, *, by: Actor, at: datetime, desk: str = "") -> None:
    """The person prefers to think, or has left with their sheet: everything about the visit is forgotten."""
    with _entered(visit_id, by, at, desk) as passage:
        passage.tell(outcome="over" if passage.facts.row.told.get("sheet") else "think_it_over")
        applications.forget(passage)


def park(visit_id: UUID, *, by: Actor, at: datetime, desk: str = "") -> datetime:
    """« Servir le suivant »: the visit waits half an hour for its card to be read again. Until when."""
    with _entered(visit_id, by, at, desk) as passage:
        until = at + applications.LIFETIME
        applications.keep(passage, until=until)
        passage.tell(outcome="parked")
        return until


def sheet(visit_id: UUID, *, by: Actor, at: datetime, desk: str = "") -> AccessSheet:
    """What was printed, to be printed again. Raises VisitOver, NotAtThisStage."""
    with _entered(visit_id, by, at, desk) as passage:
        row: ApplicationRow = passage.facts.row
        if not row.told.get("sheet"):
            raise NotAtThisStage(_visit(row, at).stage)
        return _sheet(row)


# How to be reached -----------------------------------------------------------------------------


def choose(
    visit_id: UUID,
    answers: Answers,
    wish: Wish,
    *,
    information_version: str,
    by: Actor,
    at: datetime,
    desk: str = "",
) -> Stage:
    """Keep what was answered and have six digits leave for the contact chosen; the stage that follows.

    Without a contact the dossier opens at once. Raises NotAtThisStage, ContactNotOffered, ContactOfSeveral,
    TooSoon, InsurerSilent, CardTooOld, VisitOver.
    """
    try:
        verification, code = _choose(visit_id, answers, wish, information_version, by, at, desk)
    except IntegrityError:  # somebody else was typing the same contact
        verification, code = _choose(visit_id, answers, wish, information_version, by, at, desk)
    if wish.chosen in (Chosen.NONE, Chosen.NO_LETTER):
        finish(visit_id, by=by, at=at, desk=desk)
        return Stage.SHEET
    if wish.chosen is Chosen.KNOWN and code:
        confided = _delivered_by_the_insurer(verification, wish.contact_id, code)
        with _entered(visit_id, by, at, desk) as passage:
            told = passage.facts.row.told
            if confided is None:
                silent = {**told["insurer"], "state": Insurer.SILENT}
                applications.keep(passage, chosen=None, code=None, insurer=silent)
            else:
                chosen = {**told["chosen"], "contact": [confided.channel, confided.value]}
                applications.keep(passage, chosen=chosen)
        if confided is None:
            raise InsurerSilent
    return Stage.CODE


def _choose(
    visit_id: UUID,
    answers: Answers,
    wish: Wish,
    information_version: str,
    by: Actor,
    at: datetime,
    desk: str,
) -> tuple[str, str]:
    """The insurer's verification, and the code it must deliver; no code when the house sends it, or when
    the same contact was chosen a moment ago (a form sent twice)."""
    with _entered(visit_id, by, at, desk) as passage:
        row: ApplicationRow = passage.facts.row
        told = row.told
        seen = _visit(row, at)
        if seen.stage is Stage.IDENTITY:
            raise NotAtThisStage(seen.stage)
        if seen.has in (Has.ASLEEP, Has.AWAKE):
            raise NotAtThisStage(Stage.EXISTS)
        chosen = _chosen(told, wish)
        if wish.contact is not None:
            person = people.ins_mac(Identity.from_told(told["identity"]).ins).hex()
            most = settings.DMP_MOST_DOSSIERS_PER_CONTACT
            try:
                web_access.refuse_contact_of_several(wish.contact, person, most=most)
            except ContactOfSeveral:
                passage.tell(outcome="contact_of_several")
                queue.enqueue(CONTACT_OF_SEVERAL, subject_id=by.id, idem=str(visit_id), at=at)
                refused = True
            else:
                web_access.claim_typed_contact(wish.contact, person, most=most)
                refused = False
        else:
            refused = False
        kept = {
            "answers": _told(answers),
            "typed": "",
            "information_version": information_version,
            "exists": seen.exists,
        }
        code = ""
        if refused:
            applications.keep(passage, **kept)
        elif wish.chosen in (Chosen.NONE, Chosen.NO_LETTER):
            applications.keep(passage, **kept, chosen=chosen, code=None, code_back=None)
        else:
            code = _issue(passage, told, chosen, kept, at)
            if code and wish.contact is not None:
                notices.queue_code(wish.contact, code, at=at, kind=notices.NoticeKind.COUNTER_CODE)
                code = ""
        verification = told["insurer"].get("verification", "")
    if refused:
        raise ContactOfSeveral
    return verification, code


def _issue(
    passage: Passage, told: dict[str, Any], chosen: dict[str, Any], kept: dict[str, Any], at: datetime
) -> str:
    """Six digits for the contact chosen; nothing when they left for it a moment ago."""
    before, away = told.get("chosen"), told.get("code")
    same = before is not None and all(before[name] == chosen[name] for name in ("kind", "channel", "mask"))
    if same and away:
        chosen = {**chosen, "contact": chosen["contact"] or before["contact"]}
        if at - datetime.fromisoformat(away["sent_at"]) < codes.BETWEEN_SENDINGS and away["mac"]:
            applications.keep(passage, **kept, chosen=chosen)
            return ""
    elif away:  # another contact: it need not wait for the one before
        away = {**away, "sent_at": (at - codes.BETWEEN_SENDINGS).isoformat()}
    issued = codes.issue(
        COUNTER_CODE,
        passage.facts.row.id,
        away,
        at=at,
        delay=timedelta(0),
        validity=applications.LIFETIME,
    )
    applications.keep(passage, **kept, chosen=chosen, code=issued.kept, code_back=None)
    return issued.code


def _chosen(told: dict[str, Any], wish: Wish) -> dict[str, Any]:
    if wish.chosen is Chosen.KNOWN:
        for contact_id, channel, mask in told["insurer"].get("contacts", ()):
            if contact_id == wish.contact_id:
                return {
                    "kind": str(wish.chosen),
                    "channel": channel,
                    "mask": mask,
                    "contact": None,
                    "relative": False,
                }
        raise ContactNotOffered
    contact = wish.contact
    return {
        "kind": str(wish.chosen),
        "channel": contact.channel if contact else "",
        "mask": contacts.mask(contact) if contact else "",
        "contact": [contact.channel, contact.value] if contact else None,
        "relative": wish.relative,
    }


def _delivered_by_the_insurer(verification: str, contact_id: str, code: str) -> Contact | None:
    """The contact that the insurer confides once the code has left; None when it does not answer in time.
    No transaction is open while it is waited for."""
    try:
        return insurer.send_code(verification, contact_id, code, use=Use.COUNTER, within=NOTHING_WAITS_LONGER)
    except InsurerUnreachable:
        return None


def type_code(visit_id: UUID, code: str, *, by: Actor, at: datetime, desk: str = "") -> None:
    """Weigh the six digits read aloud; right, the dossier opens.

    Raises WrongCode, CodeExpired, NoTriesLeft, CardTooOld, VisitOver, NotAtThisStage.
    """
    with _entered(visit_id, by, at, desk) as passage:
        told = passage.facts.row.told
        if not told.get("code") and not told.get("sheet"):
            raise NotAtThisStage(_visit(passage.facts.row, at).stage)
        refusal = None
        if not told.get("sheet") and not told.get("code_back"):
            refusal, kept = codes.judge(COUNTER_CODE, visit_id, told["code"], code, at=at)
            applications.keep(passage, code=kept, code_back=True if refusal is None else None)
            passage.tell(outcome=type(refusal).__name__ if refusal else "code_back")
    if refusal is not None:
        raise refusal
    finish(visit_id, by=by, at=at, desk=desk)


# The end of a visit ----------------------------------------------------------------------------


def finish(visit_id: UUID, *, by: Actor, at: datetime, desk: str = "") -> AccessSheet:
    """Open the dossier, or give an access to the one there is; the sheet. Sent twice, the same sheet.

    « Le code n'arrive pas » ends here too: the access sleeps. Raises CardTooOld, VisitOver, NotAtThisStage,
    Refused without an agreement.
    """
    try:
        return _open(visit_id, by=by, at=at, desk=desk)
    except _Printed:
        return sheet(visit_id, by=by, at=at, desk=desk)
    except _DossierExists:
        return _give_access(visit_id, by=by, at=at, desk=desk)
    except gate.Refused as refusal:
        if refusal.decision.reason is Reason.ALREADY_OPEN:  # opened elsewhere meanwhile
            raise NotAtThisStage(Stage.EXISTS) from None
        raise _said(refusal) from None


class _Printed(Exception):
    """The visit has its sheet already."""


class _DossierExists(Exception):
    """The visit is about a dossier that exists."""


def _ready(told: dict[str, Any]) -> None:
    """Before anything is decided. Raises when the visit is not one that opens a dossier, or not yet."""
    if told.get("sheet"):
        raise _Printed
    if "document" not in told:
        raise NotAtThisStage(Stage.IDENTITY)
    if "chosen" not in told:
        raise NotAtThisStage(Stage.AGREEMENT)
    chosen = told["chosen"]
    if chosen["kind"] == Chosen.KNOWN and chosen["contact"] is None:
        raise NotAtThisStage(Stage.AGREEMENT)
    if told["exists"]:
        raise NotAtThisStage(Stage.EXISTS) if chosen["kind"] == Chosen.NONE else _DossierExists()


def open_here(
    visit_id: UUID,
    *,
    answers: Answers,
    wish: Wish = NOTHING,
    identity_document: IdentityDocument,
    information_version: str,
    by: Actor,
    at: datetime,
    desk: str = "",
) -> AccessSheet:
    """A whole visit in one go, for whoever needs no page: no code is waited for."""
    compared(visit_id, identity_document, by=by, at=at, desk=desk)
    choose(visit_id, answers, wish, information_version=information_version, by=by, at=at, desk=desk)
    return finish(visit_id, by=by, at=at, desk=desk)


def _consent(told: dict[str, Any], by: Actor) -> Consent | None:
    """What was agreed to, and how it was captured; None without an agreement."""
    answers = Answers(**told["answers"])
    if not answers.agreed:
        return None
    return Consent(
        information_version=told["information_version"],
        break_glass=answers.break_glass,
        regulation=answers.regulation,
        captured={
            "how": "counter",
            "document": str(IdentityDocument[told["document"]]),
            "by": by.name,
            "where": by.structure,
            "representative": answers.representative,
        },
        represented=bool(answers.representative),
    )


def _open(visit_id: UUID, *, by: Actor, at: datetime, desk: str) -> AccessSheet:
    sheets: list[AccessSheet] = []

    def access(row: ApplicationRow, dossier_id: UUID) -> WebAccess:
        end = _end(row.told, dossier_id, at)
        contact = Contact(*row.told["chosen"]["contact"]) if end.state else None
        return WebAccess(
            contact=contact,
            state=end.state,
            contact_known=row.told["chosen"]["kind"] == Chosen.KNOWN,
            wake_code_wanted=bool(end.state and end.state.sending),
            kept=lambda printed: left(row, dossier_id, end, printed),
        )

    def left(row: ApplicationRow, dossier_id: UUID, end: End, printed: Printed | None) -> dict[str, Any]:
        told = _left(row, dossier_id, end, printed, by, at, opened=True)
        sheets.append(_sheet(replace(row, told=told)))
        return told

    def after(passage: Passage, row: ApplicationRow, dossier_id: UUID) -> None:
        """A second visit elsewhere may open what this one could not."""
        end, kind = _end(row.told, dossier_id, at), row.told["chosen"]["kind"]
        passage.tell(waking=str(end.waking), reference=_reference(visit_id, at))
        if end.waking is Waking.SECOND_VISIT or (kind == Chosen.NO_LETTER and end.waking is Waking.INSURER):
            _remember_first_visit(passage, row, dossier_id)

    open_from(
        visit_id,
        lambda told: _consent(told, by),
        access,
        through="counter",
        by=by,
        at=at,
        desk=desk,
        complete=_ready,
        after=after,
    )
    return sheets[-1]


def _remember_first_visit(passage: Passage, row: ApplicationRow, dossier_id: UUID) -> None:
    waking.remember_first_visit(
        dossier_id,
        passage.keyring,
        Contact(*row.told["chosen"]["contact"]),
        letter_refused=row.told["chosen"]["kind"] == Chosen.NO_LETTER,
        by=passage.actor,
        at=passage.at,
    )


@dataclass(frozen=True, slots=True)
class End:
    """How a visit ends: what the access waits for, and the state of the account to make, if any."""

    waking: Waking
    state: AccessState | None


def _end(
    told: dict[str, Any],
    dossier_id: UUID,
    at: datetime,
    *,
    second_visit: bool = False,
    letter_refused: bool = False,
) -> End:
    chosen, answer = told["chosen"], told["insurer"]
    kind = Chosen(chosen["kind"])
    refused = letter_refused or kind is Chosen.NO_LETTER
    waits_for = what_wakes(
        Reached(
            chosen=kind,
            code_came_back=bool(told.get("code_back")),
            answered=answer["state"] == Insurer.ANSWERED,
            chosen_known=kind is Chosen.KNOWN,
            others_known=bool(answer.get("contacts")),
            address_known=answer.get("address", False),
            letter_refused=refused,
            second_visit=second_visit,
        )
    )
    if waits_for in (Waking.NO_ACCESS, Waking.SECOND_VISIT):
        return End(waits_for, None)
    code_leaves = waits_for in (Waking.WAKE_CODE, Waking.LETTER, Waking.INSURER)
    state = AccessState(
        awake=waits_for is Waking.NOTHING,
        waking="second_visit" if waits_for is Waking.NOTHING and second_visit else waits_for,
        asked_on=paris_day(at),
        letter_refused=refused,
        relative=chosen["relative"],
        sending=f"{dossier_id}:opening" if code_leaves else "",
    )
    return End(waits_for, state)


# A dossier that exists --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierOfAVisit(ReadsForItself):
    """The dossier of who stands at the counter, through the visit that their card began."""

    visit_id: UUID
    desk: str

    @property
    def pin(self) -> None:
        return None

    def facts(self, actor: Actor, at: datetime, read: Sequence[gate.Row] = ()) -> Facts:
        seen = ApplicationAtTheDoor(self.visit_id, self.desk).facts(actor, at)
        row: ApplicationRow | None = seen.row
        if row is None:
            return seen
        who = Identity.from_told(row.told["identity"])
        standing = replace(seen.standing, holder_present=present(row.told, at))
        dossier_id = numbers.dossier_of(who)
        if dossier_id is None:
            return replace(seen, standing=standing)
        entered = DossierAtTheDoor(dossier_id).facts_within(actor, at)
        theirs = identities.unseal(entered.row.sealed_identity, dossier_id, entered.row.keyring)
        target = replace(
            entered.target,
            # Found by a digest that stands in clear: the dossier itself says whose it is.
            altered=entered.target.altered or not _is_theirs(who, theirs, dossier_id),
            owner_id=seen.target.owner_id,
            expired=seen.target.expired,
            minor=minor(who.traits.birth_date, on=paris_day(at)),
        )
        return replace(entered, target=target, standing=standing, row=row)


def _is_theirs(who: Identity, known: Identity, dossier_id: UUID) -> bool:
    """Whether a dossier is that of who stands there: one of their numbers is its own, or was linked to it."""
    return any(numbers.is_of(number, known, dossier_id) for number in who.numbers)


def nothing_received(visit_id: UUID, *, by: Actor, at: datetime, desk: str = "") -> None:
    """« Elle attend un code qui n'arrive pas »: it leaves again, elsewhere, once a day.

    Raises waking.AskedToday, CardTooOld, VisitOver, NotAtThisStage.
    """
    with _entered(visit_id, by, at, desk) as passage:
        seen = _visit(passage.facts.row, at)
    if seen.document is None or seen.has is not Has.ASLEEP:
        raise NotAtThisStage(seen.stage)
    with _giving(visit_id, by, at, desk) as passage:
        user_id = web_access.account_of(passage.dossier_id)
        assert user_id is not None  # an access asleep has an account
        again_at = waking.ask_again(passage, user_id)
        passage.tell(outcome="asked" if again_at is None else "asked_today")
    if again_at is not None:
        raise waking.AskedToday(again_at)


def _give_access(visit_id: UUID, *, by: Actor, at: datetime, desk: str) -> AccessSheet:
    try:
        return _give(visit_id, by=by, at=at, desk=desk)
    except IntegrityError:  # given at another counter at this very moment
        return _give(visit_id, by=by, at=at, desk=desk)


def _give(visit_id: UUID, *, by: Actor, at: datetime, desk: str) -> AccessSheet:
    """The account that the end of this visit makes or wakes, and the sheet that tells it."""
    with _giving(visit_id, by, at, desk) as passage:
        row: ApplicationRow = passage.facts.row
        if row.told.get("sheet"):
            return _sheet(row)
        dossier_id, holder_id = passage.dossier_id, passage.question.target.holder_id
        assert holder_id is not None  # a dossier has one
        contact = Contact(*row.told["chosen"]["contact"]) if row.told["chosen"]["contact"] else None
        before = waking.first_visits(dossier_id, passage.keyring)
        second = contact is not None and any(visit.answered_by(contact, by=by, at=at) for visit in before)
        refused = any(visit.letter_refused for visit in before)
        end = _end(row.told, dossier_id, at, second_visit=second, letter_refused=refused)
        printed: Printed | None = None
        account = web_access.account_of(dossier_id)
        if account is not None:
            end = _wake_by_second_visit(passage, account, end, second=second)
        elif end.state is not None:
            who = Identity.from_told(row.told["identity"])
            made = logins.create_login(
                person_id=holder_id,
                dossier_id=dossier_id,
                login=None,
                password_hash=None,
                contact=contact,
                contact_known=row.told["chosen"]["kind"] == Chosen.KNOWN,
                access=end.state,
                name=who.traits.display_name,
                personal=who.known_to_others(card=row.told.get("vitale_serial", "")),
                at=at,
            )
            printed = Printed(made.login or "", made.first_password or "")
            if end.state.sending:
                queue.enqueue(SEND_WAKE_CODE, subject_id=dossier_id, idem=end.state.sending, at=at)
            if end.state.awake:
                notices.queue(notices.NoticeKind.AWAKE, at=at, user_id=made.user_id)
        if contact is not None and (
            end.waking is Waking.SECOND_VISIT
            or (row.told["chosen"]["kind"] == Chosen.NO_LETTER and end.waking is Waking.INSURER)
        ):
            _remember_first_visit(passage, row, dossier_id)
        passage.tell(waking=str(end.waking), second_visit=second, reference=_reference(visit_id, at))
        told = _left(row, dossier_id, end, printed, by, at, opened=False)
        applications.keep_instead(row, told)
        return _sheet(replace(row, told=told))


def _wake_by_second_visit(passage: Passage, account: UUID, end: End, *, second: bool) -> End:
    """An access that waits for a second visit wakes by it, and by nothing else done at a counter: the
    contact of that account was typed at the first."""
    keyring = subjects.keyring(account)
    state = web_access.state_of(account, keyring, locked=True)
    if state is None or state.awake or state.waking != Waking.SECOND_VISIT:
        raise NotAtThisStage(Stage.EXISTS)
    if end.waking is Waking.NOTHING and second:
        waking.wake(passage, account, keyring, state)
        return End(Waking.NOTHING, None)
    return End(Waking.SECOND_VISIT, None)


@contextmanager
def _giving(visit_id: UUID, by: Actor, at: datetime, desk: str) -> Iterator[Passage]:
    thing = DossierOfAVisit(visit_id=visit_id, desk=desk)
    try:
        with gate.admitted(by, Action.GIVE_ACCESS, thing, at=at) as passage:
            yield passage
    except gate.Refused as refusal:
        raise _said(refusal) from None


# What is shown ---------------------------------------------------------------------------------


@contextmanager
def _entered(visit_id: UUID, by: Actor, at: datetime, desk: str) -> Iterator[Passage]:
    """The visit's passage; a visit that is no more is VisitOver rather than Refused."""
    thing = ApplicationAtTheDoor(visit_id, desk)
    try:
        with gate.admitted(by, Action.CHECK_EXISTENCE, thing, at=at) as passage:
            yield passage
    except gate.Refused as refusal:
        raise _said(refusal) from None


def _said(refusal: gate.Refused) -> Exception:
    match refusal.decision.reason:
        case Reason.ABSENT | Reason.EXPIRED:
            return VisitOver()
        case Reason.HOLDER_ABSENT:
            return CardTooOld()
    return refusal


def _visit_mac(who: Identity, by: Actor) -> bytes:
    return blind.keyed_mac("visit", f"{by.id}|{people.ins_mac(who.ins).hex()}".encode())


def _told(answers: Answers) -> dict[str, Any]:
    return {
        "agreed": answers.agreed,
        "break_glass": answers.break_glass,
        "regulation": answers.regulation,
        "representative": answers.representative,
    }


def _has(who: Identity) -> tuple[Has, bool]:
    """What somebody has already, and whether somebody else could be taken for them."""
    dossier_id = numbers.dossier_of(who)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT id FROM accounts_user WHERE dossier_id = %s::uuid), {TWIN}",  # noqa: S608 ours
            [dossier_id, *twin_of(who)],
        )
        user_id, twin = cursor.fetchone()
    return _access_of(dossier_id, user_id), twin


def _access_of(dossier_id: UUID | None, user_id: UUID | None) -> Has:
    if dossier_id is None:
        return Has.NOTHING
    if user_id is None:
        return Has.NO_ACCESS
    state = web_access.state_of(user_id, subjects.keyring(user_id))
    if state is not None and state.awake:
        return Has.AWAKE
    waits = state is not None and state.waking == Waking.SECOND_VISIT
    return Has.SECOND_VISIT if waits else Has.ASLEEP


def _stage(told: dict[str, Any], has: Has) -> Stage:
    if told.get("sheet"):
        return Stage.SHEET
    if "document" not in told:
        return Stage.IDENTITY
    if "chosen" not in told and has is not Has.NOTHING:
        return Stage.EXISTS
    if told.get("code") and told["chosen"]["contact"] is not None:
        return Stage.CODE
    return Stage.AGREEMENT


def _visit(row: ApplicationRow, at: datetime) -> Visit:
    told = row.told
    if told.get("sheet"):
        raise NotAtThisStage(Stage.SHEET)
    identity = Identity.from_told(told["identity"])
    traits, answer = identity.traits, told["insurer"]
    has, twin = _has(identity)
    chosen, away = told.get("chosen"), told.get("code")
    return Visit(
        id=row.id,
        stage=_stage(told, has),
        birth_name=traits.birth_name,
        used_name=traits.used_name,
        given_names=traits.given_names,
        sex=traits.sex,
        birth_date=traits.birth_date,
        birth_place=identity.birth_place,
        ins=identity.ins.value,
        twin=twin,
        minor=minor(traits.birth_date, on=paris_day(at)),
        has=has,
        until=row.expires_at,
        card_read_at=datetime.fromisoformat(told["card_read_at"]),
        document=IdentityDocument[told["document"]] if "document" in told else None,
        answers=Answers(**told["answers"]) if "answers" in told else None,
        typed=told.get("typed", ""),
        insurer=Insurer(answer["state"]),
        contacts=tuple(MaskedContact(*contact) for contact in answer.get("contacts", ())),
        address_known=answer.get("address", False),
        code=CodeAway(
            channel=chosen["channel"],
            mask=chosen["mask"],
            known=chosen["kind"] == Chosen.KNOWN,
            sent_at=datetime.fromisoformat(away["sent_at"]),
            back=bool(told.get("code_back")),
        )
        if chosen and away
        else None,
    )


def _reference(visit_id: UUID, at: datetime) -> str:
    """What one says of a visit afterwards: its day, and four signs."""
    return f"{paris_day(at):%Y-%m-%d}-{visit_id.int % 10_000:04d}"


def _left(
    row: ApplicationRow,
    dossier_id: UUID,
    end: End,
    printed: Printed | None,
    by: Actor,
    at: datetime,
    *,
    opened: bool,
) -> dict[str, Any]:
    """What stays of a visit until it ends: what is printed, and nothing else."""
    told = row.told
    chosen, answers, insurers = told["chosen"], told["answers"], told["insurer"].get("contacts") or []
    traits = Identity.from_told(told["identity"]).traits
    goes_to = None
    if end.waking is Waking.WAKE_CODE and insurers:
        goes_to = [insurers[0][1], insurers[0][2]]
    if end.waking is Waking.LETTER:
        goes_to = [str(ContactChannel.POST), ""]
    sheet = {
        "dossier_id": str(dossier_id),
        "holder_name": traits.display_name,
        "birth_name": traits.birth_name,
        "used_name": traits.used_name,
        "given_name": traits.first_given_name,
        "sex": traits.sex,
        "minor": minor(traits.birth_date, on=paris_day(at)),
        "opened": opened,
        "waking": str(end.waking),
        "login": printed.login if printed else None,
        "first_password": printed.password if printed else None,
        "reached": [chosen["channel"], chosen["mask"]] if chosen["mask"] else None,
        "relative": chosen["relative"],
        "code_goes_to": goes_to,
        "break_glass": answers["break_glass"],
        "regulation": answers["regulation"],
        "opened_at": at.isoformat(),
        "opened_by": by.name,
        "opened_where": by.structure,
        "reference": _reference(row.id, at),
        "information_version": told["information_version"],
    }
    return {**{name: told[name] for name in ("card_read_at", "desk", "structure", "by")}, "sheet": sheet}


def _sheet(row: ApplicationRow) -> AccessSheet:
    sheet = row.told["sheet"]
    pairs = {name: tuple(sheet[name]) if sheet[name] else None for name in ("reached", "code_goes_to")}
    return AccessSheet(
        **{
            **sheet,
            **pairs,
            "dossier_id": UUID(sheet["dossier_id"]),
            "waking": Waking(sheet["waking"]),
            "opened_at": datetime.fromisoformat(sheet["opened_at"]),
        },
        until=row.expires_at,
    )


__all__ = [
    "AccessSheet",
    "Answers",
    "CardTooOld",
    "CodeExpired",
    "ContactNotOffered",
    "ContactOfSeveral",
    "Has",
    "IdentityDocument",
    "Insurer",
    "InsurerSilent",
    "NoTriesLeft",
    "NotAtThisStage",
    "Stage",
    "TooSoon",
    "Visit",
    "VisitOver",
    "Wish",
    "WrongCode",
]
