"""The web access of a dossier: nine digits that leave for somewhere the insurer knows, and what wakes it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from access import gate
from access.gate import Passage
from access.policy import Action
from access.waking import Waking
from accounts import insurer, logins, notices, web_access
from accounts.actors import Actor
from accounts.contacts import Contact, ContactChannel, MaskedContact
from accounts.insurer import InsurerUnreachable, Use, Verification
from accounts.paris import paris_day
from accounts.web_access import BETWEEN_SENDINGS, AccessState, CodeSent
from jobs import queue
from vault import subjects
from vault.keyring import Keyring

from .house import HOUSE
from .identity import Identity, identity_of
from .opening import SEND_WAKE_CODE
from .things import DossierAtTheDoor

SECOND_VISIT_AFTER = timedelta(hours=24)
ASKED_WITHIN = timedelta(seconds=10)
ASKED_FOR = timedelta(hours=24)  # how long a silent insurer is asked again
LETTER_TAKES_DAYS = 10
SUNDAY = 6


class WrongWakeCode(Exception):
    """Not these nine digits; `tries_left` of them may still be typed before the next sending."""

    def __init__(self, tries_left: int) -> None:
        super().__init__()
        self.tries_left = tries_left


class AskedToday(Exception):
    """The nine digits already left less than a day ago; others may be asked for at `again_at`."""

    def __init__(self, again_at: datetime) -> None:
        super().__init__()
        self.again_at = again_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleeping:
    """All that is told of an access asleep. `on_its_way`: its code was asked for and has not left yet;
    `never_asked`: it was opened before anybody asked what wakes an access."""

    never_asked: bool
    sent: CodeSent | None
    on_its_way: bool
    second_visit: bool
    again_at: datetime | None


# The holder, between the code received at home and the dossier ----------------------------------


def sleeping(user_id: UUID, *, at: datetime) -> Sleeping:
    """What the page of an access asleep says. Reads the account, never the dossier."""
    state = web_access.state_of(user_id, subjects.keyring(user_id))
    sent = state.sent if state else None
    return Sleeping(
        never_asked=state is None,
        sent=sent,
        on_its_way=state is not None and bool(state.sending),
        second_visit=state is not None and state.waking == Waking.SECOND_VISIT,
        again_at=sent.at + BETWEEN_SENDINGS if sent and sent.at + BETWEEN_SENDINGS > at else None,
    )


def wake_by_first_code(user_id: UUID, device_id: UUID | None, *, by: Actor, at: datetime) -> bool:
    """Wake the access whose code has just come back from a contact that the insurer knew. False otherwise."""
    keyring = subjects.keyring(user_id)
    state = web_access.state_of(user_id, keyring)
    if state is None or device_id is None or state.known_device != device_id:
        return False
    with _entered(by, Action.WAKE, at) as passage:
        _wake(passage, user_id, keyring, Waking.FIRST_CODE)
    return True


def wake_by_code(user_id: UUID, code: str, *, by: Actor, at: datetime) -> None:
    """Weigh the nine digits; right, they wake the access. Raises WrongWakeCode."""
    with _entered(by, Action.WAKE, at) as passage:
        weighed = web_access.weigh(user_id, code, at=at)
        if weighed.right:
            _wake(passage, user_id, subjects.keyring(user_id), Waking.WAKE_CODE)
        else:
            passage.tell(outcome="wrong_code")
    if not weighed.right:
        raise WrongWakeCode(weighed.tries_left)


def nothing_received(user_id: UUID, *, by: Actor, at: datetime) -> None:
    """« Je n'ai rien reçu »: the code leaves again, elsewhere. Raises AskedToday."""
    with _entered(by, Action.SEND_WAKE_CODE, at) as passage:
        again_at = ask_again(passage, user_id)
        passage.tell(outcome="asked" if again_at is None else "asked_today")
    if again_at is not None:
        raise AskedToday(again_at)


def _entered(by: Actor, action: Action, at: datetime) -> Any:
    assert by.dossier_id is not None  # a holder's account opens one
    return gate.admitted(by, action, DossierAtTheDoor(by.dossier_id), at=at)


# For whoever holds a passage --------------------------------------------------------------------


