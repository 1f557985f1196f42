"""Bringing a dossier its care history: ask, check whose it is, file it once.

The insurer is asked with no transaction open, nor any connection. What it sends is then filed, or kept
apart, in one passage that also settles the job: killed at any point, the job is simply done again, and what
was already filed is recognised by its bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from json import dumps
from uuid import uuid4
from zlib import compress

import structlog
from django.db import IntegrityError, connection
from psycopg.errors import UniqueViolation

from access import gate
from access.gate import Passage
from access.policy import Action
from accounts.identity import Ins
from accounts.paris import paris_day
from documents import deposit
from documents.deposit import AlreadyReplaced
from documents.nomenclature import CARE_HISTORY, TYPES
from dossiers import numbers
from dossiers.house import HOUSE
from dossiers.identity import identity_of
from jobs.leases import MAX_ATTEMPTS, Fenced, Held, Later, Lease

from . import cnam_hr, keeping, matching, merging, source
from .cnam_hr import Line, Rejected, Statement
from .keeping import Kept
from .models import ImportPhase
from .source import Received, Silent, Told, Unusable
from .things import CareHistoryAtTheDoor, CareHistoryRow, ImportRow, StatementRow

log = structlog.get_logger(__name__)

MONTHS = 24  # what the insurer gives at the opening
TITLE = TYPES[CARE_HISTORY].label
AUTHOR = "Assurance Maladie"
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=3)
LEAST_ASKED, MOST_ASKED = timedelta(seconds=10), timedelta(days=1)  # of the waits that the insurer asks for
AHEAD = timedelta(days=1)  # clocks and time zones differ; beyond, a date of the future is no date
RACES = 3


@dataclass(frozen=True, slots=True)
class Question:
    """What the insurer is asked about a holder: who, since which day, what is known already."""

    ins: Ins
    since: date
    etag: str | None
    known: bool  # whether a statement was filed already


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question: bytes or a word of the protocol; the code under which that, or what could
    not be asked, is refused; else the silence, with the wait that the insurer asked for if it did."""

    said: Received | Told | None = None
    refused: str | None = None
    silence: str | None = None
    retry_after: timedelta | None = None


def question(lease: Lease, *, at: datetime) -> Question:
    """What to ask the insurer about the holder. Raises Held when nothing may be asked."""
    try:
        with gate.admitted(
            HOUSE, Action.ASK_HISTORY, CareHistoryAtTheDoor(lease.subject_id), at=at
        ) as passage:
            known = _current(passage)
            since = months_before(paris_day(passage.facts.row.dossier.opened_at), MONTHS)
            # What was understood in another way is asked for whole: « unchanged » would keep a misreading.
            etag = known.etag if known and known.reading == cnam_hr.READING else None
            return Question(identity_of(passage).ins, since, etag, known is not None)
    except gate.Refused as refusal:
        raise Held(f"dossier.{refusal.decision.reason}") from None


def ask(asked: Question) -> Answer:
    """Put the question. Nothing of the database is read: it takes as long as the insurer does."""
    try:
        return Answer(source.ask(asked.ins, since=asked.since, etag=asked.etag, known=asked.known))
    except Unusable as answer:
        return Answer(Received(answer.data, None) if answer.data else None, refused=answer.code)
    except Silent as silence:
        return Answer(silence=silence.code, retry_after=silence.retry_after)


def settle(lease: Lease, answer: Answer, *, at: datetime) -> None:
    """File what came, keep it apart, or note the silence; the job's end goes with it.

    Raises Held, or Later after a silence or a race. What was received is never lost: what fails until the
    last attempt is kept apart, under the name of the failure.
    """
    try:
        if answer.silence is not None:
            raise _unanswered(lease, answer, answer.silence, at)
        held = _settle_after_others(lease, answer, at)
    except gate.Refused as refusal:  # a dossier closed meanwhile
        raise Held(f"dossier.{refusal.decision.reason}") from None
    except (Fenced, Later):
        raise
    except Exception as failure:
        if lease.attempts < MAX_ATTEMPTS or not isinstance(answer.said, Received):
            raise
        log.exception("statement not filed")
        held = f"error.{type(failure).__name__}"
        _settle(lease, replace(answer, refused=held), at)
    if held:
        raise Held(held)


