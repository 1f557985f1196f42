"""Letting somebody in, and out again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection

from access import gate, matrix
from access.policy import Action
from accounts import notices
from accounts.actors import Actor

from .things import DossierAtTheDoor


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


class NotInForce(Exception):
    """There is no such authorisation, or it has ended already."""


def declare_agreement(dossier_id: UUID, *, by: Actor, at: datetime) -> Granted:
    """Record that the holder agreed to be read by this professional. An earlier agreement ends at once."""
    with gate.admitted(by, Action.AUTHORISE, DossierAtTheDoor(dossier_id), at=at) as passage:
        grant_id, until = uuid4(), at + timedelta(days=settings.DMP_GRANT_DAYS)
        sealed = passage.keyring.seal_json(
            "dossiers_grant",
            "sealed",
            grant_id,
            {"name": by.name, "profession": matrix.label(by.profession), "structure": by.structure},
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE dossiers_grant SET until = %s"
                " WHERE dossier_id = %s AND grantee_id = %s AND since <= %s AND until > %s",
                [at, dossier_id, by.id, at, at],
            )
            cursor.execute(
                "INSERT INTO dossiers_grant (id, dossier_id, grantee_id, since, until, sealed)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                [grant_id, dossier_id, by.id, at, until, sealed],
            )
        notices.queue(notices.NoticeKind.CHANGED, at=at, dossier_id=dossier_id)
        passage.tell(until=until.date().isoformat())
        return Granted(grant_id=grant_id, until=until)


def people(dossier_id: UUID, *, by: Actor, at: datetime) -> list[Authorised]:
    """Those who may read the dossier, then those who could: the holder's own list, newest first."""
    with gate.admitted(by, Action.PEOPLE, DossierAtTheDoor(dossier_id), at=at) as passage:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, since, until, sealed FROM dossiers_grant WHERE dossier_id = %s"
                " ORDER BY until > %s DESC, since DESC LIMIT 200",
                [dossier_id, at],
            )
            rows = cursor.fetchall()
        return [
            Authorised(
                grant_id=grant_id,
                since=since,
                until=until,
                in_force=until > at,
                **_named(passage, grant_id, sealed),
            )
            for grant_id, since, until, sealed in rows
            if until > since
        ]


def withdraw(dossier_id: UUID, grant_id: UUID, *, by: Actor, at: datetime) -> str:
    """End an authorisation now; answers whose it was. Raises NotInForce when there is none to end."""
    with gate.admitted(by, Action.WITHDRAW, DossierAtTheDoor(dossier_id), at=at) as passage:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE dossiers_grant SET until = %s WHERE dossier_id = %s AND id = %s AND until > %s"
                " RETURNING sealed",
                [at, dossier_id, grant_id, at],
            )
            ended = cursor.fetchone()
        if ended is None:
            raise NotInForce
        name = _named(passage, grant_id, ended[0])["name"]
        passage.tell(whom=name)
        return name


UNNAMED = {"name": "Quelqu’un dont le nom ne peut pas être lu", "profession": "", "structure": ""}


def _named(passage: gate.Passage, grant_id: UUID, sealed: bytes) -> dict[str, str]:
    """Whom a grant lets read. One whose name was damaged is still shown, and can still be ended."""
    try:
        return passage.keyring.unseal_json("dossiers_grant", "sealed", grant_id, bytes(sealed))
    except gate.Damaged:
        return UNNAMED
