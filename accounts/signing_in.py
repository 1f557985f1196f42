"""Signing in with a password and a second factor: holders by a code sent to them, agents and staff by
an application that makes codes.

A login that does not exist, one that is closed and a wrong password get the same answer after the
same work. Between the two factors the session holds a pending sign-in and no actor at all.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID, uuid4, uuid5

from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from audit import ledger
from audit.events import Event
from vault import blind, subjects
from vault.keyring import Keyring, Unsealable

from . import attempts, begun, browsers, devices, hashers, logins, notices, sessions, web_access
from .actors import Actor, Authentication, Capacity, Channel
from .attempts import TooManyTries
from .browsers import Browser, browser_of
from .contacts import MaskedContact
from .devices import CodeExpired, CodeSent, NoTriesLeft, TooSoon, WrongCode
from .hashers import HashingBusy
from .logins import FirstPasswordOver, login_mac, normalised
from .middleware import ACTOR
from .models import ContactDevice, Structure, User
from .passwords import Fault, Personal, WeakPassword, hash_password, propose, refuse_weak

__all__ = [
    "AccountAltered",
    "Asleep",
    "CodeExpired",
    "CodeSent",
    "FirstPasswordOver",
    "HashingBusy",
    "NoTriesLeft",
    "PendingSignIn",
    "Proved",
    "Step",
    "TooManyTries",
    "TooSoon",
    "Unsaid",
    "WeakPassword",
    "WrongCode",
    "WrongCredentials",
    "after_opening",
    "asleep",
    "begin",
    "browser_of",
    "check_code",
    "choose_password",
    "code_may_live",
    "code_under_way",
    "finish",
    "keep",
    "next_step",
    "pending",
    "propose_password",
    "send_code",
    "sign_out",
    "woken",
]

STEP_WITHIN = timedelta(minutes=15)
SAME_TIME = 0.06  # seconds: what is done after an unsaid verdict takes that long, whatever it was
_PENDING, _AWAITING, _USER = "pending_sign_in", "awaiting_step", "user"
_STRANGERS = UUID("0d7f4a66-5b1c-4c7e-9d0a-6a3f2b8c1e55")  # the namespace of logins tried in vain
_STRANGERS_APART = 64  # logins tried in vain share so many traces an hour, however many are tried


class WrongCredentials(Exception):
    def __str__(self) -> str:
        return "L’identifiant ou le mot de passe ne convient pas."


class AccountAltered(WrongCredentials):
    """The password is right, but whose login it is was changed by somebody without its key."""

    def __str__(self) -> str:
        return "Une donnée de votre accès a été modifiée hors du service : par prudence, il est suspendu."


class Unsaid(Exception):
    """The code does not do, or the password did not: which of them is not said."""


class Step(StrEnum):
    """What may be left to do once both factors were right."""

    WAKE = "wake"  # type the nine digits that wake a web access
    PASSWORD = "password"  # noqa: S105 - choose one, in the place of the printed one


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSignIn:
    """The second factor is still to come.

    `said`: the password was right, and that was said. Otherwise too many tries had failed, and the same is
    shown whatever was typed: `user_id` is None when it was wrong.
    """

    id: bytes
    user_id: UUID | None
    kind: str
    contacts: tuple[MaskedContact, ...]  # where a holder's code can go
    known_browser: bool
    said: bool
    until: datetime

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id.hex(),
            "user_id": str(self.user_id) if self.user_id else None,
            "kind": self.kind,
            "contacts": [[c.id, c.channel, c.mask] for c in self.contacts],
            "known_browser": self.known_browser,
            "said": self.said,
            "until": self.until.isoformat(),
        }

    @classmethod
    def from_told(cls, told: Mapping[str, Any]) -> Self:
        return cls(
            id=bytes.fromhex(told["id"]),
            user_id=UUID(told["user_id"]) if told["user_id"] else None,
            kind=told["kind"],
            contacts=tuple(MaskedContact(*contact) for contact in told["contacts"]),
            known_browser=told["known_browser"],
            said=told["said"],
            until=datetime.fromisoformat(told["until"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """Both factors were right, with the password that `password_mac` stands for."""

    user_id: UUID
    authentication: Authentication
    password_mac: bytes
    contact_id: UUID | None = None  # the contact whose code came back


# First factor ---------------------------------------------------------------------------------


def begin(
    login: str, password: str, *, at: datetime, browser: Browser, kinds: Collection[str] = (User.Kind.HOLDER,)
) -> PendingSignIn:
    """Check a login and its password at one of the doors.

    Raises WrongCredentials, FirstPasswordOver to whoever holds the printed password, HashingBusy. When too
    many tries have failed the verdict is left unsaid: a pending sign-in is answered whatever was typed, and a
    holder's code has left if all was right.
    """
    typed = normalised(login)
    known = browsers.is_known(typed, browser, at=at)
    guess = attempts.guess(typed, browser, known=known, at=at)
    user = User.objects.filter(login_mac=login_mac(login), kind__in=kinds, active=True).first()
    try:
        with hashers.ahead_of_the_line(known):
            right = hashers.matches(password, user.password if user else None)
    except HashingBusy:
        attempts.give_back(guess)
        raise
    if guess.said:
        if user is None or not right:
            _trace_a_failure(login, kinds, at=at)
            raise WrongCredentials
        attempts.give_back(guess)
        _refuse_an_altered(user)
        return _begun(user, browser, known=known, at=at)
    with _the_same_time():
        if user is None or not right:
            _trace_a_failure(login, kinds, at=at)
            return _nobody(next(iter(kinds)), at=at)
        attempts.give_back(guess)
        try:
            _refuse_an_altered(user)
            pending = replace(_begun(user, browser, known=known, at=at), said=False)
        except (FirstPasswordOver, AccountAltered):
            return _nobody(user.kind, at=at)
        if pending.contacts:
            with suppress(TooSoon):  # nor is that said
                send_code(pending, _least_used(pending, at=at), browser=browser, at=at)
        return pending


@contextmanager
def _the_same_time() -> Iterator[None]:
    ends = time.monotonic() + SAME_TIME
    try:
        yield
    finally:
        time.sleep(max(0.0, ends - time.monotonic()))


def _begun(user: User, browser: Browser, *, known: bool, at: datetime) -> PendingSignIn:
    contacts = _masked_contacts(user)
    if user.kind == User.Kind.HOLDER and not contacts:
        raise AccountAltered
    with transaction.atomic():
        id_mac, new = begun.begin(user.pk, user.password, browser, at=at)
        if user.must_change_password:
            logins.count_first_password(user, new=new, at=at)
    return PendingSignIn(
        id=id_mac,
        user_id=user.pk,
        kind=user.kind,
        contacts=contacts,
        known_browser=known,
        said=True,
        until=at + begun.LASTS,
    )


def _nobody(kind: str, *, at: datetime) -> PendingSignIn:
    """What is shown of a sign-in that has not begun."""
    return PendingSignIn(
        id=blind.keyed_mac("sign-in", uuid4().bytes),
        user_id=None,
        kind=kind,
        contacts=(),
        known_browser=False,
        said=False,
        until=at + begun.LASTS,
    )


def keep(request: HttpRequest, pending: PendingSignIn) -> None:
    """Remember a pending sign-in for the next page.

    Under a new identifier, unless it already waits in this session: the form sent twice then takes nothing
    from the page that the first answer led to, should the second never arrive.
    """
    told = request.session.get(_PENDING)
    if told is None or told["id"] != pending.id.hex():
        request.session.cycle_key()
    request.session[_PENDING] = pending.told()


def pending(request: HttpRequest, *, at: datetime) -> PendingSignIn | None:
    """The sign-in begun in this session, while it lasts."""
    told = request.session.get(_PENDING)
    begun = PendingSignIn.from_told(told) if told else None
    return begun if begun and begun.until > at else None


def _refuse_an_altered(user: User) -> None:
    """A login opens what it was made for, or nothing."""
    if not logins.holds(user, subjects.keyring(user.pk)):
        raise AccountAltered


def _masked_contacts(user: User) -> tuple[MaskedContact, ...]:
    if user.kind != User.Kind.HOLDER:
        return ()
    keyring, contacts = subjects.keyring(user.pk), []
    for device in ContactDevice.objects.filter(user=user, confirmed=True).order_by("pk"):
        with suppress(Unsealable):  # planted by somebody without the account's key: no code goes there
            contacts.append(devices.masked(device, keyring))
    return tuple(contacts)


# Second factor --------------------------------------------------------------------------------


def send_code(
    pending: PendingSignIn,
    device_id: str | UUID | None = None,
    *,
    browser: Browser,
    at: datetime,
    again: bool = False,
) -> CodeSent:
    """Send a code to one of the contacts, the first unless one is chosen.

    A code that has just left and lives is not replaced, so that a form sent twice changes nothing; asked for
    `again`, TooSoon says when another can leave. TooSoon too when many left that were not used.
    """
    assert pending.user_id is not None
    if not again and (sent := code_under_way(pending, at=at)) and sent.again_at > at:
        return sent
    chosen = next((c for c in pending.contacts if c.id == str(device_id)), None) or pending.contacts[0]
    device = ContactDevice.objects.get(pk=chosen.id, user_id=pending.user_id)
    try:
        with transaction.atomic():
            code = begun.new_code(pending.id, device.pk, at=at)
            attempts.count_code_sent(pending.user_id, browser, known=pending.known_browser, at=at)
            notices.queue_device_code(device, code, at=at)
    except TooManyTries as many:
        raise TooSoon(at + many.wait) from None
    except TooSoon:
        # The same form sent twice at once: a code has left since we looked, and it is the one to wait for.
        if again or (sent := code_under_way(pending, at=at)) is None:
            raise
        return sent
    sent = code_under_way(pending, at=at)
    assert sent is not None
    return sent


def code_under_way(pending: PendingSignIn, *, at: datetime) -> CodeSent | None:
    """The code that waits in this sign-in, while it lives. Never said of one whose verdict is not."""
    found = begun.find(pending.id, at=at)
    if found is None or not found.code_lives(at) or found.sent_at is None or found.code_expires_at is None:
        return None
    where = next((c for c in pending.contacts if c.id == str(found.contact_id)), None)
    if where is None:
        return None
    return CodeSent(
        where.channel,
        where.mask,
        expires_at=found.code_expires_at,
        again_at=found.sent_at + begun.AGAIN_AFTER,
        not_the_first=found.codes_sent > 1,
    )


def code_may_live(pending: PendingSignIn, *, at: datetime) -> bool:
    """Whether a code of this sign-in can still be typed. When the verdict is not said, told by the clock
    alone."""
    if pending.said:
        return code_under_way(pending, at=at) is not None
    return at < pending.until - begun.LASTS + begun.CODE_LIVES


def _least_used(pending: PendingSignIn, *, at: datetime) -> str:
    """Where to send a code when nobody can be asked: not where the last one went."""
    found = begun.find(pending.id, at=at)
    others = [c.id for c in pending.contacts if found is None or c.id != str(found.contact_id)]
    return (others or [pending.contacts[0].id])[0]


def check_code(pending: PendingSignIn, code: str, *, browser: Browser, at: datetime) -> Proved:
    """Accept the second factor. Raises WrongCode, CodeExpired, NoTriesLeft, TooManyTries; Unsaid instead of
    any of them when the verdict on the password is not said."""
    if pending.said:
        return _checked(pending, code, browser, at=at)
    with _the_same_time():
        try:
            return _checked(pending, code, browser, at=at)
        except (WrongCode, CodeExpired, NoTriesLeft, TooManyTries):
            raise Unsaid from None


def _checked(pending: PendingSignIn, code: str, browser: Browser, *, at: datetime) -> Proved:
    found = begun.find(pending.id, at=at)
    if found is None or pending.user_id != found.user_id or pending.until <= at:
        raise CodeExpired
    user = User.objects.filter(pk=found.user_id, active=True).first()
    if user is None or begun.password_mac(user.password) != found.password_mac:
        raise CodeExpired  # the password has changed since: this sign-in goes no further
    if user.kind == User.Kind.HOLDER:
        begun.use_code(pending.id, code, at=at)
        authentication = Authentication.PASSWORD_AND_CODE
    else:
        attempts.count_code_tried(user.pk, browser, known=pending.known_browser, at=at)
        devices.use_totp(user, subjects.keyring(user.pk), code, at=at)
        authentication = Authentication.PASSWORD_AND_TOTP
    attempts.code_served(user.pk, browser, known=pending.known_browser)
    if not begun.end(pending.id):
        raise CodeExpired
    return Proved(
        user_id=user.pk,
        authentication=authentication,
        password_mac=found.password_mac,
        contact_id=found.contact_id,
    )


# In -------------------------------------------------------------------------------------------


def finish(request: HttpRequest, proved: Proved, *, at: datetime) -> Actor | None:
    """Make the session that of the person; None while a step is left (`next_step`): until then there is
    nobody in the session."""
    request.session.flush()
    user = User.objects.filter(pk=proved.user_id, active=True).first()
    if user is None or begun.password_mac(user.password) != proved.password_mac:
        raise CodeExpired
    if (step := _step_left(user)) is not None:
        if step is Step.WAKE:
            logins.uncount_first_password(user.pk)  # what is missing is still on its way to the person
        request.session[_AWAITING] = {
            "user": str(user.pk),
            "authentication": proved.authentication.value,
            "password_mac": proved.password_mac.hex(),
            "contact": str(proved.contact_id or ""),
            "until": (at + STEP_WITHIN).isoformat(),
        }
        return None
    return _enter_as(request, user, proved.authentication, at=at)


def _step_left(user: User) -> Step | None:
    """The first of the steps that this account has still to take, in their order."""
    if user.kind == User.Kind.HOLDER and not web_access.is_awake(user.pk, subjects.keyring(user.pk)):
        return Step.WAKE
    return Step.PASSWORD if user.must_change_password else None


def next_step(request: HttpRequest, *, at: datetime) -> Step | None:
    """The step left to whoever proved both factors in this session. None too when nobody did, or too long
    ago."""
    awaited = _awaited(request, at=at)
    return _step_left(awaited[0]) if awaited else None


def _awaited(request: HttpRequest, *, at: datetime) -> tuple[User, Authentication] | None:
    told = request.session.get(_AWAITING)
    if not told or datetime.fromisoformat(told["until"]) <= at:
        return None
    user = User.objects.filter(pk=told["user"], active=True).first()
    if user is None or begun.password_mac(user.password).hex() != told["password_mac"]:
        return None
    return user, Authentication(told["authentication"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asleep:
    """Both factors were right, and nothing that the insurer knows has answered yet for this access.

    `contact_id` is the contact whose code came back. `by` may ask for the code that is missing and type it,
    nothing else.
    """

    user_id: UUID
    contact_id: UUID | None
    by: Actor


def asleep(request: HttpRequest, *, at: datetime) -> Asleep | None:
    """The access that waits, in this session, for what wakes it."""
    awaited = _awaited(request, at=at)
    if awaited is None or _step_left(awaited[0]) is not Step.WAKE:
        return None
    user, contact = awaited[0], request.session[_AWAITING]["contact"]
    return Asleep(
        user_id=user.pk,
        contact_id=UUID(contact) if contact else None,
        by=_actor_of(user, subjects.keyring(user.pk), Authentication.ASLEEP),
    )


def woken(request: HttpRequest, *, at: datetime) -> Actor | None:
    """Go on with the sign-in that had stopped. None while a step is left. Raises CodeExpired."""
    awaited = _awaited(request, at=at)
    if awaited is None:
        raise CodeExpired
    user, authentication = awaited
    mac = begun.password_mac(user.password)
    return finish(request, Proved(user_id=user.pk, authentication=authentication, password_mac=mac), at=at)


def after_opening(request: HttpRequest, user_id: UUID, *, at: datetime) -> Actor | None:
    """Sign in the person who has just opened their dossier: the insurer's code and the consent were
    asked moments ago."""
    request.session.flush()
    user = User.objects.get(pk=user_id, active=True)
    return _enter_as(request, user, Authentication.INSURER_CODE, at=at)


def _enter_as(request: HttpRequest, user: User, authentication: Authentication, *, at: datetime) -> Actor:
    _refuse_an_altered(user)
    keyring = subjects.keyring(user.pk)
    browsers.remember(user.pk, normalised(_known(user, keyring)["login"]), request, at=at)
    actor = _actor_of(user, keyring, authentication)
    request.session.flush()
    enter(request, actor, owner_id=user.pk, at=at, password_epoch=user.password_epoch)
    request.session[_USER] = str(user.pk)
    if user.dossier_id is not None:
        notices.came(user.dossier_id, at=at)
    return actor


def enter(
    request: HttpRequest, actor: Actor, *, owner_id: UUID, at: datetime, password_epoch: int = 0
) -> None:
    """Put an actor who has proved who they are in the session, under a new identifier, and trace it."""
    sessions.belongs_to(request.session, owner_id, actor.capacity.value, at=at, password_epoch=password_epoch)
    request.session[ACTOR] = actor.told()
    rotate_token(request)
    request.actor = actor
    _trace("sign_in", actor, at=at)


def sign_out(request: HttpRequest, *, at: datetime) -> None:
    """End the visit."""
    actor = getattr(request, "actor", None)
    request.session.flush()
    if actor is not None and actor.capacity is not Capacity.ANONYMOUS:
        _trace("sign_out", actor, at=at)


# Passwords ------------------------------------------------------------------------------------


def choose_password(request: HttpRequest, new: str, *, at: datetime) -> Actor | None:
    """Replace the printed password and go on. Raises WeakPassword, or CodeExpired when it took so long that
    one must sign in again, or when a password was chosen elsewhere meanwhile."""
    awaited = _awaited(request, at=at)
    if awaited is None or _step_left(awaited[0]) is not Step.PASSWORD:
        raise CodeExpired
    user, authentication = awaited
    chosen = change_first_password(user, new, at=at)
    proved = Proved(user_id=user.pk, authentication=authentication, password_mac=begun.password_mac(chosen))
    return finish(request, proved, at=at)


def propose_password(request: HttpRequest, *, at: datetime) -> tuple[str, ...]:
    """Four words that whoever is choosing a password in this session could take."""
    awaited = _awaited(request, at=at)
    return propose(personal_of(awaited[0]) if awaited else Personal())


def personal_of(user: User) -> Personal:
    """What others know of the person of an account, which makes no password."""
    keyring = subjects.keyring(user.pk)
    known = _known(user, keyring)
    contacts = []
    for device in ContactDevice.objects.filter(user=user):
        with suppress(Unsealable):
            contacts.append(devices.contact_of(device, keyring).value)
    return Personal.from_told(
        known.get("personal", {}),
        login=known["login"],
        name=known["name"],
        contacts=contacts,
    )


def change_first_password(user: User, new: str, *, at: datetime) -> str:
    """Set the password a person has chosen, end their other visits and every sign-in begun with the printed
    one, and tell them. Answers its hash. Raises WeakPassword, CodeExpired when another was chosen
    meanwhile."""
    refuse_weak(new, personal_of(user))
    if hashers.matches(new, user.password):
        raise WeakPassword([Fault.PRINTED])
    chosen = hash_password(new)
    with transaction.atomic():
        printed = User.objects.filter(
            pk=user.pk, password=user.password, must_change_password=True, active=True
        )
        epoch = F("password_epoch") + 1
        if not printed.update(password=chosen, must_change_password=False, password_epoch=epoch):
            raise CodeExpired
        begun.end_all(user.pk)
        notices.queue(notices.NoticeKind.PASSWORD, user_id=user.pk, at=at)
    sessions.end_all(user.pk)
    return chosen


# Inside ---------------------------------------------------------------------------------------

_CAPACITY = {
    User.Kind.HOLDER: (Capacity.HOLDER, Channel.WEB),
    User.Kind.AGENT: (Capacity.AGENT, Channel.COUNTER),
    User.Kind.STAFF: (Capacity.STAFF, Channel.WEB),
}


def _actor_of(user: User, keyring: Keyring, authentication: Authentication) -> Actor:
    capacity, channel = _CAPACITY[User.Kind(user.kind)]
    return Actor(
        capacity=capacity,
        id=user.person_id or user.pk,
        name=_known(user, keyring)["name"],
        structure_id=user.structure_id,
        structure=_structure_name(user.structure_id),
        channel=channel,
        authentication=authentication,
        dossier_id=user.dossier_id,
    )


def _known(user: User, keyring: Keyring) -> dict[str, str]:
    return keyring.unseal_json("accounts_user", "sealed", user.pk, bytes(user.sealed))


def _structure_name(structure_id: UUID | None) -> str:
    if structure_id is None:
        return ""
    structure = Structure.objects.get(pk=structure_id)
    keyring = subjects.keyring(structure_id)
    return keyring.unseal_json("accounts_structure", "sealed", structure_id, bytes(structure.sealed))["name"]


def _trace(kind: str, actor: Actor, *, at: datetime) -> None:
    """In the actor's own chain, as every act that concerns no dossier."""
    try:
        keyring = subjects.keyring(actor.id)
    except subjects.NoSuchSubject:
        keyring = subjects.system()
    event = Event(
        chain=actor.id,
        kind=kind,
        at=at,
        actor=actor.told(),
        channel=actor.channel.value,
        capacity=actor.capacity.value,
        profession=actor.profession or "",
        structure=str(actor.structure_id or ""),
    )
    with transaction.atomic():
        ledger.record(event, keyring)


def _trace_a_failure(login: str, kinds: Collection[str], *, at: datetime) -> None:
    """In the house's chain whoever was aimed at, existing or not: same work, same answer."""
    stranger = uuid5(_STRANGERS, str(login_mac(login)[0] % _STRANGERS_APART))
    event = Event(
        chain=ledger.SYSTEM_CHAIN,
        kind="sign_in.refused",
        at=at,
        actor={"capacity": Capacity.ANONYMOUS.value, "id": str(stranger)},
        detail={"reason": "wrong_credentials", "door": ",".join(sorted(kinds))},
        channel=Channel.WEB.value,
        capacity=Capacity.ANONYMOUS.value,
    )
    with transaction.atomic():
        ledger.refusal(event, subjects.system())