def _settle_after_others(lease: Lease, answer: Answer, at: datetime) -> str | None:
    """The same as `_settle`, again when another import of the dossier came first: this one sees its work."""
    for _ in range(RACES):
        try:
            return _settle(lease, answer, at)
        except AlreadyReplaced:
            continue
        except IntegrityError as error:
            if not isinstance(error.__cause__, UniqueViolation):
                raise
    raise Later("raced", timedelta(seconds=2), patient=True)


def give_up(lease: Lease, code: str, *, at: datetime) -> None:
    """The job is about to be buried: the import waits for a person. Raises gate.Refused."""
    with gate.admitted(HOUSE, Action.IMPORT, CareHistoryAtTheDoor(lease.subject_id), at=at) as passage:
        lease.fence()
        _note(passage, ImportPhase.HELD, cause=code)
        passage.tell(outcome="not_received", code=code)


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
            phase = ImportPhase.LEFT_OUT if row.statement is None else ImportPhase.FILED
            _note(passage, phase, cause=row.importing.cause if row.statement is None else "")
        passage.tell(outcome="left_out")


def _unanswered(lease: Lease, answer: Answer, code: str, at: datetime) -> Later:
    """Note that the insurer did not answer, and when it is asked again."""
    with gate.admitted(HOUSE, Action.ASK_HISTORY, CareHistoryAtTheDoor(lease.subject_id), at=at) as passage:
        lease.fence()
        row: ImportRow | None = passage.facts.row.importing
        silent = row is not None and row.phase is ImportPhase.TRYING_AGAIN
        since = row.since if row is not None and silent else at
        wait = patience(answer.retry_after, silent_for=at - since)
        _note(passage, ImportPhase.TRYING_AGAIN, cause=code, since=since, retry_at=at + wait)
        passage.tell(outcome="unanswered", code=code)
    return Later(code, wait, patient=True)


def patience(asked: timedelta | None, *, silent_for: timedelta) -> timedelta:
    """How long to leave a silent insurer in peace: half as long as it has been silent already, or longer if
    it asked for longer, up to a day. However often it says « at once », it is asked less and less."""
    ours = min(max(silent_for / 2, FIRST_WAIT if asked is None else LEAST_ASKED), LONGEST_WAIT)
    return ours if asked is None else max(ours, min(asked, MOST_ASKED))


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
    if refused is None and isinstance(answer.said, Received):
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
            if passage.facts.row.statement is not None:
                _note(passage, ImportPhase.FILED, answered=True)
            else:
                _note(passage, ImportPhase.NOTHING, cause=said.value, answered=True)
            return None
        lease.fence()
        _keep_apart(passage, refused, answer.said if isinstance(answer.said, Received) else None)
        _note(passage, ImportPhase.HELD, cause=refused, answered=True)
        came = isinstance(answer.said, Received) or refused == "too_large"
        passage.tell(outcome="held" if came else "not_received", code=refused)
        return refused


def _current(passage: Passage) -> Kept | None:
    row: StatementRow | None = passage.facts.row.statement
    if row is None:
        return None
    return keeping.unseal(passage.keyring, passage.dossier_id, row.version, row.sealed)


# --- Filing ---------------------------------------------------------------------------------------


