"""Bringing a dossier its care history: ask, check whose it is, file it once.

The insurer is asked with no transaction open, nor any connection. What it sends is then filed, or kept
apart, in one passage that also settles the job: killed at any point, the job is simply done again, and what
was already filed is recognised by its bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from json import dumps
from uuid import uuid4
from zlib import compress
from zoneinfo import ZoneInfo

from django.db import IntegrityError, connection

from access import gate
from access.gate import Passage
from access.policy import Action
from accounts.identity import Ins
from documents import deposit
from documents.deposit import AlreadyReplaced
from documents.nomenclature import CARE_HISTORY
from dossiers.house import HOUSE
from dossiers.identity import identity_of
from jobs.leases import Held, Later, Lease

from . import cnam_hr, keeping, matching, merging, source
from .cnam_hr import Line, Rejected, Statement
from .keeping import Kept
from .models import ImportPhase
from .source import NotUnderstood, Received, Silent, Told, TooLarge
from .things import CareHistoryAtTheDoor, CareHistoryRow, ImportRow, StatementRow

PARIS = ZoneInfo("Europe/Paris")
MONTHS = 24  # what the insurer gives at the opening
TITLE = "Historique de remboursements"
AUTHOR = "Assurance Maladie"
MOST_HELD = 4 << 20  # bytes: beyond, what is held apart is known by its fingerprint only
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Question:
    """What the insurer is asked about a holder: who, since which day, what is known already."""

    ins: Ins
    since: date
    etag: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question: bytes or a word of the protocol; else the code under which what came is
    refused; else the silence, with how long to leave the insurer in peace when it said so, and whether that
    may last as long as it likes: an answer that the protocol does not have ends before a person."""

    said: Received | Told | None = None
    refused: str | None = None
    silence: str | None = None
    retry_after: timedelta | None = None
    patient: bool = True


def question(lease: Lease, *, at: datetime) -> Question:
    """What to ask the insurer about the holder. Raises Held when nothing may be asked."""
    try:
        with gate.admitted(
            HOUSE, Action.ASK_HISTORY, CareHistoryAtTheDoor(lease.subject_id), at=at
        ) as passage:
            known = _current(passage)
            since = months_before(passage.facts.row.dossier.opened_at.astimezone(PARIS).date(), MONTHS)
            return Question(identity_of(passage).ins, since, known.etag if known else None)
    except gate.Refused as refusal:
        raise Held(f"dossier.{refusal.decision.reason}") from None


def ask(asked: Question) -> Answer:
    """Put the question. Nothing of the database is read: it takes as long as the insurer does."""
    try:
        return Answer(source.ask(asked.ins, since=asked.since, etag=asked.etag))
    except TooLarge:
        return Answer(refused="too_large")
    except NotUnderstood as error:
        return Answer(silence=error.code, retry_after=LONGEST_WAIT, patient=False)
    except Silent as silence:
        return Answer(silence=silence.code, retry_after=silence.retry_after)


def settle(lease: Lease, answer: Answer, *, at: datetime) -> None:
    """File what came, keep it apart, or note the silence; the job's end goes with it.

    Raises Held, or Later after a silence or a race.
    """
    if answer.silence is not None:
        raise _unanswered(lease, answer, answer.silence, at)
    try:
        held = _settle(lease, answer, at)
    except (IntegrityError, AlreadyReplaced):
        # Another import of the same dossier came first. Done again, this one will see its work.
        raise Later("raced", timedelta(seconds=2)) from None
    if held:
        raise Held(held)


def give_up(lease: Lease, code: str, *, at: datetime) -> None:
    """The job is about to be buried: the import waits for a person. Raises gate.Refused."""
    with gate.admitted(HOUSE, Action.IMPORT, CareHistoryAtTheDoor(lease.subject_id), at=at) as passage:
        lease.fence()
        _note(passage, ImportPhase.HELD, cause=code)
        passage.tell(outcome="held", code=code)


def leave_out(lease: Lease, *, at: datetime) -> None:
    """A person closed the case: what was held apart is forgotten, and stays out. Raises gate.Refused."""
    with gate.admitted(HOUSE, Action.IMPORT, CareHistoryAtTheDoor(lease.subject_id), at=at) as passage:
        lease.done()
        _execute(
            "UPDATE history_held SET closed_at = %s::timestamptz, sealed = NULL"
            " WHERE dossier_id = %s::uuid AND closed_at IS NULL",
            [at, passage.dossier_id],
        )
        row: CareHistoryRow = passage.facts.row
        # Since it was closed, another import may have found its place, or be under way.
        if row.importing is not None and row.importing.phase is ImportPhase.HELD:
            _note(passage, ImportPhase.LEFT_OUT if row.statement is None else ImportPhase.FILED)
        passage.tell(outcome="left_out")


