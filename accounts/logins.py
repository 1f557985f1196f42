"""Logins: chosen or made, never kept in clear, found by their keyed digest."""

import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from vault import blind, subjects
from vault.keyring import Keyring
from vault.subjects import SubjectKind, Wrapped

from . import sessions, web_access
from .contacts import Contact
from .hashers import First, first_password
from .models import USER, User
from .passwords import Personal, hash_password
from .traits import normalise
from .web_access import AccessState
from .written import normalized

__all__ = [
    "Credentials",
    "LoginTaken",
    "create_login",
    "hash_password",
    "login_faults",
    "login_is_free",
    "suggest_login",
]

SHORTEST, LONGEST = 8, 60
FIRST_PASSWORD_DAYS = timedelta(days=30)
FIRST_PASSWORD_SIGN_INS = 5
_ALLOWED = re.compile(r"[a-z0-9._-]+")


class LoginTaken(Exception):
    def __str__(self) -> str:
        return "Cet identifiant est déjà pris : choisissez-en un autre."


class FirstPasswordOver(Exception):
    """The printed password was right, and serves no more: too old, or too many sign-ins begun with it.

    Said to whoever holds it, and to nobody else. `too_old` says which of the two.
    """

    def __init__(self, *, too_old: bool) -> None:
        super().__init__()
        self.too_old = too_old


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is told once. Nothing at all when the person has no web access."""

    user_id: UUID | None
    login: str | None
    first_password: str | None


def normalised(login: str) -> str:
    return normalized("NFKC", login).casefold().strip()


def login_mac(login: str) -> bytes:
    return blind.blind("login", normalised(login))


def login_faults(login: str) -> list[str]:
    """What is wrong with a login that somebody chooses, in sentences."""
    typed = normalised(login)
    faults = []
    if len(typed) < SHORTEST:
        faults.append(f"Choisissez un identifiant d’au moins {SHORTEST} caractères.")
    if len(typed) > LONGEST:
        faults.append(f"Choisissez un identifiant d’au plus {LONGEST} caractères.")
    if "@" in typed:
        faults.append("Choisissez un identifiant qui n’est pas une adresse électronique.")
    elif typed and not _ALLOWED.fullmatch(typed):
        faults.append(
            "Écrivez l’identifiant avec des lettres sans accent, des chiffres, un point ou un tiret."
        )
    if len(re.findall(r"\d", typed)) >= 13:
        faults.append("Choisissez un identifiant qui n’est pas votre numéro de sécurité sociale.")
    return faults


def login_is_free(login: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM accounts_user WHERE login_mac = %s::bytea", [login_mac(login)])
        return cursor.fetchone() is None


def suggest_login(given_name: str = "") -> str:
    """« camille-482913 »: easy to copy, and no use to whoever knows the person."""
    word = normalise(given_name).split(" ")[0].lower()
    word = word if _ALLOWED.fullmatch(word) else "dmp"
    return f"{word[:20]}-{secrets.randbelow(900_000) + 100_000}"


@dataclass(frozen=True, slots=True)
class Printed:
    """What a sheet tells, made before the account is."""

    login: str
    password: str


def printed(name: str) -> Printed:
    """A login to propose and a first password, for an account about to be made."""
    return Printed(suggest_login(name), first_password())


def create_login(
    *,
    person_id: UUID,
    dossier_id: UUID,
    login: str | None,
    password_hash: str | None,
    contact: Contact | None,
    access: AccessState | None,
    printed: Printed | None = None,
    contact_known: bool = False,
    name: str = "",
    personal: Personal | None = None,
    at: datetime,
) -> Credentials:
    """Give a holder access to their dossier, inside the transaction that opens it: one statement.

    Without a login one is made; without a password one is made too, to be printed once and changed
    at the first sign-in (`printed`, when made already: its login is proposed first): `personal` is what
    others know of the person, which makes no password. Without a contact to send codes to there is no web
    access: nothing is created. `access` says whether it is awake; `contact_known`, that the insurer knew the
    contact. Raises LoginTaken.
    """
    if contact is None or access is None:
        return Credentials(None, None, None)
    first = None if password_hash else (printed.password if printed else first_password())
    password = password_hash or _hash_first(first or "")
    proposed = printed.login if printed else suggest_login(name)
    while True:
        user_id, used = uuid4(), login or proposed
        keyring, key = subjects.prepare(user_id, SubjectKind.ACCOUNT)
        account = _Account(
            id=user_id,
            login=used,
            name=name,
            password=password,
            kind=User.Kind.HOLDER,
            person_id=person_id,
            dossier_id=dossier_id,
            must_change_password=first is not None,
            personal=personal.told() if personal else {},
        )
        device = _device(keyring, contact)
        if contact_known:
            access = replace(access, known_device=device["device"])
        more = {**device, "access": web_access.seal(access, user_id, keyring), "tries": web_access.TRIES}
        if _insert(account, keyring, key, more, at=at):
            return Credentials(user_id, used, first)
        if login:
            raise LoginTaken
        proposed = suggest_login(name)


def create_staff_login(
    *, kind: str, login: str, name: str, structure_id: UUID | None, password_hash: str | None, at: datetime
) -> tuple[Credentials, Keyring]:
    """A nominative login for an agent or for staff, with the keyring of its account. Raises LoginTaken."""
    printed = None if password_hash else first_password()
    user_id = uuid4()
    keyring, key = subjects.prepare(user_id, SubjectKind.ACCOUNT)
    account = _Account(
        id=user_id,
        login=login,
        name=name,
        password=password_hash or _hash_first(printed or ""),
        kind=kind,
        structure_id=structure_id,
        must_change_password=printed is not None,
    )
    if not _insert(account, keyring, key, {}, at=at):
        raise LoginTaken
    return Credentials(user_id, login, printed), keyring


# The printed password -------------------------------------------------------------------------


def count_first_password(user: User, *, new: bool, at: datetime) -> None:
    """The printed password was right: count the sign-in it begins, if it is a `new` one. Raises
    FirstPasswordOver.

    It serves for thirty days, from the opening or from the day given to `first_password_counts_from`, and for
    five sign-ins. Parallel ones are counted one by one.
    """
    if at >= (user.first_password_from or user.created_at) + FIRST_PASSWORD_DAYS:
        raise FirstPasswordOver(too_old=True)
    if not new:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_user SET first_password_uses = first_password_uses + 1"
            " WHERE id = %s::uuid AND first_password_uses < %s",
            [user.pk, FIRST_PASSWORD_SIGN_INS],
        )
        if cursor.rowcount != 1:
            raise FirstPasswordOver(too_old=False)


def uncount_first_password(user_id: UUID) -> None:
    """A sign-in that stopped for want of something still on its way to the person: it does not count."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_user SET first_password_uses = greatest(first_password_uses - 1, 0)"
            " WHERE id = %s::uuid AND must_change_password",
            [user_id],
        )