def _file(passage: Passage, lease: Lease, statement: Statement, received: Received) -> str | None:
    """File a statement and end the job, unless it is somebody else's, or of another time: then the code of
    the refusal."""
    holder = identity_of(passage)
    if differs := matching.mismatch(
        (holder.ins, holder.traits),
        (statement.ins, statement.traits),
        theirs=lambda number: numbers.is_of(number, holder, passage.dossier_id),
    ):
        return differs.code
    if early := _ahead_of(statement, passage.at):
        return early
    row: StatementRow | None = passage.facts.row.statement
    sha256 = keeping.fingerprint(received.data)
    mac = keeping.content_mac(passage.keyring, sha256)
    before = _current(passage)
    read_so = before is not None and before.reading == cnam_hr.READING
    if row is not None and row.content_mac == mac and read_so:
        _end(passage, lease, "unchanged")
        return None
    if row is not None and before is not None:
        # Whatever date it bore, what we have was written before it reached us.
        if statement.written_until < min(before.written_at, row.received_at):
            _end(passage, lease, "stale")
            return None
        if _apart(before, statement):
            return "period_apart"
    after = _accumulated(before, statement, sha256, received.etag, passage.at)
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


def _ahead_of(statement: Statement, at: datetime) -> str | None:
    """The code of a statement from the future. One that was filed would speak for days nobody has lived."""
    latest = at + AHEAD
    if statement.written_at > latest:
        return "dated_in_the_future"
    if max(statement.period_start, statement.sure[1]) > paris_day(latest):
        return "period_in_the_future"
    return None


def _apart(before: Kept, statement: Statement) -> bool:
    """Whether days that nobody spoke for would stand between what is known and what is told."""
    day = timedelta(days=1)
    return (
        statement.period_start > before.period_end + day or statement.period_end + day < before.period_start
    )


def _accumulated(
    before: Kept | None, statement: Statement, sha256: str, etag: str | None, at: datetime
) -> Kept:
    lines: Mapping[str, tuple[Line, ...]] = {section.key: section.lines for section in statement.sections}
    start, end, partial = statement.period_start, statement.period_end, dict(statement.partial)
    if before is not None:
        lines = merging.accumulate(before.lines, lines, start=statement.sure[0], end=statement.sure[1])
        earlier, later = before.period_start < start, before.period_end > end
        start, end = min(start, before.period_start), max(end, before.period_end)
        for name, theirs in (("start", earlier), ("end", later)):
            if theirs:
                partial.pop(name, None)
                partial |= {name: before.partial[name]} if name in before.partial else {}
    return Kept.from_statement(
        statement,
        lines=lines,
        written_at=min(statement.written_until, at),
        period=(start, end),
        partial=partial,
        sha256=sha256,
        etag=etag,
    )


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
        created_on=_written_on(after),
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
            *(dossier_id, version, document_id, passage.at, _written_on(after)),
            *(after.period_start, after.period_end, after.line_count, mac),
            keeping.seal(keyring, dossier_id, version, after),
        ],
    )


def _written_on(kept: Kept) -> date:
    return paris_day(kept.written_at)


def _date_again(passage: Passage, row: StatementRow, after: Kept, mac: bytes) -> None:
    """The same lines, told again later: no new version, a fresher date."""
    _execute(
        "UPDATE history_statement SET received_at = %s::timestamptz, written_on = %s::date,"
        " period_start = %s::date, period_end = %s::date, content_mac = %s::bytea, sealed = %s::bytea"
        " WHERE dossier_id = %s::uuid AND version = %s AND superseded_at IS NULL",
        [
            *(passage.at, _written_on(after), after.period_start, after.period_end, mac),
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
    body = told.encode() + b"\n" + compress(data, keeping.SPEED)
    _execute(
        "INSERT INTO history_held (id, dossier_id, code, received_at, content_mac, sealed)"
        " VALUES (%s::uuid, %s::uuid, %s, %s::timestamptz, %s::bytea, %s::bytea) ON CONFLICT DO NOTHING",
        [
            *(held_id, passage.dossier_id, code[:40], passage.at),
            keeping.content_mac(passage.keyring, sha256),
            passage.keyring.seal("history_held", "sealed", held_id, body),
        ],
    )


def _execute(statement: str, values: list[object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
