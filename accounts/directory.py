"""Professionals, structures, agents and staff: who they are, sealed, and how the house learns of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from vault import blind, subjects
from vault.keyring import Keyring
from vault.subjects import SubjectKind

from . import devices, logins, sessions, userinfo
from .actors import Actor, Authentication, Capacity, Channel
from .devices import TotpSecret
from .models import Practice, Professional, User
from .userinfo import PlaceOfPractice, PracticeTold, ProfessionalTold

STRUCK_OFF = "struck_off_at"  # in the sealed cell of a professional


@dataclass(frozen=True, slots=True)
class PracticeKnown:
    """One way in which a professional may act here."""

    profession: str
    specialty: str
    structure_id: UUID | None
    structure: str


@dataclass(frozen=True, slots=True)
class ProfessionalKnown:
    id: UUID
    name: str
    practices: tuple[PracticeKnown, ...]
    struck_off: bool = False
    civility: str = ""  # M, MME, or not known


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What a new agent is handed, once."""

    user_id: UUID
    login: str
    first_password: str | None
    totp: TotpSecret


# Told by Pro Santé Connect --------------------------------------------------------------------


def learn(told: ProfessionalTold, *, at: datetime) -> ProfessionalKnown:
    """Know a professional as Pro Santé Connect tells them now: name, places, situations."""
    with transaction.atomic():
        professional_id = _known(
            "accounts_professional",
            "rpps_mac",
            blind.blind("rpps", told.rpps),
            SubjectKind.PROFESSIONAL,
            {"rpps": told.rpps, "name": told.name, "civility": told.civility},
            at,
        )
        places = {practice.place for practice in told.practices if practice.place}
        # In one order for everybody: two colleagues who sign in together wait, and never for each other.
        structures = {
            place: learn_structure(place, at=at) for place in sorted(places, key=lambda p: p.number)
        }
        practices = tuple(
            _learn_practice(professional_id, practice, structures, at) for practice in told.practices
        )
        struck_off = _struck_off(professional_id)
    return ProfessionalKnown(professional_id, told.name, practices, struck_off, told.civility)


def strike_off(rpps: str, *, at: datetime) -> bool:
    """The directory no longer knows this professional as one: their visits end, they sign in no more.

    Said in the sealed cell too, so that nobody lets them in again by clearing a date. False when unknown.
    """
    return _write_off(rpps, at)


def reinstate(rpps: str) -> bool:
    """The directory knows this professional again. False when they were unknown."""
    return _write_off(rpps, None)


def _write_off(rpps: str, at: datetime | None) -> bool:
    with transaction.atomic():
        found = _found("accounts_professional", "rpps_mac", blind.blind("rpps", rpps))
        if found is None:
            return False
        row_id, sealed = found
        keyring = subjects.keyring(row_id)
        known = keyring.unseal_json("accounts_professional", "sealed", row_id, bytes(sealed))
        known = {**known, STRUCK_OFF: at.isoformat() if at else None}
        _renew(
            "accounts_professional",
            row_id,
            keyring.seal_json("accounts_professional", "sealed", row_id, known),
        )
        Professional.objects.filter(pk=row_id).update(struck_off_at=at)
    if at is not None:
        sessions.end_all(row_id)
    return True


def _struck_off(professional_id: UUID) -> bool:
    """What the sealed cell says, and the clear date that the gate compares: either is enough."""
    row = Professional.objects.get(pk=professional_id)
    known = subjects.keyring(professional_id).unseal_json(
        "accounts_professional", "sealed", professional_id, bytes(row.sealed)
    )
    return bool(known.get(STRUCK_OFF)) or row.struck_off_at is not None


def _learn_practice(
    professional_id: UUID, told: PracticeTold, structures: Mapping[PlaceOfPractice, UUID], at: datetime
) -> PracticeKnown:
    structure_id = structures[told.place] if told.place else None
    Practice.objects.bulk_create(
        [
            Practice(
                id=uuid4(),
                professional_id=professional_id,
                structure_id=structure_id,
                profession=told.profession,
                specialty=told.specialty,
                seen_at=at,
            )
        ],
        update_conflicts=True,
        unique_fields=["professional", "structure", "profession", "specialty"],
        update_fields=["seen_at"],
    )
    return PracticeKnown(told.profession, told.specialty, structure_id, told.place.name if told.place else "")


def learn_structure(place: PlaceOfPractice, *, at: datetime) -> UUID:
    """The structure of this number, under its present name."""
    return _known(
        "accounts_structure",
        "number_mac",
        blind.blind("structure", place.number),
        SubjectKind.STRUCTURE,
        {"number": place.number, "name": place.name},
        at,
    )


