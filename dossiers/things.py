"""What one may ask for: a dossier, the register of dossiers. Each answers in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from access.gate import Entering, Facts, ReadsForItself, Row
from access.policy import Standing, Target
from accounts.actors import Actor, Capacity
from vault import subjects
from vault.keyring import Keyring
from vault.subjects import Wrapped

from .models import DOSSIER, GRANT


@dataclass(frozen=True, slots=True)
class GrantRow:
    """What stands in clear of an agreement, and what binds it to its row."""

    grant_id: UUID
    grantee_id: UUID
    structure_id: UUID | None
    since: datetime
    until: datetime
    facts_mac: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRow:
    """What the gate read of a dossier on the way in."""

    dossier_id: UUID
    holder_id: UUID
    opened_at: datetime
    closed_at: datetime | None
    sealed_identity: bytes
    facts_mac: bytes | None
    keyring: Keyring  # what binds its rows is checked with it before anything is decided
    grant: GrantRow | None

    @property
    def dossier(self) -> "DossierRow":
        """Whatever the gate read inside a dossier, `row.dossier` is the dossier."""
        return self

    @property
    def granted_until(self) -> datetime | None:
        """Until when the agreement lets read; None without one, or when somebody without a key wrote it."""
        return (
            self.grant.until
            if self.grant and grant_holds(self.keyring, self.dossier_id, self.grant)
            else None
        )


# How many values `dossiers_at_the_door` gives; what lies in a dossier is read beside it.
WIDTH = 14


def asking(dossier_id: UUID, actor: Actor, at: datetime) -> tuple[Any, ...]:
    """The arguments of `dossiers_at_the_door`, and the first of any function that enters a dossier."""
    return dossier_id, actor.id, actor.structure_id, at


def row_of(dossier_id: UUID, actor: Actor, values: Row) -> DossierRow:
    """The row that `dossiers_at_the_door` gave about this dossier to this actor.

    Raises vault.keyring.Unsealable when the dossier's own key was altered.
    """
    (
        holder_id, opened_at, closed_at, sealed, facts_mac, kind, version, kek_version, wrapped,
        grant_id, structure_id, since, until, grant_mac,
    ) = values[:WIDTH]  # fmt: skip
    grant = None
    if grant_id is not None:
        grant = GrantRow(
            grant_id=grant_id,
            grantee_id=actor.id,
            structure_id=structure_id,
            since=since,
            until=until,
            facts_mac=grant_mac,
        )
    return DossierRow(
        dossier_id=dossier_id,
        holder_id=holder_id,
        opened_at=opened_at,
        closed_at=closed_at,
        sealed_identity=bytes(sealed),
        facts_mac=facts_mac,
        keyring=subjects.unwrap(dossier_id, Wrapped(kind, version, kek_version, bytes(wrapped))),
        grant=grant,
    )


def grant_holds(keyring: Keyring, dossier_id: UUID, grant: GrantRow) -> bool:
    """Whether the agreement is as somebody with the dossier's key wrote it."""
    return GRANT.holds(
        keyring,
        grant.facts_mac,
        grant.grant_id,
        dossier_id,
        grant.grantee_id,
        grant.structure_id,
        grant.since,
        grant.until,
    )


def dossier_holds(row: DossierRow) -> bool:
    """Whether the dossier is that of who held it when it was written, open or closed as it was."""
    return DOSSIER.holds(
        row.keyring, row.facts_mac, row.dossier_id, row.holder_id, row.opened_at, row.closed_at
    )


def facts_of(row: DossierRow, target: Target, *, also: Any = None) -> Facts:
    """Facts about a thing inside the dossier that `row` describes."""
    granted = row.granted_until is not None
    return Facts(
        target=target if dossier_holds(row) else replace(target, altered=True),
        standing=Standing(granted=granted, grant_altered=row.grant is not None and not granted),
        unwrap=lambda: row.keyring,
        row=row if also is None else also,
    )


def target_of(row: DossierRow) -> Target:
    return Target(dossier_id=row.dossier_id, holder_id=row.holder_id, open=row.closed_at is None)


ABSENT = Facts(target=Target(exists=False))


@dataclass(frozen=True, slots=True)
class DossierAtTheDoor:
    dossier_id: UUID

    @property
    def pin(self) -> UUID:
        return self.dossier_id

    def entering(self, actor: Actor, at: datetime) -> Entering:
        return Entering("dossiers_entered", asking(self.dossier_id, actor, at))

    def facts(self, actor: Actor, at: datetime, read: Sequence[Row]) -> Facts:
        if not read:
            return ABSENT
        row = row_of(self.dossier_id, actor, read[0])
        return facts_of(row, target_of(row))

    def facts_within(self, actor: Actor, at: datetime) -> Facts:
        """The same, for what finds the dossier only after the role was taken."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT * FROM dossiers_at_the_door(%s, %s, %s, %s)", asking(self.dossier_id, actor, at)
            )
            return self.facts(actor, at, cursor.fetchall())


@dataclass(frozen=True, slots=True)
class Register(ReadsForItself):
    """All dossiers at once, as a place where one looks for people: no content is reached from it."""

    @property
    def pin(self) -> None:
        return None

    def facts(self, actor: Actor, at: datetime, read: Sequence[Row] = ()) -> Facts:
        return Facts(target=Target())


@dataclass(frozen=True, slots=True)
class Space(ReadsForItself):
    """The pages of one kind of people. Asked about when somebody knocks at the wrong one."""

    audience: frozenset[Capacity]

    @property
    def pin(self) -> None:
        return None

    def facts(self, actor: Actor, at: datetime, read: Sequence[Row] = ()) -> Facts:
        return Facts(target=Target(audience=self.audience))
