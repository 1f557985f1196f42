"""Reading the care history, and following its arrival."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from access import gate
from access.policy import Action
from accounts.actors import Actor
from dossiers.identity import HolderBanner, holder_of
from dossiers.opening import IMPORT_HISTORY
from jobs import queue
from jobs.models import State
from jobs.queue import JobState

from . import keeping, sections
from .keeping import Kept
from .source import Told
from .things import CareHistoryAtTheDoor, StatementRow

SHOWN_AS = "Parcours de soins"


class Phase(StrEnum):
    """Where the import is, as one tells the person it is for."""

    NEVER = "never"  # nobody asked yet
    ASKED = "asked"
    TRYING_AGAIN = "trying_again"  # the insurer did not answer
    NOTHING = "nothing"  # the insurer knows of no care
    DONE = "done"
    HELD = "held"  # what came is kept out; a person looks
    LEFT_OUT = "left_out"  # a person looked: what came stays out


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportState:
    """How far the import is: since when, when it is tried again, what the dossier already has."""

    phase: Phase
    since: datetime | None = None
    retry_at: datetime | None = None
    lines: int = 0
    dated_on: date | None = None

    @property
    def moving(self) -> bool:
        """Whether a page that follows it should look again."""
        return self.phase in (Phase.ASKED, Phase.TRYING_AGAIN)


@dataclass(frozen=True, slots=True)
class LineShown:
    """One line: "H" when it was done during a stay in hospital, then a cell for each column."""

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
    """What the Assurance Maladie reimbursed, as a readable statement. Without one, sections are empty."""

    holder: HolderBanner
    state: ImportState
    dated_on: date | None = None
    period: tuple[date, date] | None = None
    mention: str = ""
    sections: tuple[SectionShown, ...] = ()
    total: int = 0


def care_history(dossier_id: UUID, *, by: Actor, at: datetime) -> CareHistory:
    """The care history of a dossier, every line of it."""
    with gate.admitted(by, Action.READ, CareHistoryAtTheDoor(dossier_id), at=at, title=SHOWN_AS) as passage:
        row: StatementRow | None = passage.facts.row.statement
        holder, state = holder_of(passage), _state(dossier_id, row)
        if row is None:
            return CareHistory(holder=holder, state=state)
        passage.tell(count=row.line_count)
        kept = keeping.unseal(passage.keyring, dossier_id, row.version, row.sealed)
        return CareHistory(
            holder=holder,
            state=state,
            dated_on=row.written_on,
            period=(row.period_start, row.period_end),
            mention=kept.mention,
            sections=tuple(_section(form, kept) for form in sections.FORMS),
            total=row.line_count,
        )


def progress(dossier_id: UUID, *, by: Actor, at: datetime) -> ImportState:
    """How far the import is, for the holder who waits for it."""
    with gate.admitted(by, Action.FOLLOW, CareHistoryAtTheDoor(dossier_id), at=at) as passage:
        return _state(dossier_id, passage.facts.row.statement)


def _section(form: sections.Form, kept: Kept) -> SectionShown:
    return SectionShown(
        key=form.key,
        title=form.title,
        columns=form.columns,
        lines=tuple(LineShown(line[0], line[1:]) for line in kept.lines[form.key]),
        note=kept.notes.get(form.key, ""),
    )


def _state(dossier_id: UUID, row: StatementRow | None) -> ImportState:
    job = queue.latest(IMPORT_HISTORY, dossier_id)
    phase = _phase(job, filed=row is not None)
    return ImportState(
        phase=phase,
        since=row.received_at if row and phase is Phase.DONE else job and job.created_at,
        retry_at=job.run_after if job and phase is Phase.TRYING_AGAIN else None,
        lines=row.line_count if row else 0,
        dated_on=row.written_on if row else None,
    )


def _phase(job: JobState | None, *, filed: bool) -> Phase:
    match job:
        case JobState(state=State.READY | State.LEASED, code=""):
            return Phase.ASKED
        case JobState(state=State.READY | State.LEASED):
            return Phase.TRYING_AGAIN
        case JobState(state=State.HELD | State.DEAD):
            return Phase.HELD
        case _ if filed:
            return Phase.DONE
        case None:
            return Phase.NEVER
        case JobState(code=Told.NOTHING | Told.UNKNOWN):
            return Phase.NOTHING
    return Phase.LEFT_OUT
