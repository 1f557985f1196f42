"""What one may ask for: a dossier, the register of dossiers. Each answers in one statement."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from access.gate import Facts
from access.policy import Standing, Target
from accounts.actors import Actor, Capacity
from vault import subjects
from vault.subjects import Wrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRow:
    """What the gate read of a dossier on the way in."""

    dossier_id: UUID
    holder_id: UUID
    opened_at: datetime
    closed_at: datetime | None
    sealed_identity: bytes
    wrapped: Wrapped
    granted_until: datetime | None


# Other things of a dossier add their own columns and joins to these, so that the gate still asks once.
COLUMNS = """d.holder_id, d.opened_at, d.closed_at, d.sealed_identity,
    k.kind, k.version, k.kek_version, k.wrapped,
    (SELECT g.until FROM dossiers_grant g
      WHERE g.dossier_id = d.id AND g.grantee_id = %(actor)s AND g.since <= %(at)s AND g.until > %(at)s)"""
FROM = "dossiers_dossier d JOIN vault_subjectkey k ON k.subject_id = d.id"
WHERE = "d.id = %(dossier)s"
WIDTH = 9  # how many values COLUMNS gives


def row_of(dossier_id: UUID, values: tuple[Any, ...]) -> DossierRow:
    holder_id, opened_at, closed_at, sealed, kind, version, kek_version, wrapped, granted_until = values[
        :WIDTH
    ]
    return DossierRow(
        dossier_id=dossier_id,
        holder_id=holder_id,
        opened_at=opened_at,
        closed_at=closed_at,
        sealed_identity=bytes(sealed),
        wrapped=Wrapped(kind, version, kek_version, bytes(wrapped)),
        granted_until=granted_until,
    )


def facts_of(row: DossierRow, target: Target, *, also: Any = None) -> Facts:
    """Facts about a thing inside the dossier that `row` describes."""
    return Facts(
        target=target,
        standing=Standing(granted=row.granted_until is not None),
        unwrap=lambda: subjects.unwrap(row.dossier_id, row.wrapped),
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
                {"dossier": self.dossier_id, "actor": actor.id, "at": at},
            )
            values = cursor.fetchone()
        if values is None:
            return ABSENT
        row = row_of(self.dossier_id, values)
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
