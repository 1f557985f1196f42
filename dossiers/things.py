"""What one may ask for: a dossier, the register of dossiers. Each answers in one statement."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from access.gate import Facts
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


# Other things of a dossier add their own columns and joins to these, so that the gate still asks once.
COLUMNS = """d.holder_id, d.opened_at, d.closed_at, d.sealed_identity, d.facts_mac,
    k.kind, k.version, k.kek_version, k.wrapped,
    g.id, g.structure_id, g.since, g.until, g.facts_mac"""
GRANT_IN_FORCE = """LEFT JOIN dossiers_grant g ON g.dossier_id = d.id AND g.grantee_id = %(actor)s::uuid
    AND g.structure_id IS NOT DISTINCT FROM %(structure)s::uuid
    AND g.since <= %(at)s::timestamptz AND g.until > %(at)s::timestamptz"""
FROM = f"dossiers_dossier d JOIN vault_subjectkey k ON k.subject_id = d.id {GRANT_IN_FORCE}"
WHERE = "d.id = %(dossier)s::uuid"
WIDTH = 14  # how many values COLUMNS gives


def asking(dossier_id: UUID | None, actor: Actor, at: datetime) -> dict[str, Any]:
    """The parameters of FROM and WHERE."""
    return {"dossier": dossier_id, "actor": actor.id, "structure": actor.structure_id, "at": at}


def row_of(dossier_id: UUID, actor: Actor, values: tuple[Any, ...]) -> DossierRow:
    """The row that COLUMNS gave about this dossier to this actor.

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

    def facts(self, actor: Actor, at: datetime) -> Facts:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {COLUMNS} FROM {FROM} WHERE {WHERE}",  # noqa: S608 constants above
                asking(self.dossier_id, actor, at),
            )
            values = cursor.fetchone()
        if values is None:
            return ABSENT
        row = row_of(self.dossier_id, actor, values)
        return facts_of(row, target_of(row))


@dataclass(frozen=True, slots=True)
class Register:
    """All dossiers at once, as a place where one looks for people: no content is reached from it."""

    @property
    def pin(self) -> None:
        return None

    def facts(self, actor: Actor, at: datetime) -> Facts:
        return Facts(target=Target())


@dataclass(frozen=True, slots=True)
class Space:
    """The pages of one kind of people. Asked about when somebody knocks at the wrong one."""

    audience: frozenset[Capacity]

    @property
    def pin(self) -> None:
        return None

    def facts(self, actor: Actor, at: datetime) -> Facts:
        return Facts(target=Target(audience=self.audience))
