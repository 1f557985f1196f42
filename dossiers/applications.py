"""What exists of somebody before they consent: one row, sealed under its own key, for thirty minutes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from access.gate import Facts, Passage
from access.policy import Standing, Target
from accounts.actors import Actor
from vault import subjects
from vault.keyring import Keyring, ephemeral

LIFETIME = timedelta(minutes=30)
READING_HOLDS = timedelta(minutes=5)  # between the reading of a card and what one makes of it
TABLE, COLUMN = "dossiers_application", "sealed"


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    id: UUID
    expires_at: datetime
    told: dict[str, Any]  # what was answered so far
    person_id: UUID | None = None  # the Person of this identity, when there is one already


@dataclass(frozen=True, slots=True)
class ToBegin:
    """An application that does not exist yet: whoever begins it owns it.

    `card_read_at` is when the card of who stands at the counter was read; None online.
    """

    application_id: UUID
    card_read_at: datetime | None = None

    @property
    def pin(self) -> None:
        return None

    def facts(self, actor: Actor, at: datetime) -> Facts:
        there = self.card_read_at is not None and at - self.card_read_at <= READING_HOLDS
        return Facts(target=Target(owner_id=actor.id), standing=Standing(holder_present=there))


@dataclass(frozen=True, slots=True)
class ApplicationAtTheDoor:
    """A pending application, its row held until the act ends: two posts at once take turns."""

    application_id: UUID

    @property
    def pin(self) -> None:
        return None

    def facts(self, actor: Actor, at: datetime) -> Facts:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT owner_id, wrapped_key, sealed, expires_at FROM dossiers_application"
                " WHERE id = %s FOR UPDATE",
                [self.application_id],
            )
            row = cursor.fetchone()
        if row is None:
            return Facts(target=Target(exists=False))
        owner_id, wrapped, sealed, expires_at = row
        expired = expires_at <= at
        target = Target(owner_id=owner_id, expired=expired)
        if owner_id != actor.id or expired:
            return Facts(target=target)
        keyring = subjects.unwrap_ephemeral(self.application_id, bytes(wrapped))
        told = keyring.unseal_json(TABLE, COLUMN, self.application_id, bytes(sealed))
        return self.answered(target, ApplicationRow(self.application_id, expires_at, told), keyring)

    def answered(self, target: Target, row: ApplicationRow, keyring: Keyring) -> Facts:
        standing = Standing(
            holder_present="card_read_at" in row.told, identity_proved=row.told.get("proved", False)
        )
        return Facts(target=target, standing=standing, unwrap=lambda: keyring, row=row)


def begin(application_id: UUID, told: dict[str, Any], *, owner_id: UUID, at: datetime) -> None:
    """Write the row. Call it with a passage in hand."""
    keyring = ephemeral()
    sealed = keyring.seal_json(TABLE, COLUMN, application_id, told)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dossiers_application (id, owner_id, wrapped_key, sealed, expires_at)"
            " VALUES (%s, %s, %s, %s, %s)",
            [
                application_id,
                owner_id,
                subjects.wrap_ephemeral(keyring, application_id),
                sealed,
                at + LIFETIME,
            ],
        )


def keep(passage: Passage, *, until: datetime | None = None, **answers: Any) -> None:
    """Add answers to the application entered; an answer of None is forgotten."""
    row: ApplicationRow = passage.facts.row
    told = {name: value for name, value in {**row.told, **answers}.items() if value is not None}
    sealed = passage.keyring.seal_json(TABLE, COLUMN, row.id, told)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dossiers_application SET sealed = %s, expires_at = %s WHERE id = %s",
            [sealed, until or row.expires_at, row.id],
        )


def forget(passage: Passage) -> None:
    """Delete the application entered, and its key with it."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dossiers_application WHERE id = %s", [passage.facts.row.id])


def purge(*, at: datetime) -> int:
    """Delete what waited too long; answers how many. Reads nothing of anybody."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dossiers_application WHERE expires_at <= %s", [at])
        return cursor.rowcount