def _unanswered(lease: Lease, answer: Answer, code: str, at: datetime) -> Later:
    """Note that the insurer did not answer, and when it is asked again."""
    with gate.admitted(HOUSE, Action.ASK_HISTORY, CareHistoryAtTheDoor(lease.subject_id), at=at) as passage:
        lease.fence()
        row: ImportRow | None = passage.facts.row.importing
        silent = row is not None and row.phase is ImportPhase.TRYING_AGAIN
        since = row.since if row is not None and silent else at
        wait = answer.retry_after if answer.retry_after is not None else _patience(at - since)
        _note(passage, ImportPhase.TRYING_AGAIN, cause=code, since=since, retry_at=at + wait)
        passage.tell(outcome="unanswered", code=code)
    return Later(code, wait, patient=answer.patient)


def _patience(silent_for: timedelta) -> timedelta:
    """How long to leave a silent insurer in peace: half as long as it has been silent already."""
    return min(max(silent_for / 2, FIRST_WAIT), LONGEST_WAIT)


def _note(
    passage: Passage,
    phase: ImportPhase,
    *,
    cause: str = "",
    since: datetime | None = None,
    retry_at: datetime | None = None,
    answered: bool = False,
) -> None:
    """Write where the import is, for whoever follows it."""
    _execute(
        """INSERT INTO history_import AS i (dossier_id, phase, cause, since, answered_at, retry_at)
           VALUES (%s::uuid, %s, %s, %s::timestamptz, %s::timestamptz, %s::timestamptz)
           ON CONFLICT (dossier_id) DO UPDATE SET phase = excluded.phase, cause = excluded.cause,
             since = excluded.since, answered_at = coalesce(excluded.answered_at, i.answered_at),
             retry_at = excluded.retry_at""",
        [
            *(passage.dossier_id, str(phase), cause[:60], since or passage.at),
            *(passage.at if answered else None, retry_at),
        ],
    )


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError


def _settle(lease: Lease, answer: Answer, at: datetime) -> str | None:
    """The code under which what came is held apart, None when it found its place."""
    statement, refused = None, answer.refused
    if isinstance(answer.said, Received):
        try:
            statement = cnam_hr.read(answer.said.data)
        except Rejected as rejection:
            refused = rejection.code
    with gate.admitted(HOUSE, Action.IMPORT, CareHistoryAtTheDoor(lease.subject_id), at=at) as passage:
        if statement is not None and isinstance(answer.said, Received):
            refused = _file(passage, lease, statement, answer.said)
            if refused is None:
                return None
        if refused is None:
            said = Told(str(answer.said))
            passage.tell(outcome=said.value)
            lease.done(code=said.value)
            known = said is Told.UNCHANGED or passage.facts.row.statement is not None
            _note(passage, ImportPhase.FILED if known else ImportPhase.NOTHING, answered=True)
            return None
        lease.fence()
        _keep_apart(passage, refused, answer.said if isinstance(answer.said, Received) else None)
        _note(passage, ImportPhase.HELD, cause=refused, answered=True)
        passage.tell(outcome="held", code=refused)
        return refused


def _current(passage: Passage) -> Kept | None:
    row: StatementRow | None = passage.facts.row.statement
    if row is None:
        return None
    return keeping.unseal(passage.keyring, passage.dossier_id, row.version, row.sealed)


# --- Filing ---------------------------------------------------------------------------------------


def _file(passage: Passage, lease: Lease, statement: Statement, received: Received) -> str | None:
    """File a statement and end the job, unless it is somebody else's: then the code of the refusal."""
    holder = identity_of(passage)
    if differs := matching.mismatch((holder.ins, holder.traits), (statement.ins, statement.traits)):
        return differs.code
    row: StatementRow | None = passage.facts.row.statement
    sha256 = keeping.fingerprint(received.data)
    mac = keeping.content_mac(passage.keyring, sha256)
    if row is not None and row.content_mac == mac:
        _end(passage, lease, "unchanged")
        return None
    before = _current(passage)
    if before is not None and statement.written_at < before.written_at:
        _end(passage, lease, "stale")
        return None
    after = _accumulated(before, statement, sha256, received.etag)
    if row is not None and before is not None and before.lines == after.lines:
        _end(passage, lease, "unchanged")
        _date_again(passage, row, after, mac)
        return None
    _end(passage, lease, "filed", count=after.line_count)
    _write(passage, row, before, after, mac)
    return None


