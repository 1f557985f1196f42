"""Letting somebody in, and out again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg import errors

from access import gate
from access.policy import Action
from accounts import notices
from accounts.actors import Actor
from accounts.paris import paris_day
from accounts.professions import said, said_anew
from revocation import journalling
from vault.keyring import Keyring

from .house import HOUSE
from .identity import HolderBanner, holder_of
from .models import GRANT
from .things import DossierAtTheDoor, GrantRow, grant_holds

MOST_AT_ONCE = 5  # clicks of one professional on one button
# Declared twice at the same instant: the next try sees the other.
RACED = (errors.ExclusionViolation, errors.DeadlockDetected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """An agreement declared, and until when it lets read."""

    grant_id: UUID
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorised:
    """Somebody the holder lets read, or let until lately."""

    grant_id: UUID
    name: str
    profession: str
    structure: str
    since: datetime
    until: datetime
    in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Whom the holder lets read, or let until lately: those in force first, newest first."""

    holder: HolderBanner
    authorised: tuple[Authorised, ...]


SAME_ACT = timedelta(minutes=1)  # a form sent again, or four times at once
WITHDRAWAL = "withdraw"  # in the journal of what was taken away


class NotInForce(Exception):
    """There is no such authorisation, or it has ended already."""


def declare_agreement(dossier_id: UUID, *, by: Actor, at: datetime) -> Granted:
    """Record that the holder agreed to be read by this professional, in the structure where they practise
    now and nowhere else. An earlier agreement for the same place ends at once; declared again within a
    minute, it is the same act."""
    for _ in range(MOST_AT_ONCE):
        try:
            return _declare(dossier_id, by=by, at=at)
        except (IntegrityError, OperationalError) as failure:
            if not isinstance(failure.__cause__, RACED):
                raise
    return _declare(dossier_id, by=by, at=at)


def _declare(dossier_id: UUID, *, by: Actor, at: datetime) -> Granted:
    with gate.admitted(by, Action.AUTHORISE, DossierAtTheDoor(dossier_id), at=at) as passage:
        # What cannot be taken back for good is not given.
        journalling.refuse_unless_writable()
        grant_id, until = uuid4(), at + timedelta(days=settings.DMP_GRANT_DAYS)
        keyring, earlier = passage.keyring, passage.facts.row.grant
        if earlier is not None and passage.facts.standing.granted and at - earlier.since < SAME_ACT:
            passage.tell(until=paris_day(earlier.until).isoformat(), already=True)
            return Granted(grant_id=earlier.grant_id, until=earlier.until)
        sealed = keyring.seal_json(
            "dossiers_grant",
            "sealed",
            grant_id,
            {"name": by.name, "profession": said(by.profession, by.civility), "structure": by.structure},
        )
        if earlier is not None:
            _end([replace(earlier, until=at)], dossier_id, keyring)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO dossiers_grant"
                " (id, dossier_id, grantee_id, structure_id, since, until, sealed, facts_mac)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    *(grant_id, dossier_id, by.id, by.structure_id, at, until, sealed),
                    GRANT.mac(keyring, grant_id, dossier_id, by.id, by.structure_id, at, until),
                ],
            )
        # Somebody new may read: told at once. To go on reading is told with the rest.
        kind = notices.NoticeKind.AGREED if earlier is None else notices.NoticeKind.CHANGED
        notices.queue(kind, at=at, dossier_id=dossier_id)
        passage.tell(until=paris_day(until).isoformat())
        return Granted(grant_id=grant_id, until=until)


def _end(grants: Iterable[GrantRow], dossier_id: UUID, keyring: Keyring) -> None:
    """Write the end of each of these, as its `until` says it: the earliest end wins."""
    rows = list(grants)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dossiers_grant g SET until = x.until, facts_mac = x.mac"
            " FROM unnest(%s::uuid[], %s::timestamptz[], %s::bytea[]) AS x(id, until, mac)"
            " WHERE g.dossier_id = %s::uuid AND g.id = x.id AND g.until > x.until",
            [
                [row.grant_id for row in rows],
                [row.until for row in rows],
                [
                    GRANT.mac(
                        keyring,
                        row.grant_id,
                        dossier_id,
                        row.grantee_id,
                        row.structure_id,
                        row.since,
                        row.until,
                    )
                    for row in rows
                ],
                dossier_id,
            ],
        )


