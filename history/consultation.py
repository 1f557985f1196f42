"""Reading the care history, and following its arrival."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from access import gate
from access.policy import Action
from accounts.actors import Actor
from documents.nomenclature import CARE_HISTORY, TYPES
from dossiers.identity import HolderBanner, holder_of

from . import keeping, sections
from .keeping import Kept
from .models import ImportPhase
from .things import CareHistoryAtTheDoor, CareHistoryRow, ImportRow, StatementRow

SHOWN_AS = TYPES[CARE_HISTORY].label


class Phase(StrEnum):
    """Where the import is, as one tells the person it is for."""

    ASKED = "asked"  # at the opening
    TRYING_AGAIN = "trying_again"  # the insurer did not answer
    NOTHING = "nothing"  # the insurer knows of no care
    DONE = "done"
    HELD = "held"  # what came is kept out; a person looks
    LEFT_OUT = "left_out"  # a person looked: what came stays out


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportState:
    """How far the import is: since when, when it is tried again, what the dossier already has."""

    holder: HolderBanner
    phase: Phase
    since: datetime | None = None
    retry_at: datetime | None = None
    cause: str = ""  # the code of a silence or of a refusal; of what was answered when nothing is known
    lines: int = 0
    dated_on: date | None = None

    @property
    def moving(self) -> bool:
        """Whether a page that follows it should look again."""
        return self.phase in (Phase.ASKED, Phase.TRYING_AGAIN)


@dataclass(frozen=True, slots=True)
class LineShown:
    """One line: "H" when it was done during a stay in hospital, then a cell for each column, as it was
    written. What a cell shows as deleted or added is marked in it: see `history.revisions`."""

    marker: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionShown:
    key: str
    title: str
    columns: tuple[str, ...]
    lines: tuple[LineShown, ...]
    note: str  # what the section says beside its lines, or instead of them


@dataclass(frozen=True, slots=True, kw_only=True)
class CareHistory:
    """What the Assurance Maladie reimbursed, as a readable statement. Without one, sections are empty.

    `partial`: the dates of the statement that are known in part only, as ISO writes them (`2024-11`), under
    `start`, `end` and `written`.
    """

    holder: HolderBanner
    state: ImportState
    dated_on: date | None = None
    period: tuple[date, date] | None = None
    partial: Mapping[str, str] = field(default_factory=dict)
    mention: str = ""
    sections: tuple[SectionShown, ...] = ()
    total: int = 0


def care_history(dossier_id: UUID, *, by: Actor, at: datetime) -> CareHistory:
    """The care history of a dossier, every line of it."""
    with gate.admitted(by, Action.READ, CareHistoryAtTheDoor(dossier_id), at=at, title=SHOWN_AS) as passage:
        row: StatementRow | None = passage.facts.row.statement
        state = _state(passage)
        if row is None:
            return CareHistory(holder=state.holder, state=state)
        passage.tell(count=row.line_count)
        kept = keeping.unseal(passage.keyring, dossier_id, row.version, row.sealed)
        return CareHistory(
            holder=state.holder,
            state=state,
            dated_on=row.written_on,
            period=(row.period_start, row.period_end),
            partial=kept.partial,
            mention=kept.mention,
            sections=tuple(_section(form, kept) for form in sections.FORMS),
            total=row.line_count,
        )


def progress(dossier_id: UUID, *, by: Actor, at: datetime) -> ImportState:
    """How far the import is, for the holder who waits for it."""
    thing = CareHistoryAtTheDoor(dossier_id, following=True)
    with gate.admitted(by, Action.FOLLOW, thing, at=at) as passage:
        return _state(passage)


def _section(form: sections.Form, kept: Kept) -> SectionShown:
    lines, note = kept.lines[form.key], kept.notes.get(form.key, "")
    if lines and note == sections.EMPTY:  # nothing in the last period: lines of earlier ones are here
        note = ""
    return SectionShown(
        key=form.key,
        title=form.title,
        columns=form.columns,
        lines=tuple(LineShown(line[0], line[1:]) for line in lines),
        note=note,
    )


def _state(passage: gate.Passage) -> ImportState:
    row: CareHistoryRow = passage.facts.row
    statement, importing = row.statement, row.importing
    phase = _phase(importing)
    return ImportState(
        holder=holder_of(passage),
        phase=phase,
        since=_since(row, phase),
        retry_at=importing.retry_at if importing else None,
        cause=importing.cause if importing else "",
        lines=statement.line_count if statement else 0,
        dated_on=statement.written_on if statement else None,
    )


def _phase(importing: ImportRow | None) -> Phase:
    if importing is None:
        return Phase.ASKED
    return Phase.DONE if importing.phase is ImportPhase.FILED else Phase(importing.phase.value)


def _since(row: CareHistoryRow, phase: Phase) -> datetime:
    if row.importing is None:
        return row.dossier.opened_at
    if phase is Phase.DONE and row.statement is not None:
        return row.statement.received_at
    return row.importing.since