def first_password_counts_from(user_id: UUID, *, at: datetime) -> None:
    """The thirty days of the printed password begin now: a letter leaves, without which it opens nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_user SET first_password_from = %s::timestamptz"
            " WHERE id = %s::uuid AND must_change_password",
            [at, user_id],
        )


# Whose it is -----------------------------------------------------------------------------------


def holds(user: User, keyring: Keyring) -> bool:
    """Whether the login is as it was when it was opened or closed: somebody who writes in the database
    without a key points it nowhere else, and opens it to nobody."""
    return USER.holds(keyring, user.facts_mac, user.pk, *_facts(user))


def close(user_id: UUID) -> bool:
    """Let nobody in by this login any more; its visits end with it. False when it was closed already."""
    with transaction.atomic():
        user = User.objects.select_for_update(of=("self",)).filter(pk=user_id, active=True).first()
        if user is None:
            return False
        user.active = False
        mac = USER.mac(subjects.keyring(user_id), user_id, *_facts(user))
        User.objects.filter(pk=user_id).update(active=False, facts_mac=mac)
    sessions.end_all(user_id)
    return True


def _facts(user: User) -> tuple[Any, ...]:
    return user.kind, user.person_id, user.dossier_id, user.structure_id, user.active


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    id: UUID
    login: str
    name: str
    password: str
    kind: str
    must_change_password: bool
    person_id: UUID | None = None
    dossier_id: UUID | None = None
    structure_id: UUID | None = None
    personal: dict[str, Any] = field(default_factory=dict)


_ACCOUNT = """
WITH account AS (
    INSERT INTO accounts_user (id, login_mac, password, kind, person_id, dossier_id, structure_id, sealed,
                               active, must_change_password, created_at, facts_mac)
    VALUES (%(id)s::uuid, %(login_mac)s::bytea, %(password)s, %(kind)s, %(person)s::uuid, %(dossier)s::uuid,
            %(structure)s::uuid, %(sealed)s::bytea, true, %(must_change)s, %(at)s::timestamptz,
            %(facts_mac)s::bytea)
    ON CONFLICT (login_mac) DO NOTHING RETURNING id
), key AS (
    INSERT INTO vault_subjectkey (subject_id, kind, version, kek_version, wrapped, created_at)
    SELECT id, %(key_kind)s, %(version)s, %(kek_version)s, %(wrapped)s::bytea, %(at)s::timestamptz
    FROM account
)
"""
_HOLDERS = """, device AS (
    INSERT INTO accounts_contactdevice
        (id, user_id, name, confirmed, channel, sealed)
    SELECT %(device)s::uuid, id, '', true, %(channel)s, %(contact)s::bytea FROM account
), access AS (
    INSERT INTO accounts_webaccess (user_id, sealed, tries_left)
    SELECT id, %(access)s::bytea, %(tries)s FROM account
)
"""
_WHETHER_FREE = "SELECT id FROM account"


def _insert(
    account: _Account, keyring: Keyring, key: Wrapped, holders: dict[str, Any], *, at: datetime
) -> bool:
    """Whether the login was free. `holders`: the parameters of what a holder's account has besides."""
    told = {"login": account.login, "name": account.name, "personal": account.personal}
    parameters = {
        "id": account.id,
        "login_mac": login_mac(account.login),
        "password": account.password,
        "kind": str(account.kind),
        "person": account.person_id,
        "dossier": account.dossier_id,
        "structure": account.structure_id,
        "sealed": keyring.seal_json("accounts_user", "sealed", account.id, told),
        "must_change": account.must_change_password,
        "facts_mac": USER.mac(
            keyring,
            account.id,
            str(account.kind),
            account.person_id,
            account.dossier_id,
            account.structure_id,
            True,
        ),
        "at": at,
        "key_kind": key.kind,
        "version": key.version,
        "kek_version": key.kek_version,
        "wrapped": key.wrapped,
    }
    statement = _ACCOUNT + (_HOLDERS if holders else "") + _WHETHER_FREE
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters | holders)
        return cursor.fetchone() is not None


def _device(keyring: Keyring, contact: Contact) -> dict[str, Any]:
    device_id = uuid4()
    sealed = keyring.seal("accounts_contactdevice", "sealed", device_id, contact.value.encode())
    return {"device": device_id, "channel": str(contact.channel), "contact": sealed}


def _hash_first(printed: str) -> str:
    hasher = First()
    return hasher.encode(printed, hasher.salt())
