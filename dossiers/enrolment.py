"""Opening one's own dossier online: who one is, proved by a code that only the insurer can send.

Knowing a NIR, a name, a birth date and a card number proves nothing. The insurer is asked whether they
go together, and the code leaves for a contact it already knows. Until consent, all of it is one row
sealed under its own key (`applications`).
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from threading import BoundedSemaphore
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from access import gate
from access.gate import Passage
from access.policy import Action
from accounts import attempts, contacts, insurer, logins, notices
from accounts.actors import Actor, Authentication, Capacity
from accounts.attempts import TooManyTries
from accounts.contacts import Contact, ContactChannel, MaskedContact
from accounts.identity import BirthDate, ins_mac_input, ins_of, parse_nir
from accounts.paris import paris_day
from accounts.passwords import WeakPassword, propose, refuse_weak
from accounts.traits import Traits, differences
from accounts.web_access import AccessState

from . import applications, codes, numbers
from .applications import ApplicationAtTheDoor, ApplicationRow, ToBegin
from .codes import CodeExpired, NoTriesLeft, NotYetUsable, TooSoon, WrongCode
from .identity import Identity, minor
from .opening import Consent, Opened, WebAccess, open_from

ANSWERS = ("nir", "birth_name", "given_name", "birth_date", "vitale_serial")
CONFIRMED = "confirmed"  # the date of birth, with the number, that was doubted and then confirmed
PROOF_UNDER_WAY = ("identity", "verification", "contacts", "code", "proved", "exists")
MOST_QUESTIONS_TO_THE_INSURER = 5
SAME_TIME = 0.7  # seconds: whatever the insurer answers, and whatever we think of it, takes this long
# A question holds its thread all that time: as many at once in a process as it has calls to the outside.
_places = BoundedSemaphore(settings.DMP_CALLS_AT_ONCE)
FOR_A_PLACE = timedelta(seconds=2)
LETTER_VALIDITY = timedelta(days=15)  # a posted code waits in a letter box
PROOF, CONTACT = "proof", "contact"
ONLINE = "online"  # what woke the access: a code that the insurer sent to a contact it had known for long


class Step(StrEnum):
    """Where an opening stands: the page to show."""

    IDENTITY = "identity"
    CHANNEL = "channel"
    CODE = "code"
    EXISTS = "exists"
    LOGIN = "login"
    CONTACT = "contact"
    CONTACT_CODE = "contact_code"
    CONSENT = "consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSent:
    channel: str
    mask: str
    usable_from: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentState:
    """What a page needs to go on: the step, the contacts to choose from, the code under way.

    `sent` is the code waited for at this step, `own_contact` the masked contact given for later.
    """

    step: Step
    given_name: str
    contacts: tuple[MaskedContact, ...]
    sent: CodeSent | None
    login: str | None
    own_contact: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Proved:
    dossier_exists: bool


class GoToACounter(Exception):
    """It cannot be done online. Why is not said: no match, a minor, somebody deceased look the same."""


class Doubtful(Exception):
    """What was answered contradicts itself, and was not confirmed: asked again before the insurer is."""


class Doubt(StrEnum):
    """Why a date of birth is to be confirmed."""

    NO_SUCH_DAY = "no_such_day"
    OTHER_DATE_IN_NUMBER = "other_date_in_number"


def doubts(answers: Mapping[str, str]) -> list[Doubt]:
    """What is to be confirmed of these answers and was not: the date that no calendar has, or that is not the
    one in the number."""
    text, nir = answers.get("birth_date"), answers.get("nir")
    if not text or answers.get(CONFIRMED) == confirmation(answers):
        return []
    born = BirthDate(text)
    found = [Doubt.NO_SUCH_DAY] if born.is_lunar else []
    if nir and parse_nir(nir).contradicts(born):
        found.append(Doubt.OTHER_DATE_IN_NUMBER)
    return found


def confirmation(answers: Mapping[str, str]) -> str:
    """What `CONFIRMED` says when these answers were confirmed."""
    return f"{answers.get('nir', '')}:{answers.get('birth_date', '')}"


class LoginTaken(Exception):
    """Somebody else signs in under this identifier."""


class Incomplete(Exception):
    """A step was skipped; `step` is the one to go back to."""

    def __init__(self, step: Step):
        super().__init__(step)
        self.step = step


def applicant(application_id: UUID) -> Actor:
    """Whoever fills in this application, for as long as it lasts."""
    return Actor(capacity=Capacity.APPLICANT, id=application_id)


def start(*, at: datetime, origin: str = "") -> UUID:
    """Begin an opening: nothing is known of anybody yet. Raises TooManyTries when one `origin` (a network)
    begins very many."""
    if origin:
        attempts.count_opening(origin, at=at)
    application_id = uuid4()
    by, thing = applicant(application_id), ToBegin(application_id)
    with gate.admitted(by, Action.ENROL, thing, at=at, step="start") as passage:
        passage.leave_no_trace()
        applications.begin(application_id, {}, owner_id=application_id, at=at)
    return application_id


def answer(application_id: UUID, *, by: Actor, at: datetime, **answers: str) -> None:
    """Keep one or several answers, already validated by the form. A new answer undoes the proof."""
    if unknown := set(answers) - {*ANSWERS, CONFIRMED}:
        raise ValueError(f"not a question: {', '.join(sorted(unknown))}")
    with _entered(application_id, by, at, step="answer") as (passage, told):
        if any(told.get(name) != value for name, value in answers.items()):
            applications.keep(passage, **answers, **dict.fromkeys(PROOF_UNDER_WAY))


def answers(application_id: UUID, *, by: Actor, at: datetime) -> dict[str, str]:
    """What was typed so far, to be shown again to whoever typed it."""
    with _entered(application_id, by, at, step="answers") as (_, told):
        return {name: told[name] for name in (*ANSWERS, CONFIRMED) if name in told}


def ask_insurer(
    application_id: UUID, *, by: Actor, at: datetime, origin: str = ""
) -> tuple[MaskedContact, ...]:
    """Ask whether the answers go together; the contacts to choose from if they do.

    Raises GoToACounter otherwise, Doubtful before anybody is asked, InsurerUnreachable when nobody answers,
    Incomplete when a question was skipped, or answered anew while the insurer was looking, TooManyTries when
    the same person was asked about too often from one `origin` (a network): this opening then waits for its
    own turn; or when others are being asked about in this process.
    """
    if not _places.acquire(blocking=False):
        raise TooManyTries(FOR_A_PLACE)
    try:
        return _ask_insurer(application_id, by=by, at=at, origin=origin)
    finally:
        _places.release()


def _ask_insurer(application_id: UUID, *, by: Actor, at: datetime, origin: str) -> tuple[MaskedContact, ...]:
    began = time.monotonic()
    with _entered(application_id, by, at, step="ask_insurer", traced=True) as (passage, told):
        missing = [name for name in ANSWERS if name not in told]
        doubtful = not missing and bool(doubts(told))
        asked = told.get("asked", 0) + 1
        if missing or doubtful or asked > MOST_QUESTIONS_TO_THE_INSURER:
            passage.leave_no_trace()
        else:
            applications.keep(passage, asked=asked)
    if missing:
        raise Incomplete(Step.IDENTITY)
    if doubtful:
        raise Doubtful
    if asked > MOST_QUESTIONS_TO_THE_INSURER:
        raise GoToACounter
    who = _identity(told)
    attempts.count_question(ins_mac_input(who.ins), origin, asker=str(application_id), at=at)
    # No transaction is open while somebody else is being waited for.
    verification = insurer.verify(who.ins, who.traits, told["vitale_serial"])
    if verification is not None and differences(who.traits, verification.traits):
        verification = None  # it certifies somebody else than was asked about
    # A contact given to the insurer yesterday may be anybody's: it proves nothing.
    known = verification.known(on=paris_day(at)) if verification else ()
    refused = not known or minor(who.traits.birth_date, on=paris_day(at))
    with _entered(application_id, by, at, step="insurer_answered", traced=True) as (passage, now):
        # A slow answer about somebody must not take the place of another whose code has left meanwhile.
        overtaken = now["asked"] != asked or any(now[name] != told[name] for name in ANSWERS)
        passage.tell(matched=not refused, overtaken=overtaken)
        if verification is not None and not refused and not overtaken:
            theirs = Identity(verification.ins or who.ins, verification.traits, verification.former)
            applications.keep(
                passage,
                identity=theirs.told(),
                verification=verification.id,
                contacts=[[one.id, one.channel, one.mask] for one in known],
            )
    time.sleep(max(0.0, SAME_TIME - (time.monotonic() - began)))
    if overtaken:
        raise Incomplete(Step.IDENTITY)
    if verification is None or refused:
        raise GoToACounter
    return known


def send_code(
    application_id: UUID, contact_id: str, *, by: Actor, at: datetime, origin: str = ""
) -> CodeSent:
    """Have the insurer deliver a fresh code to one of the contacts it knows.

    Raises TooSoon, and TooManyTries when many left for the same person from one `origin` and were not used.
    """
    with _entered(application_id, by, at, step="about_to_send") as (_, told):
        person = told.get("nir", "")
    attempts.count_sending(person, origin, asker=str(application_id), at=at)
    with _entered(application_id, by, at, step="send_code", traced=True) as (passage, told):
        known = {one.id: one for one in _contacts(told)}
        if contact_id not in known:
            raise Incomplete(Step.CHANNEL if known else Step.IDENTITY)
        chosen = known[contact_id]
        by_post = chosen.channel == ContactChannel.POST
        delay = timedelta(hours=settings.DMP_POST_DELAY_HOURS) if by_post else timedelta(0)
        issued = codes.issue(
            PROOF,
            application_id,
            told.get("code"),
            at=at,
            delay=delay,
            validity=LETTER_VALIDITY if delay else codes.VALIDITY,
        )
        kept = {**issued.kept, "channel": chosen.channel, "mask": chosen.mask}
        expires_at = datetime.fromisoformat(kept["expires_at"])
        longer = expires_at if delay else None  # a letter travels longer than thirty minutes
        applications.keep(passage, code=kept, until=longer)
        passage.tell(channel=chosen.channel)
    insurer.send_code(told["verification"], contact_id, issued.code)
    return _sent(kept)


def verify_code(application_id: UUID, code: str, *, by: Actor, at: datetime, origin: str = "") -> Proved:
    """Weigh the code. That a dossier exists already is told from here on only, to who holds the code.

    Raises WrongCode, CodeExpired, NoTriesLeft or NotYetUsable.
    """
    exists = False
    with _entered(application_id, by, at, step="verify_code", traced=True) as (passage, told):
        refusal, kept = codes.judge(PROOF, application_id, told.get("code"), code, at=at)
        if kept == told.get("code"):
            passage.leave_no_trace()  # nothing was weighed
        if refusal is None:
            exists = numbers.dossier_of(Identity.from_told(told["identity"])) is not None
            # A letter may have taken days: whoever types its code has thirty minutes to go on.
            by_post = kept is not None and kept["channel"] == ContactChannel.POST
            until = at + applications.LIFETIME if by_post else None
            applications.keep(passage, code=kept, proved=True, exists=exists, until=until)
        else:
            applications.keep(passage, code=kept)
        passage.tell(outcome=type(refusal).__name__ if refusal else "proved")
    if refusal is not None:
        raise refusal
    attempts.sending_served(told["nir"], origin)
    return Proved(dossier_exists=exists)


def choose_login(application_id: UUID, login: str, password: str, *, by: Actor, at: datetime) -> None:
    """Keep the identifier and the Argon2id of the password. Raises WeakPassword, LoginTaken."""
    with _proved(application_id, by, at, step="choose_login") as (_, told):
        personal = Identity.from_told(told["identity"]).known_to_others(
            card=told["vitale_serial"], login=login
        )
    refuse_weak(password, personal)
    hashed = logins.hash_password(password)  # slow on purpose: before the transaction
    with _proved(application_id, by, at, step="choose_login") as (passage, _):
        taken = not logins.login_is_free(login)
        if not taken:
            applications.keep(passage, login=login, password_hash=hashed)
    if taken:
        raise LoginTaken


def propose_password(application_id: UUID, *, by: Actor, at: datetime) -> tuple[str, ...]:
    """Four words that would do as the password of this person."""
    with _proved(application_id, by, at, step="choose_login") as (_, told):
        return propose(Identity.from_told(told["identity"]).known_to_others(card=told["vitale_serial"]))


def give_contact(application_id: UUID, contact: Contact, *, by: Actor, at: datetime) -> CodeSent:
    """Where the codes of every later sign-in go; a first one leaves at once. Raises TooSoon."""
    with _proved(application_id, by, at, step="give_contact") as (passage, told):
        issued = codes.issue(
            CONTACT,
            application_id,
            told.get("contact_code"),
            at=at,
            delay=timedelta(0),
            validity=codes.VALIDITY,
        )
        kept = {**issued.kept, "channel": contact.channel, "mask": contacts.mask(contact)}
        applications.keep(
            passage, contact=[contact.channel, contact.value], contact_code=kept, contact_proved=None
        )
        notices.queue_code(contact, issued.code, at=at)
    return _sent(kept)


def verify_contact(application_id: UUID, code: str, *, by: Actor, at: datetime) -> None:
    """Weigh the code sent to the contact. Raises as verify_code does."""
    with _proved(application_id, by, at, step="verify_contact") as (passage, told):
        refusal, kept = codes.judge(CONTACT, application_id, told.get("contact_code"), code, at=at)
        applications.keep(passage, contact_code=kept, contact_proved=refusal is None or None)
    if refusal is not None:
        raise refusal


def state(application_id: UUID, *, by: Actor, at: datetime) -> EnrolmentState:
    """Where the opening stands."""
    with _entered(application_id, by, at, step="state") as (passage, told):
        step = _step(told)
        kept = told.get("contact_code") if step is Step.CONTACT_CODE else told.get("code")
        return EnrolmentState(
            step=step,
            given_name=told.get("given_name", ""),
            contacts=_contacts(told),
            sent=_sent(kept) if kept and kept["mac"] else None,
            login=told.get("login"),
            own_contact=contacts.mask(Contact(*told["contact"])) if "contact" in told else None,
            expires_at=passage.facts.row.expires_at,
        )


def consent(
    application_id: UUID,
    *,
    information_version: str,
    agreed: bool,
    break_glass: bool,
    regulation: bool,
    by: Actor,
    at: datetime,
) -> Opened:
    """Open the dossier, now. Raises Refused without an agreement or when a dossier exists, Incomplete."""
    given = Consent(
        information_version=information_version,
        break_glass=break_glass,
        regulation=regulation,
        captured={"how": "online"},
    )
    return open_from(
        application_id,
        lambda _: given if agreed else None,
        _web_access,
        through="online",
        by=replace(by, authentication=Authentication.INSURER_CODE),
        at=at,
        complete=_complete,
    )


def give_up(application_id: UUID, *, by: Actor, at: datetime) -> None:
    """Forget everything that was answered."""
    with _entered(application_id, by, at, step="give_up") as (passage, _):
        applications.forget(passage)


def _complete(told: dict[str, Any]) -> None:
    if (step := _step(told)) is not Step.CONSENT:
        raise Incomplete(step)


def _web_access(row: ApplicationRow, _: UUID) -> WebAccess:
    told = row.told
    asked_on = paris_day(datetime.fromisoformat(told["code"]["sent_at"]))
    return WebAccess(
        state=AccessState(awake=True, waking=ONLINE, asked_on=asked_on),
        contact=Contact(*told["contact"]),
        login=told["login"],
        password_hash=told["password_hash"],
    )


@contextmanager
def _entered(
    application_id: UUID, by: Actor, at: datetime, *, step: str, traced: bool = False
) -> Iterator[tuple[Passage, dict[str, Any]]]:
    """An opening is traced when the insurer is asked, answers, sends a code that is then weighed, and when
    the dossier opens; what is typed or shown in between leaves no trace."""
    with gate.admitted(by, Action.ENROL, ApplicationAtTheDoor(application_id), at=at, step=step) as passage:
        if not traced:
            passage.leave_no_trace()
        yield passage, passage.facts.row.told


@contextmanager
def _proved(
    application_id: UUID, by: Actor, at: datetime, *, step: str
) -> Iterator[tuple[Passage, dict[str, Any]]]:
    with _entered(application_id, by, at, step=step) as (passage, told):
        if not told.get("proved"):
            raise Incomplete(_step(told))
        yield passage, told


def _step(told: dict[str, Any]) -> Step:
    if "verification" not in told:
        return Step.IDENTITY
    if not told.get("proved"):
        return Step.CODE if "code" in told else Step.CHANNEL
    if told.get("exists"):
        return Step.EXISTS
    if "login" not in told:
        return Step.LOGIN
    if not told.get("contact_proved"):
        return Step.CONTACT_CODE if "contact_code" in told else Step.CONTACT
    return Step.CONSENT


def _identity(told: dict[str, Any]) -> Identity:
    """Whom the insurer is asked about, as they were typed."""
    nir = parse_nir(told["nir"])
    return Identity(
        ins=ins_of(nir, settings.DMP_INS_OIDS),
        traits=Traits(
            birth_name=told["birth_name"],
            given_names=(told["given_name"],) if told["given_name"] else (),
            sex=nir.sex,
            birth_date=told["birth_date"],
        ),
    )


def _contacts(told: dict[str, Any]) -> tuple[MaskedContact, ...]:
    return tuple(MaskedContact(*one) for one in told.get("contacts", ()))


def _sent(kept: dict[str, Any]) -> CodeSent:
    return CodeSent(
        channel=kept["channel"],
        mask=kept["mask"],
        usable_from=datetime.fromisoformat(kept["usable_from"]),
        expires_at=datetime.fromisoformat(kept["expires_at"]),
    )


__all__ = [
    "CodeExpired",
    "CodeSent",
    "Doubt",
    "Doubtful",
    "EnrolmentState",
    "GoToACounter",
    "Incomplete",
    "LoginTaken",
    "NoTriesLeft",
    "NotYetUsable",
    "Proved",
    "Step",
    "TooSoon",
    "WeakPassword",
    "WrongCode",
]
