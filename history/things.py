"""What one may ask for here: the care history of a dossier, whether it has one yet or not."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from access.gate import Facts
from access.policy import Status, Target
from accounts.actors import Actor, Capacity
from documents import things as documents
from documents.nomenclature import CARE_HISTORY, TYPES
from dossiers import things
from dossiers.things import DossierAtTheDoor, DossierRow

CLASS_CODE = TYPES[CARE_HISTORY].class_code
WIDTH = 9  # how many values the statement gives, before those of its document


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """The current statement as its row tells it, lines still sealed."""

    version: int
    document_id: UUID
    received_at: datetime
    written_on: date
    period_start: date
    period_end: date
    line_count: int
    content_mac: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CareHistoryRow:
    """What the gate read on the way in: the dossier, and its current statement if there is one."""

    dossier: DossierRow
    statement: StatementRow | None

    @property
    def sealed_identity(self) -> bytes:
        return self.dossier.sealed_identity


@dataclass(frozen=True, slots=True)
class CareHistoryAtTheDoor:
    dossier_id: UUID

    @property
    def pin(self) -> UUID:
        return self.dossier_id

    def facts(self, actor: Actor, at: datetime) -> Facts:
        if actor.capacity is Capacity.AGENT:
            # Their database role sees no content, not even that there is one: the policy refuses without it.
            return DossierAtTheDoor(self.dossier_id).facts(actor, at)
        with connection.cursor() as cursor:
            cursor.execute(
                f"""SELECT {things.COLUMNS},
                      s.version, s.document_id, s.received_at, s.written_on, s.period_start, s.period_end,
                      s.line_count, s.content_mac, s.sealed,
                      {documents.DOCUMENT}
                    FROM {things.FROM}
                    LEFT JOIN history_statement s ON s.dossier_id = d.id AND s.superseded_at IS NULL
                    LEFT JOIN documents_document doc ON doc.dossier_id = d.id AND doc.id = s.document_id
                    WHERE {things.WHERE}""",  # noqa: S608 - only the columns of the house are spliced in
                things.asking(self.dossier_id, actor, at),
            )
            values = cursor.fetchone()
        if values is None:
            return things.ABSENT
        dossier = things.row_of(self.dossier_id, actor, values)
        told, filed = values[things.WIDTH : things.WIDTH + WIDTH], values[things.WIDTH + WIDTH :]
        row = CareHistoryRow(dossier=dossier, statement=_statement(told))
        return things.facts_of(dossier, _target(dossier, row, filed), also=row)


def _statement(values: tuple[Any, ...]) -> StatementRow | None:
    version, document_id, received_at, written_on, start, end, line_count, mac, sealed = values
    if version is None:
        return None
    return StatementRow(
        version=version,
        document_id=document_id,
        received_at=received_at,
        written_on=written_on,
        period_start=start,
        period_end=end,
        line_count=line_count,
        content_mac=bytes(mac),
        sealed=bytes(sealed),
    )


def _target(dossier: DossierRow, row: CareHistoryRow, filed: tuple[Any, ...]) -> Target:
    """The document under which the statement is filed; before there is one, that it would be."""
    if row.statement is None:
        return replace(
            things.target_of(dossier),
            document_type=CARE_HISTORY,
            document_class=CLASS_CODE,
            status=Status.AVAILABLE,
        )
    if filed[0] is None:  # a statement without its document: somebody took it away
        return replace(things.target_of(dossier), altered=True)
    return documents.target_of(documents.document_row(dossier, filed, {}))
