"""What exists of somebody before they consent: one row, sealed under its own key, for thirty minutes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from access.gate import Facts, Passage, ReadsForItself, Row
from access.policy import Standing, Target
from accounts.actors import Actor, Capacity
from vault import subjects
from vault.keyring import Keyring, ephemeral

LIFETIME = timedelta(minutes=30)
READING_HOLDS = timedelta(minutes=5)  # between the reading of a card and what one makes of it
AT_A_TIME = 1000  # applications forgotten in one statement
TABLE, COLUMN = "dossiers_application", "sealed"


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    id: UUID
    expires_at: datetime
    told: dict[str, Any]  # what was answered so far
    keyring: Keyring  # of this row alone
    person_id: UUID | None = None  # the Person of this identity, when there is one already


@dataclass(frozen=True, slots=True)
class ToBegin(ReadsForItself):
    """An application that does not exist yet: whoever begins it owns it."""

    application_id: UUID

    @property
    def pin(self) -> None:
        return None

    def facts(self, actor: Actor, at: datetime, read: Sequence[Row] = ()) -> Facts:
        return Facts(target=Target(owner_id=actor.id))


@dataclass(frozen=True, slots=True)
class CardRead(ReadsForItself):
    """Somebody whose card was just read: the visit that this agent had with them, or a new one.

    `visit_mac` says who stands before whom; `row` of the facts is None when the visit is new.
    """

    visit_mac: bytes
    card_read_at: datetime

    @property
    def pin(self) -> None:
        return None

    def facts(self, actor: Actor, at: datetime, read: Sequence[Row] = ()) -> Facts:
        there = at - self.card_read_at <= READING_HOLDS
        facts = Facts(target=Target(owner_id=actor.id), standing=Standing(holder_present=there))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, wrapped_key, sealed, expires_at FROM dossiers_application"
                " WHERE visit_mac = %s FOR UPDATE",
                [self.visit_mac],
            )
            row = cursor.fetchone()
        if row is None:
            return facts
        visit_id, wrapped, sealed, expires_at = row
        keyring = subjects.unwrap_ephemeral(visit_id, bytes(wrapped))
        told = keyring.unseal_json(TABLE, COLUMN, visit_id, bytes(sealed))
        return replace(facts, unwrap=lambda: keyring, row=ApplicationRow(visit_id, expires_at, told, keyring))


@dataclass(frozen=True, slots=True)
class ApplicationAtTheDoor(ReadsForItself):
    """A pending application, its row held until the act ends: two posts at once take turns.

    At a counter, `desk` is the post and the session in which the card was read; elsewhere the visit has
    ended. So has it for whoever acts for another structure meanwhile.
    """

    application_id: UUID
    desk: str = ""

    @property
    def pin(self) -> None:
        return None

    def facts(self, actor: Actor, at: datetime, read: Sequence[Row] = ()) -> Facts:
        row = _row(self.application_id)
        if row is None:
            return Facts(target=Target(exists=False))
        owner_id, wrapped, sealed, expires_at = row
        expired = expires_at <= at
        target = Target(owner_id=owner_id, expired=expired)
        if owner_id != actor.id or expired:
            return Facts(target=target)
        keyring = subjects.unwrap_ephemeral(self.application_id, bytes(wrapped))
        told = keyring.unseal_json(TABLE, COLUMN, self.application_id, bytes(sealed))
        if told.get("desk", "") != self.desk or told.get("structure", "") != structure_of(actor):
            return Facts(target=replace(target, expired=True))
        return self.answered(target, ApplicationRow(self.application_id, expires_at, told, keyring), at)

    def answered(self, target: Target, row: ApplicationRow, at: datetime) -> Facts:
        standing = Standing(
            holder_present="card_read_at" in row.told, identity_proved=row.told.get("proved", False)
        )
        return Facts(target=target, standing=standing, unwrap=lambda: row.keyring, row=row)


@dataclass(frozen=True, slots=True)
class ApplicationForTheHouse(ReadsForItself):
    """A pending application, as a job of the house enters it: it belongs to somebody else."""

    application_id: UUID

    @property
    def pin(self) -> None:
        return None

    def facts(self, actor: Actor, at: datetime, read: Sequence[Row] = ()) -> Facts:
        row = _row(self.application_id)
        if row is None:
            return Facts(target=Target(exists=False))
        owner_id, wrapped, sealed, expires_at = row
        target = Target(owner_id=owner_id, expired=expires_at <= at)
        if actor.capacity is not Capacity.SYSTEM or target.expired:
            return Facts(target=target)
        keyring = subjects.unwrap_ephemeral(self.application_id, bytes(wrapped))
        told = keyring.unseal_json(TABLE, COLUMN, self.application_id, bytes(sealed))
        found = ApplicationRow(self.application_id, expires_at, told, keyring)
        return Facts(target=target, unwrap=lambda: keyring, row=found)


def present(told: dict[str, Any], at: datetime) -> bool:
    """Whether the card of who stands at the counter was read recently enough to act upon."""
    read_at = told.get("card_read_at")
    return read_at is not None and at - datetime.fromisoformat(read_at) <= READING_HOLDS


def structure_of(actor: Actor) -> str:
    """The structure that a visit is bound to; nothing for an applicant."""
    return str(actor.structure_id or "")


def _row(application_id: UUID) -> tuple[UUID, bytes, bytes, datetime] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT owner_id, wrapped_key, sealed, expires_at FROM dossiers_application"
            " WHERE id = %s FOR UPDATE",
            [application_id],
        )
        return cursor.fetchone()


def begin(
    application_id: UUID,
    told: dict[str, Any],
    *,
    owner_id: UUID,
    at: datetime,
    visit_mac: bytes | None = None,
) -> ApplicationRow:
    """Write the row. Call it with a passage in hand."""
    keyring = ephemeral()
    sealed = keyring.seal_json(TABLE, COLUMN, application_id, told)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dossiers_application (id, owner_id, visit_mac, wrapped_key, sealed, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                application_id,
                owner_id,
                visit_mac,
                subjects.wrap_ephemeral(keyring, application_id),
                sealed,
                at + LIFETIME,
            ],
        )
    return ApplicationRow(application_id, at + LIFETIME, told, keyring)


def sealed_again(row: ApplicationRow, told: dict[str, Any]) -> bytes:
    """Other answers in the place of those of an application, for a composite statement."""
    return row.keyring.seal_json(TABLE, COLUMN, row.id, told)


def keep_instead(row: ApplicationRow, told: dict[str, Any]) -> None:
    """Put other answers in the place of all those of an application, which is nobody's visit any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dossiers_application SET sealed = %s, visit_mac = NULL WHERE id = %s",
            [sealed_again(row, told), row.id],
        )


def keep(passage: Passage, *, until: datetime | None = None, **answers: Any) -> None:
    """Add answers to the application entered; an answer of None is forgotten."""
    row: ApplicationRow = passage.facts.row
    told = {name: value for name, value in {**row.told, **answers}.items() if value is not None}
    sealed = sealed_again(row, told)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dossiers_application SET sealed = %s, expires_at = %s WHERE id = %s",
            [sealed, until or row.expires_at, row.id],
        )


def forget(passage: Passage) -> None:
    """Delete the application entered, and its key with it."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dossiers_application WHERE id = %s", [passage.facts.row.id])


def purge(*, at: datetime, at_most: int = 10_000) -> int:
    """Delete what waited too long, some thousands at a time; answers how many. Reads nothing of anybody."""
    deleted = 0
    while deleted < at_most:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM dossiers_application WHERE id = ANY(ARRAY("
                "SELECT id FROM dossiers_application WHERE expires_at <= %s LIMIT %s))",
                [at, AT_A_TIME],
            )
            deleted += cursor.rowcount
            if cursor.rowcount < AT_A_TIME:
                break
    return deleted
