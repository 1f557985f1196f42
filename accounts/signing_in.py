"""Signing in with a password and a second factor: holders by a code sent to them, agents and staff by
an application that makes codes.

A login that does not exist, one that is closed and a wrong password get the same answer after the
same work. Between the two factors the session holds a pending sign-in and no actor at all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from audit import ledger
from audit.events import Event
from vault import subjects
from vault.keyring import Keyring

from . import attempts, devices, hashers, notices, sessions
from .actors import Actor, Authentication, Capacity, Channel
from .attempts import TooManyTries
from .contacts import MaskedContact
from .devices import CodeExpired, CodeSent, NoTriesLeft, TooSoon, WrongCode
from .logins import login_mac, normalised
from .middleware import ACTOR
from .models import ContactDevice, Structure, User
from .passwords import WeakPassword, hash_password, refuse_weak

__all__ = [
    "CodeExpired",
    "CodeSent",
    "NoTriesLeft",
    "PendingSignIn",
    "Proved",
    "TooManyTries",
    "TooSoon",
    "WeakPassword",
    "WrongCode",
    "WrongCredentials",
    "after_opening",
    "awaiting_password",
    "begin",
    "check_code",
    "choose_password",
    "finish",
    "keep",
    "origin_of",
    "pending",
    "send_code",
    "sign_out",
]

PENDING_FOR = timedelta(minutes=15)
PASSWORD_WITHIN = timedelta(minutes=15)
_PENDING, _AWAITING, _USER = "pending_sign_in", "awaiting_password", "user"
_STRANGERS = UUID("0d7f4a66-5b1c-4c7e-9d0a-6a3f2b8c1e55")  # the namespace of logins tried in vain


class WrongCredentials(Exception):
    def __str__(self) -> str:
        return "L’identifiant ou le mot de passe ne convient pas."


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSignIn:
    """The password was right; the second factor is still to come."""

    id: UUID
    user_id: UUID
    kind: str
    contacts: tuple[MaskedContact, ...]  # where a holder's code can go
    known_here: str  # what will be remembered of this login and origin, once both factors are right
    until: datetime

    def told(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "user_id": str(self.user_id),
            "kind": self.kind,
            "contacts": [[c.id, c.channel, c.mask] for c in self.contacts],
            "known_here": self.known_here,
            "until": self.until.isoformat(),
        }

    @classmethod
    def from_told(cls, told: Mapping[str, Any]) -> Self:
        return cls(
            id=UUID(told["id"]),
            user_id=UUID(told["user_id"]),
            kind=told["kind"],
            contacts=tuple(MaskedContact(*contact) for contact in told["contacts"]),
            known_here=told["known_here"],
            until=datetime.fromisoformat(told["until"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """Both factors were right."""

    user_id: UUID
    authentication: Authentication
    must_change_password: bool
    known_here: str = ""


# First factor ---------------------------------------------------------------------------------


def begin(
    login: str, password: str, *, at: datetime, origin: str, kinds: Collection[str] = (User.Kind.HOLDER,)
) -> PendingSignIn:
    """Check a login and its password at one of the doors. Raises WrongCredentials, TooManyTries."""
    tries = attempts.tries_of(normalised(login), origin)
    attempts.count(tries, at=at)
    user = User.objects.filter(login_mac=login_mac(login), kind__in=kinds, active=True).first()
    right = hashers.matches(password, user.password if user else None)
    if user is None or not right:
        _trace_a_failure(login, kinds, at=at)
        raise WrongCredentials
    attempts.succeeded(tries, at=at)
    return PendingSignIn(
        id=uuid4(),
        user_id=user.pk,
        kind=user.kind,
        contacts=_masked_contacts(user),
        known_here=tries.here.hex(),
        until=at + PENDING_FOR,
    )


def origin_of(request: HttpRequest) -> str:
    """The address a request comes from; what the proxy says of it only when there is a proxy."""
    if settings.SECURE_PROXY_SSL_HEADER and (forwarded := request.headers.get("X-Forwarded-For")):
        return forwarded.rsplit(",", 1)[-1].strip()
    return request.META.get("REMOTE_ADDR", "")


def keep(request: HttpRequest, pending: PendingSignIn) -> None:
    """Remember a pending sign-in for the next page."""
    request.session.cycle_key()
    request.session[_PENDING] = pending.told()


def pending(request: HttpRequest, *, at: datetime) -> PendingSignIn | None:
    """The sign-in begun in this session, while it lasts."""
    told = request.session.get(_PENDING)
    begun = PendingSignIn.from_told(told) if told else None
    return begun if begun and begun.until > at else None


def _masked_contacts(user: User) -> tuple[MaskedContact, ...]:
    if user.kind != User.Kind.HOLDER:
        return ()
    keyring = subjects.keyring(user.pk)
    return tuple(
        devices.masked(device, keyring)
        for device in ContactDevice.objects.filter(user=user, confirmed=True).order_by("pk")
    )


# Second factor --------------------------------------------------------------------------------


def send_code(pending: PendingSignIn, device_id: str | UUID | None = None, *, at: datetime) -> CodeSent:
    """Send a code to one of the contacts, the first unless one is chosen. Raises TooSoon."""
    chosen = next((c for c in pending.contacts if c.id == str(device_id)), None) or pending.contacts[0]
    device = ContactDevice.objects.get(pk=chosen.id, user_id=pending.user_id)
    with transaction.atomic():
        code = devices.new_code(device.pk, str(pending.id), at=at)
        notices.queue_device_code(device, code, at=at)
    return CodeSent(chosen.channel, chosen.mask, at + devices.LIVES, at + devices.AGAIN_AFTER)


def check_code(pending: PendingSignIn, code: str, *, at: datetime) -> Proved:
    """Accept the second factor. Raises WrongCode, CodeExpired, NoTriesLeft, TooManyTries."""
    if pending.until <= at:
        raise CodeExpired
    if pending.kind == User.Kind.HOLDER:
        devices.use_code(pending.user_id, str(pending.id), code, at=at)
        authentication = Authentication.PASSWORD_AND_CODE
    else:
        _use_totp(pending.user_id, code, at=at)
        authentication = Authentication.PASSWORD_AND_TOTP
    user = User.objects.get(pk=pending.user_id)
    if not user.active:
        raise CodeExpired
    return Proved(
        user_id=user.pk,
        authentication=authentication,
        must_change_password=user.must_change_password,
        known_here=pending.known_here,
    )


def _use_totp(user_id: UUID, code: str, *, at: datetime) -> None:
    attempts.count_codes(user_id, at=at)
    devices.use_totp(User.objects.get(pk=user_id), subjects.keyring(user_id), code, at=at)
    attempts.right_code(user_id)


# In -------------------------------------------------------------------------------------------


def finish(request: HttpRequest, proved: Proved, *, at: datetime) -> Actor | None:
    """Make the session that of the person. None while a password must be chosen first: until
    `choose_password` there is nobody in the session."""
    request.session.flush()
    if proved.known_here:
        attempts.remember(bytes.fromhex(proved.known_here), at=at)
    if proved.must_change_password:
        until = at + PASSWORD_WITHIN
        request.session[_AWAITING] = {
            "user": str(proved.user_id),
            "authentication": proved.authentication.value,
            "until": until.isoformat(),
        }
        return None
    user = User.objects.get(pk=proved.user_id, active=True)
    actor = _actor_of(user, subjects.keyring(user.pk), proved.authentication)
    enter(request, actor, owner_id=user.pk, at=at, password_epoch=user.password_epoch)
    request.session[_USER] = str(user.pk)
    return actor


def after_opening(request: HttpRequest, user_id: UUID, *, at: datetime) -> Actor | None:
    """Sign in the person who has just opened their dossier: the insurer's code and the consent were
    asked moments ago."""
    proved = Proved(user_id=user_id, authentication=Authentication.INSURER_CODE, must_change_password=False)
    return finish(request, proved, at=at)


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


def awaiting_password(request: HttpRequest, *, at: datetime | None = None) -> bool:
    """Whether the person signed in with a printed password and must now choose their own."""
    told = request.session.get(_AWAITING)
    return bool(told) and (at is None or datetime.fromisoformat(told["until"]) > at)


def choose_password(request: HttpRequest, new: str, *, at: datetime) -> Actor:
    """Replace the printed password and enter. Raises WeakPassword, or CodeExpired when it took so
    long that one must sign in again."""
    if not awaiting_password(request, at=at):
        raise CodeExpired
    told = request.session[_AWAITING]
    user_id = UUID(told["user"])
    change_first_password(user_id, new, at=at)
    authentication = Authentication(told["authentication"])
    actor = finish(
        request, Proved(user_id=user_id, authentication=authentication, must_change_password=False), at=at
    )
    assert actor is not None
    return actor


def change_first_password(user_id: UUID, new: str, at: datetime) -> None:
    """Set the password a person has chosen, end their other visits and tell them. Raises WeakPassword."""
    user = User.objects.get(pk=user_id, active=True)
    known = _known(user, subjects.keyring(user.pk))
    refuse_weak(new, personal=(known["login"], known["name"]))
    if hashers.matches(new, user.password):
        raise WeakPassword(["Choisissez un mot de passe différent de celui qui était imprimé."])
    with transaction.atomic():
        User.objects.filter(pk=user_id).update(
            password=hash_password(new), must_change_password=False, password_epoch=F("password_epoch") + 1
        )
        notices.queue(notices.NoticeKind.PASSWORD, user_id=user_id, at=at)
    sessions.end_all(user_id)


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
    stranger = uuid5(_STRANGERS, login_mac(login).hex())
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
