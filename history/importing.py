"""Bringing a dossier its care history: ask, check whose it is, file it once.

The insurer is asked with no transaction open. What it sends is then filed, or kept apart, in one passage
that also settles the job: killed at any point, the job is simply done again, and what was already filed is
recognised by its bytes.
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
from documents import deposit
from documents.deposit import AlreadyReplaced
from documents.nomenclature import CARE_HISTORY
from dossiers.house import HOUSE
from dossiers.identity import identity_of
from jobs import queue
from jobs.queue import Held, Later, Lease

from . import cnam_hr, keeping, matching, merging, source
from .cnam_hr import Line, Rejected, Statement
from .keeping import Kept
from .source import NotUnderstood, Received, Silent, Told, TooLarge
from .things import CareHistoryAtTheDoor, StatementRow

PARIS = ZoneInfo("Europe/Paris")
MONTHS = 24  # what the insurer gives at the opening
TITLE = "Historique de remboursements"
AUTHOR = "Assurance Maladie"
MOST_HELD = 4 << 20  # bytes: beyond, what is held apart is known by its fingerprint only
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the insurer said. `refused` when it cannot be a statement at all."""

    said: Received | Told | None
    refused: str | None = None


def ask(lease: Lease, *, at: datetime) -> Answer:
    """Ask the insurer about the holder. Raises Later when it stays silent, Held when nothing may be asked."""
    try:
        with gate.admitted(
            HOUSE, Action.ASK_HISTORY, CareHistoryAtTheDoor(lease.subject_id), at=at
        ) as passage:
            ins = identity_of(passage).ins
            since = months_before(passage.facts.row.dossier.opened_at.astimezone(PARIS).date(), MONTHS)
            known = _current(passage)
    except gate.Refused as refusal:
        raise Held(f"dossier.{refusal.decision.reason}") from None
    try:
        return Answer(source.ask(ins, since=since, etag=known.etag if known else None))
    except TooLarge:
        return Answer(None, refused="too_large")
    except NotUnderstood as error:
        raise Later(error.code, LONGEST_WAIT) from None
    except Silent as silence:
        wait = _patience(lease, at) if silence.retry_after is None else silence.retry_after
        raise Later(silence.code, wait, patient=True) from None


def settle(lease: Lease, answer: Answer, *, at: datetime) -> None:
    """File what came, or keep it apart, and end the job with it. Raises Held, or Later after a race."""
    try:
        held = _settle(lease, answer, at)
    except (IntegrityError, AlreadyReplaced):
        # Another import of the same dossier came first. Done again, this one will see its work.
        raise Later("raced", timedelta(seconds=2)) from None
    if held:
        raise Held(held)


def _patience(lease: Lease, at: datetime) -> timedelta:
    """How long to leave a silent insurer in peace: half as long as it has been asked already."""
    asked = queue.latest(lease.kind, lease.subject_id)
    waited = at - asked.created_at if asked else timedelta()
    return min(max(waited / 2, FIRST_WAIT), LONGEST_WAIT)


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
            return None
        lease.fence()
        _keep_apart(passage, refused, answer.said if isinstance(answer.said, Received) else None)
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