def ask_again(passage: Passage, user_id: UUID) -> datetime | None:
    """Have nine digits leave for another known contact, or by letter, once a day.

    Answers None, or when it may be asked again.
    """
    at, keyring = passage.at, subjects.keyring(user_id)
    state = web_access.state_of(user_id, keyring, locked=True)
    if state is None:  # opened before anybody asked what wakes an access
        state = AccessState(awake=False, waking=Waking.INSURER, asked_on=paris_day(at))
    if state.awake:
        return None
    if state.sent is not None and state.sent.at + BETWEEN_SENDINGS > at:
        return state.sent.at + BETWEEN_SENDINGS
    if not state.sending:
        sending = f"{passage.dossier_id}:{uuid4()}"
        web_access.write(user_id, keyring, replace(state, sending=sending))
        queue.enqueue(SEND_WAKE_CODE, subject_id=passage.dossier_id, idem=sending, at=at)
    return None


def _wake(passage: Passage, user_id: UUID, keyring: Keyring, by: Waking) -> None:
    state = web_access.state_of(user_id, keyring, locked=True)
    if state is None:
        state = AccessState(awake=False, waking=by, asked_on=paris_day(passage.at))
    wake(passage, user_id, keyring, replace(state, waking=by))


def wake(passage: Passage, user_id: UUID, keyring: Keyring, state: AccessState) -> None:
    """Wake an access, and tell the holder wherever they can be reached."""
    web_access.awaken(user_id, keyring, state)
    notices.queue(notices.NoticeKind.AWAKE, at=passage.at, user_id=user_id)
    passage.tell(outcome="woken", by=str(state.waking))


# A second visit ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstVisit:
    """A web access asked for without a letter: where, to whom, with which contact (a keyed digest)."""

    at: datetime
    structure: str
    agent: str
    contact: str
    letter_refused: bool

    def answered_by(self, contact: Contact, *, by: Actor, at: datetime) -> bool:
        """Whether a visit to `by` now is the second: a day later, elsewhere, somebody else, same contact."""
        return (
            at >= self.at + SECOND_VISIT_AFTER
            and by.structure_id is not None
            and self.structure not in ("", str(by.structure_id))
            and self.agent != str(by.id)
            and self.contact == web_access.contact_mac(contact).hex()
        )


