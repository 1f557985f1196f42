"""Checking a deposit: the child looks at it, the house keeps what may be shown, or refuses it with a code.

Nothing in quarantine is readable. The bytes received are never changed, refused ones are kept sealed. The
child works for as long as it needs with no transaction open: what it found is written in its own passage.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from access import gate
from access.gate import Passage, Refused
from access.policy import Action, Reason, Status
from accounts import notices
from accounts.notices import NoticeKind
from dossiers.house import HOUSE
from jobs.leases import Held, Later, Lease

from . import child, keeping, things
from .inspection import Inspection
from .keeping import Kept
from .things import DocumentAtTheDoor

TRIES = 3  # of a child that fails for a reason of its own, before a person is asked
AGAIN_AFTER = timedelta(seconds=5)
AWAY_FOR = timedelta(seconds=20)  # between two looks for a checker that does not answer: each is traced
CLOSED = "checks.closed"  # the verdict of a file that nobody could check
EXHAUSTED = "checks.exhausted"  # the verdict of a file that asks for too much work: its own fault
BEGUN = "begun"  # the outcome of the first of a check's two traces


@dataclass(frozen=True, slots=True, repr=False)
class Received:
    """A file in quarantine, in clear, for the child alone."""

    content: bytes
    media_type: str


def received(lease: Lease, *, at: datetime) -> Received | None:
    """What is to be looked at; None when it was settled already, or never came."""
    document_id = UUID(lease.idem)
    thing = DocumentAtTheDoor(lease.subject_id, document_id, parts=(keeping.ORIGINAL,))
    try:
        with gate.admitted(HOUSE, Action.CHECK, thing, at=at, outcome=BEGUN) as passage:
            lease.fence()
            row = passage.facts.row
            if row.status is not Status.QUARANTINE:
                return None
            clear = keeping.clear(passage.keyring, document_id, row.parts[keeping.ORIGINAL])
            return Received(clear, row.media_type)
    except Refused as refused:
        if refused.decision.reason is not Reason.ABSENT:  # a duplicate: its job came, its row did not
            raise
        return None


def inspect(file: Received) -> Inspection:
    """What the checker says of it. Raises child.ChildFailed, child.CheckerAway: the file is not to blame."""
    return child.inspect(file.content, file.media_type)


def failed(lease: Lease, code: str, *, at: datetime) -> Later | Held:
    """What becomes of a check whose child failed: tried again, three times in all, then held for a person."""
    if lease.attempts < TRIES:
        return Later(code, AGAIN_AFTER * 2**lease.attempts)
    hold(lease, code, at=at)
    return Held(code)


def settle(lease: Lease, inspection: Inspection, *, at: datetime) -> None:
    """Write what was found, once, and end the job with it. Raises Fenced when another worker has it."""
    with gate.admitted(
        HOUSE, Action.CHECK, DocumentAtTheDoor(lease.subject_id, UUID(lease.idem)), at=at
    ) as passage:
        lease.done()
        if passage.facts.row.status is Status.QUARANTINE:
            _settle(passage, inspection)
        passage.tell(verdict=inspection.refusal or str(Status.AVAILABLE))


def hold(lease: Lease, code: str, *, at: datetime) -> None:
    """It could not be checked, and a person is asked: it stays in quarantine, and whoever follows it is
    told. Raises Fenced."""
    with gate.admitted(
        HOUSE, Action.CHECK, DocumentAtTheDoor(lease.subject_id, UUID(lease.idem)), at=at
    ) as passage:
        lease.fence()
        if passage.facts.row.status is Status.QUARANTINE:
            _become(passage, Status.QUARANTINE, verdict=code[:40])
        passage.tell(verdict=code, outcome="held")


def refuse(dossier_id: UUID, document_id: UUID, *, lease: Lease, at: datetime) -> None:
    """A person gave up: what is still in quarantine is refused, since nobody could check it."""
    with gate.admitted(HOUSE, Action.CHECK, DocumentAtTheDoor(dossier_id, document_id), at=at) as passage:
        lease.done()
        if passage.facts.row.status is Status.QUARANTINE:
            _become(passage, Status.REFUSED, verdict=CLOSED)
            passage.tell(verdict=CLOSED)


def _settle(passage: Passage, inspection: Inspection) -> None:
    document_id = passage.facts.row.document_id
    if inspection.refusal:
        _become(passage, Status.REFUSED, verdict=inspection.refusal)
        return
    _keep(
        passage,
        [keeping.keep(passage.keyring, document_id, part, clear) for part, clear in inspection.parts],
    )
    _become(
        passage,
        Status.AVAILABLE,
        page_count=inspection.page_count,
        pages_in_all=inspection.pages_in_all,
    )
    if not passage.facts.row.withheld:
        notices.queue(NoticeKind.CHANGED, at=passage.at, dossier_id=passage.dossier_id)


def _keep(passage: Passage, parts: list[Kept]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO documents_content (dossier_id, document_id, part, size, sealed, blob)"
            " VALUES (%s::uuid, %s::uuid, %s, %s::int, %s::bytea, %s)",
            [
                (
                    passage.dossier_id,
                    passage.facts.row.document_id,
                    kept.part,
                    kept.size,
                    kept.sealed,
                    kept.blob,
                )
                for kept in parts
            ],
        )


def _become(
    passage: Passage, status: Status, *, verdict: str = "", page_count: int = 0, pages_in_all: int = 0
) -> None:
    row = passage.facts.row
    described = replace(things.unseal(passage, row.document_id, row.sealed), pages_in_all=pages_in_all)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE documents_document"
            " SET status = %s, verdict = %s, page_count = %s::int, sealed = %s::bytea, facts_mac = %s::bytea"
            " WHERE dossier_id = %s::uuid AND id = %s::uuid AND status = 'quarantine'",
            [
                str(status),
                verdict,
                page_count,
                things.seal(passage, row.document_id, described),
                things.facts_mac(row, status),
                passage.dossier_id,
                row.document_id,
            ],
        )