def _end(passage: Passage, lease: Lease, outcome: str, **told: int) -> None:
    """End the job: first of all that is written, so that a lease which is no longer ours writes nothing."""
    lease.done(code=outcome)
    _note(passage, ImportPhase.FILED, answered=True)
    passage.tell(outcome=outcome, **told)


def _accumulated(before: Kept | None, statement: Statement, sha256: str, etag: str | None) -> Kept:
    lines: Mapping[str, tuple[Line, ...]] = {section.key: section.lines for section in statement.sections}
    start = statement.period_start
    if before is not None:
        lines = merging.accumulate(before.lines, lines, start=start, end=statement.period_end)
        start = min(start, before.period_start)
    return Kept.from_statement(statement, lines=lines, period_start=start, sha256=sha256, etag=etag)


def _write(passage: Passage, row: StatementRow | None, before: Kept | None, after: Kept, mac: bytes) -> None:
    dossier_id, keyring, version = passage.dossier_id, passage.keyring, 1
    if row is not None and before is not None:
        version = row.version + 1
        difference = merging.difference(before.lines, after.lines)
        _execute(
            "UPDATE history_statement SET sealed = NULL, sealed_difference = %s::bytea,"
            " superseded_at = %s::timestamptz"
            " WHERE dossier_id = %s::uuid AND version = %s AND superseded_at IS NULL",
            [
                keeping.seal_difference(keyring, dossier_id, row.version, before, difference),
                *(passage.at, dossier_id, row.version),
            ],
        )
    document_id = deposit.file(
        passage,
        type_code=CARE_HISTORY,
        title=TITLE,
        created_on=after.written_at.date(),
        author_name=AUTHOR,
        replaces=row.document_id if row is not None else None,
    )
    _execute(
        # What a person had been asked to look at is answered by a statement that could be filed.
        """WITH answered AS (
             UPDATE history_held SET closed_at = %s::timestamptz, sealed = NULL
              WHERE dossier_id = %s::uuid AND closed_at IS NULL)
           INSERT INTO history_statement (dossier_id, version, document_id, received_at, written_on,
             period_start, period_end, line_count, content_mac, sealed)
           VALUES (%s::uuid, %s, %s::uuid, %s::timestamptz, %s::date, %s::date, %s::date, %s,
             %s::bytea, %s::bytea)""",
        [
            *(passage.at, dossier_id),
            *(dossier_id, version, document_id, passage.at, after.written_at.date()),
            *(after.period_start, after.period_end, after.line_count, mac),
            keeping.seal(keyring, dossier_id, version, after),
        ],
    )


def _date_again(passage: Passage, row: StatementRow, after: Kept, mac: bytes) -> None:
    """The same lines, told again later: no new version, a fresher date."""
    _execute(
        "UPDATE history_statement SET received_at = %s::timestamptz, written_on = %s::date,"
        " period_start = %s::date, period_end = %s::date, content_mac = %s::bytea, sealed = %s::bytea"
        " WHERE dossier_id = %s::uuid AND version = %s AND superseded_at IS NULL",
        [
            *(passage.at, after.written_at.date(), after.period_start, after.period_end, mac),
            keeping.seal(passage.keyring, passage.dossier_id, row.version, after),
            *(passage.dossier_id, row.version),
        ],
    )


# --- Keeping apart --------------------------------------------------------------------------------


def _keep_apart(passage: Passage, code: str, received: Received | None) -> None:
    """Hold what came until a person has looked. The dossier shows nothing of it."""
    data = received.data if received else b""
    sha256 = keeping.fingerprint(data)
    held_id = uuid4()
    told = dumps({"code": code, "sha256": sha256, "size": len(data), "etag": received and received.etag})
    body = told.encode() + b"\n" + (compress(data, keeping.SPEED) if len(data) <= MOST_HELD else b"")
    _execute(
        "INSERT INTO history_held (id, dossier_id, code, received_at, content_mac, sealed)"
        " VALUES (%s::uuid, %s::uuid, %s, %s::timestamptz, %s::bytea, %s::bytea) ON CONFLICT DO NOTHING",
        [
            *(held_id, passage.dossier_id, code, passage.at),
            keeping.content_mac(passage.keyring, sha256),
            passage.keyring.seal("history_held", "sealed", held_id, body),
        ],
    )


def _execute(statement: str, values: list[object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