def first_visits(dossier_id: UUID, keyring: Keyring) -> list[FirstVisit]:
    """The visits in which a web access was asked for and could not be opened at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, asked_at, sealed FROM dossiers_accessrequest WHERE dossier_id = %s"
            " ORDER BY asked_at DESC LIMIT 50",
            [dossier_id],
        )
        rows = cursor.fetchall()
    return [
        FirstVisit(at=at, **keyring.unseal_json("dossiers_accessrequest", "sealed", row_id, bytes(sealed)))
        for row_id, at, sealed in rows
    ]


def remember_first_visit(
    dossier_id: UUID, keyring: Keyring, contact: Contact, *, letter_refused: bool, by: Actor, at: datetime
) -> None:
    row_id = uuid4()
    payload = {
        "structure": str(by.structure_id or ""),
        "agent": str(by.id),
        "contact": web_access.contact_mac(contact).hex(),
        "letter_refused": letter_refused,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dossiers_accessrequest (id, dossier_id, asked_at, sealed) VALUES (%s, %s, %s, %s)",
            [row_id, dossier_id, at, keyring.seal_json("dossiers_accessrequest", "sealed", row_id, payload)],
        )


# The job that sends -----------------------------------------------------------------------------


class NotYet(Exception):
    """The insurer does not answer, and is asked again later. The message is its code."""


@dataclass(frozen=True, slots=True)
class Sending:
    """Nine digits to have delivered: for whose access, under which name of this sending."""

    dossier_id: UUID
    name: str
    asked_at: datetime
    who: Identity
    state: AccessState


@dataclass(frozen=True, slots=True)
class Left:
    """Where the nine digits have just left for; `target` is None when nothing was known for long enough."""

    target: MaskedContact | None
    code: str


def to_send(dossier_id: UUID, name: str, *, asked_at: datetime, at: datetime) -> Sending | None:
    """What is to be sent; None when the access is awake, or waits for another sending. Raises Refused."""
    thing = DossierAtTheDoor(dossier_id)
    with gate.admitted(HOUSE, Action.SEND_WAKE_CODE, thing, at=at, step="ask") as passage:
        user_id = web_access.account_of(dossier_id)
        state = web_access.state_of(user_id, subjects.keyring(user_id)) if user_id else None
        passage.tell(outcome="asked")
        if state is None or not _wanted(state, name):
            return None
        return Sending(dossier_id, name, asked_at, identity_of(passage), state)


def deliver(sending: Sending, *, at: datetime) -> Left | None:
    """Have the insurer deliver nine digits where it has written to for long enough; no transaction is open.

    First a telephone or mailbox not tried yet, then its letter, unless no letter must come. None when it did
    not answer for a day; raises NotYet before that.
    """
    try:
        verification = insurer.verify(sending.who.ins, sending.who.traits, None, within=ASKED_WITHIN)
        target, code = where_to(verification, sending.state), web_access.new_code()
        if verification is not None and target is not None:
            insurer.send_code(
                verification.id,
                target.id,
                code,
                use=Use.WAKING,
                asked_on=sending.state.asked_on,
                within=ASKED_WITHIN,
            )
    except InsurerUnreachable as silent:
        if at - sending.asked_at < ASKED_FOR:
            raise NotYet(silent.code) from None
        return None
    return Left(target, code)


def sent(sending: Sending, left: Left | None, *, at: datetime) -> None:
    """Write down where the nine digits left for: from now on they may be typed."""
    thing = DossierAtTheDoor(sending.dossier_id)
    with gate.admitted(HOUSE, Action.SEND_WAKE_CODE, thing, at=at, step="sent") as passage:
        user_id = web_access.account_of(sending.dossier_id)
        assert user_id is not None  # an account is never unmade
        keyring = subjects.keyring(user_id)
        state = web_access.state_of(user_id, keyring, locked=True)
        if state is None or not _wanted(state, sending.name):
            return
        state = replace(state, sending="")
        if left is None:
            web_access.write(user_id, keyring, state)
            passage.tell(outcome="silent")
        elif left.target is None:
            web_access.write(user_id, keyring, replace(state, waking=Waking.SECOND_VISIT))
            passage.tell(outcome="nowhere")
        else:
            _left(user_id, keyring, state, left.target, left.code, at=at)
            passage.tell(outcome="sent", channel=left.target.channel)


def _left(
    user_id: UUID, keyring: Keyring, state: AccessState, target: MaskedContact, code: str, *, at: datetime
) -> None:
    by_letter = target.channel == ContactChannel.POST
    state = replace(
        state,
        waking=Waking.LETTER if by_letter else Waking.WAKE_CODE,
        sent=CodeSent(target.channel, target.mask, at),
        tried=(*state.tried, _name_of(target)),
    )
    web_access.write(user_id, keyring, state)
    web_access.code_left(user_id, code, at=at)
    logins.first_password_counts_from(user_id, at=at)


def _wanted(state: AccessState, name: str) -> bool:
    return not state.awake and state.sending == name


def where_to(verification: Verification | None, state: AccessState) -> MaskedContact | None:
    """The contact that the nine digits leave for: those not tried first, the letter last, and once all were
    tried the letter again, else the first.

    It was known for long enough on the day the access was asked for: whoever waits does not become known.
    """
    known = verification.known(on=state.asked_on) if verification else ()
    reached = in_order(c for c in known if c.channel != ContactChannel.POST)
    letters = [c for c in known if c.channel == ContactChannel.POST and not state.letter_refused]
    fresh = [c for c in (*reached, *letters) if _name_of(c) not in state.tried]
    again = [*letters, *reached]
    return next(iter(fresh or again), None)


def in_order(contacts: Iterable[MaskedContact]) -> list[MaskedContact]:
    """Telephones before mailboxes."""
    return sorted(contacts, key=lambda contact: contact.channel != ContactChannel.SMS)


def _name_of(contact: MaskedContact) -> str:
    return f"{contact.channel} {contact.mask}"


def letter_arrives_by(day: date) -> date:
    """The day by which a letter that leaves on `day` is there; a Sunday is said as the Monday."""
    there = day + timedelta(days=LETTER_TAKES_DAYS)
    return there + timedelta(days=1) if there.weekday() == SUNDAY else there


__all__ = [
    "AskedToday",
    "FirstVisit",
    "Left",
    "NotYet",
    "Sending",
    "Sleeping",
    "WrongWakeCode",
    "ask_again",
    "deliver",
    "first_visits",
    "in_order",
    "letter_arrives_by",
    "nothing_received",
    "remember_first_visit",
    "sent",
    "sleeping",
    "to_send",
    "wake",
    "wake_by_code",
    "wake_by_first_code",
    "where_to",
]