def people(dossier_id: UUID, *, by: Actor, at: datetime) -> People:
    """Those who may read the dossier, then those who could: the holder's own list, newest first.

    What somebody without the dossier's key wrote there lets nobody in, and is not shown.
    """
    with gate.admitted(by, Action.PEOPLE, DossierAtTheDoor(dossier_id), at=at) as passage:
        keyring = passage.keyring
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {_GRANT}, sealed FROM dossiers_grant WHERE dossier_id = %s"  # noqa: S608 ours
                " ORDER BY until > %s DESC, since DESC LIMIT 200",
                [dossier_id, at],
            )
            rows = [(GrantRow(*facts), bytes(sealed)) for *facts, sealed in cursor.fetchall()]
        held = [pair for pair in rows if grant_holds(keyring, dossier_id, pair[0])]
        if len(held) < len(rows):
            passage.tell(altered=len(rows) - len(held))
        return People(
            holder=holder_of(passage),
            authorised=tuple(
                Authorised(
                    grant_id=grant.grant_id,
                    since=grant.since,
                    until=grant.until,
                    in_force=grant.until > at,
                    **_named(keyring, grant.grant_id, sealed),
                )
                for grant, sealed in held
                if grant.until > grant.since
            ),
        )


def withdraw(dossier_id: UUID, grant_id: UUID, *, by: Actor, at: datetime) -> str:
    """End an authorisation now, wherever else the same person had one; answers whose it was.

    Raises NotInForce when there is none to end.
    """
    with gate.admitted(by, Action.WITHDRAW, DossierAtTheDoor(dossier_id), at=at) as passage:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT grantee_id FROM dossiers_grant WHERE dossier_id = %s AND id = %s AND until > %s",
                [dossier_id, grant_id, at],
            )
            found = cursor.fetchone()
        if found is None:
            raise NotInForce
        name = _end_for(found[0], passage, at=at).get(grant_id)
        if name is None:  # ended by another request a moment ago
            raise NotInForce
        passage.tell(whom=name)
        journalling.take_away(WITHDRAWAL, at=at, dossier=dossier_id, grantee=found[0])
        return name


def withdraw_again(dossier_id: UUID, grantee_id: UUID, *, line: int, at: datetime) -> None:
    """Do a withdrawal of the journal again: the database was restored, or the act did not commit.

    It ends what this person had been given until then, not what they were given since. When nothing is left
    to end, or no dossier, the line is settled all the same.
    """
    try:
        with gate.admitted(HOUSE, Action.WITHDRAW, DossierAtTheDoor(dossier_id), at=at) as passage:
            names = _end_for(grantee_id, passage, at=at, begun_by=at)
            if names:
                passage.tell(outcome="withdrawn_again", whom=next(iter(names.values())))
            else:
                passage.tell(outcome="still_withdrawn")
            journalling.settle(line, at=at)
    except gate.Refused:
        with transaction.atomic():
            journalling.settle(line, at=at)


def _end_for(
    grantee_id: UUID, passage: gate.Passage, *, at: datetime, begun_by: datetime | None = None
) -> dict[UUID, str]:
    """End every authorisation of somebody, wherever it serves, be it only those begun by an instant; the name
    that each of them carried."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_GRANT}, sealed FROM dossiers_grant"  # noqa: S608 our own columns
            " WHERE dossier_id = %s AND grantee_id = %s AND until > %s"
            " AND (%s::timestamptz IS NULL OR since <= %s) ORDER BY id FOR UPDATE",
            [passage.dossier_id, grantee_id, at, begun_by, begun_by],
        )
        rows = [(GrantRow(*facts), bytes(sealed)) for *facts, sealed in cursor.fetchall()]
    ended = [replace(grant, until=max(at, grant.since)) for grant, _ in rows]
    _end(ended, passage.dossier_id, passage.keyring)
    return {grant.grant_id: _named(passage.keyring, grant.grant_id, sealed)["name"] for grant, sealed in rows}


UNNAMED = {"name": "Quelqu’un dont le nom ne peut pas être lu", "profession": "", "structure": ""}


def _named(keyring: Keyring, grant_id: UUID, sealed: bytes) -> dict[str, str]:
    """Whom a grant lets read. One whose name was damaged is still shown, and can still be ended."""
    try:
        who: dict[str, str] = keyring.unseal_json("dossiers_grant", "sealed", grant_id, sealed)
    except gate.Damaged:
        return UNNAMED
    return who | {"profession": said_anew(who["profession"])}


_GRANT = "id, grantee_id, structure_id, since, until, facts_mac"
