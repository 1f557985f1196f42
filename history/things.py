"""What one may ask for here: the care history of a dossier, whether it has one yet or not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from access.gate import Entering, Facts, Row
from access.policy import Status, Target
from accounts.actors import Actor, Capacity
from documents import things as documents
from documents.nomenclature import CARE_HISTORY, TYPES
from dossiers import things
from dossiers.things import DossierAtTheDoor, DossierRow

from .models import ImportPhase

CLASS_CODE = TYPES[CARE_HISTORY].class_code
WIDTH, IMPORT_WIDTH = 9, 5  # how many values the statement and the import give, before the document's


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
class ImportRow:
    """Where the import is: its phase, since when, why, the insurer's last answer, when it is asked again."""

    phase: ImportPhase
    cause: str
    since: datetime
    answered_at: datetime | None
    retry_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CareHistoryRow:
    """What the gate read on the way in: the dossier, its current statement, where its import is.

    Without `importing`, the insurer was not asked yet: it is from the opening on.
    """

    dossier: DossierRow
    statement: StatementRow | None
    importing: ImportRow | None

    @property
    def sealed_identity(self) -> bytes:
        return self.dossier.sealed_identity


@dataclass(frozen=True, slots=True)
class CareHistoryAtTheDoor:
    """The care history of a dossier, filed as a document.

    `following`: how far its import is, and nothing of the document, which somebody may have altered.
    """

    dossier_id: UUID
    following: bool = False

    @property
    def pin(self) -> UUID:
        return self.dossier_id

    def entering(self, actor: Actor, at: datetime) -> Entering:
        if actor.capacity is Capacity.AGENT:
            # Their database role sees no content, not even that there is one: the policy refuses without it.
            return DossierAtTheDoor(self.dossier_id).entering(actor, at)
        return Entering("history_entered", things.asking(self.dossier_id, actor, at))

    def facts(self, actor: Actor, at: datetime, read: Sequence[Row]) -> Facts:
        if actor.capacity is Capacity.AGENT:
            return DossierAtTheDoor(self.dossier_id).facts(actor, at, read)
        if not read:
            return things.ABSENT
        values = read[0]
        dossier = things.row_of(self.dossier_id, actor, values)
        own = values[things.WIDTH :]
        told, importing, filed = own[:WIDTH], own[WIDTH : WIDTH + IMPORT_WIDTH], own[WIDTH + IMPORT_WIDTH :]
        row = CareHistoryRow(dossier=dossier, statement=_statement(told), importing=_import(importing))
        asked = replace(row, statement=None) if self.following else row
        return things.facts_of(dossier, _target(dossier, asked, filed), also=row)


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


def _import(values: tuple[Any, ...]) -> ImportRow | None:
    phase, cause, since, answered_at, retry_at = values
    if phase is None:
        return None
    return ImportRow(
        phase=ImportPhase(phase), cause=cause, since=since, answered_at=answered_at, retry_at=retry_at
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