def structure_number(structure_id: UUID | None) -> str:
    """The number by which others know a structure: its FINESS, or the directory's own; nothing for none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed FROM accounts_structure WHERE id = %s::uuid", [structure_id])
        row = cursor.fetchone()
    if structure_id is None or row is None:
        return ""
    keyring = subjects.keyring(structure_id)
    return keyring.unseal_json("accounts_structure", "sealed", structure_id, bytes(row[0]))["number"]


def _known(table: str, index: str, mac: bytes, kind: SubjectKind, told: dict[str, str], at: datetime) -> UUID:
    """Find by its digest the row that tells `told`, made or renewed as needed. Two at once make one row."""
    if (found := _found(table, index, mac)) is None:
        found = _made(table, index, mac, kind, told, at) or _found(table, index, mac)
    assert found is not None
    row_id, sealed = found
    keyring = subjects.keyring(row_id)
    known = keyring.unseal_json(table, "sealed", row_id, bytes(sealed))
    if known | told != known:
        _renew(table, row_id, keyring.seal_json(table, "sealed", row_id, known | told))
    return row_id


def _found(table: str, index: str, mac: bytes) -> tuple[UUID, bytes] | None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, sealed FROM {table} WHERE {index} = %s::bytea", [mac])  # noqa: S608
        return cursor.fetchone()


def _made(
    table: str, index: str, mac: bytes, kind: SubjectKind, told: dict[str, str], at: datetime
) -> tuple[UUID, bytes] | None:
    """The row and its key, in one statement; None when somebody else has just made it."""
    row_id = uuid4()
    keyring, key = subjects.prepare(row_id, kind)
    sealed = keyring.seal_json(table, "sealed", row_id, told)
    statement = f"""
        WITH made AS (
            INSERT INTO {table} (id, {index}, sealed) VALUES (%s::uuid, %s::bytea, %s::bytea)
            ON CONFLICT ({index}) DO NOTHING RETURNING id, sealed
        ), key AS (
            INSERT INTO vault_subjectkey (subject_id, kind, version, kek_version, wrapped, created_at)
            SELECT id, %s, %s, %s, %s::bytea, %s::timestamptz FROM made
        )
        SELECT id, sealed FROM made
    """  # noqa: S608 - names of this module's own
    parameters: list[Any] = [row_id, mac, sealed, key.kind, key.version, key.kek_version, key.wrapped, at]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()


def _renew(table: str, row_id: UUID, sealed: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET sealed = %s::bytea WHERE id = %s::uuid", [sealed, row_id])  # noqa: S608


def professional_acting(
    professional_id: UUID,
    name: str,
    practice: PracticeKnown,
    *,
    authentication: Authentication,
    civility: str = "",
) -> Actor:
    """A professional in one of their situations."""
    return Actor(
        capacity=Capacity.PROFESSIONAL,
        id=professional_id,
        name=name,
        civility=civility,
        profession=practice.profession,
        specialty=practice.specialty or None,
        structure_id=practice.structure_id,
        structure=practice.structure,
        channel=Channel.WEB,
        authentication=authentication,
    )


def professional_from(told: Any, practice: int, *, at: datetime) -> Actor:
    """The actor that a user information of Pro Santé Connect makes, in one of its situations.

    For whoever holds a proved answer: it proves nothing by itself. Raises BadUserinfo, IndexError.
    """
    known = learn(userinfo.read(told), at=at)
    return professional_acting(
        known.id,
        known.name,
        known.practices[practice],
        authentication=Authentication.PRO_SANTE_CONNECT,
        civility=known.civility,
    )


# Provisioned by the service -------------------------------------------------------------------


def provision_agent(
    *,
    login: str,
    name: str,
    structure: PlaceOfPractice,
    at: datetime,
    password: str | None = None,
    totp_secret: bytes | None = None,
) -> Provisioned:
    """A nominative login for somebody who receives people in a structure.

    Without a password a first one is made, to be changed at the first sign-in. Raises LoginTaken.
    """
    with transaction.atomic():
        structure_id = learn_structure(structure, at=at)
        return _provision(User.Kind.AGENT, login, name, structure_id, password, totp_secret, at)


def provision_staff(
    *, login: str, name: str, at: datetime, password: str | None = None, totp_secret: bytes | None = None
) -> Provisioned:
    """A nominative login for somebody who runs the service. Raises LoginTaken."""
    with transaction.atomic():
        return _provision(User.Kind.STAFF, login, name, None, password, totp_secret, at)


def _provision(
    kind: str,
    login: str,
    name: str,
    structure_id: UUID | None,
    password: str | None,
    totp_secret: bytes | None,
    at: datetime,
) -> Provisioned:
    credentials, keyring = logins.create_staff_login(
        kind=kind,
        login=login,
        name=name,
        structure_id=structure_id,
        password_hash=logins.hash_password(password) if password else None,
        at=at,
    )
    assert credentials.user_id is not None
    totp = _totp(credentials.user_id, keyring, login, totp_secret)
    return Provisioned(credentials.user_id, login, credentials.first_password, totp)


def _totp(user_id: UUID, keyring: Keyring, login: str, secret: bytes | None) -> TotpSecret:
    return devices.create_totp(user_id, keyring, account=login, secret=secret)
