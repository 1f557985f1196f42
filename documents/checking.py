"""Checking a deposit: the child looks at it, the house keeps what may be shown, or refuses it with a code.

Nothing in quarantine is readable. The bytes received are never changed, refused ones are kept sealed.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from access import gate
from access.gate import Passage, Refused
from access.policy import Action, Reason, Status
from accounts import notices
from accounts.notices import NoticeKind
from dossiers.house import HOUSE
from jobs.queue import Held, Later, Lease

from . import child, keeping, things
from .inspection import Inspection
from .keeping import Kept
from .things import DocumentAtTheDoor

TRIES = 3  # of a checker that ends without an answer: then a person looks
AGAIN_AFTER = timedelta(seconds=5)


def check(dossier_id: UUID, document_id: UUID, *, lease: Lease, at: datetime) -> None:
    """Settle one deposit, once. Raises jobs.queue.Fenced when another worker has it.

    A checker that fails says nothing of the file, which stays in quarantine: raises jobs.queue.Later, and
    jobs.queue.Held after three failures. One that nobody runs is waited for, as long as it takes.
    """
    try:
        _check(dossier_id, document_id, lease=lease, at=at)
    except child.CheckerAway:
        raise Later("checks.away", AGAIN_AFTER, patient=True) from None
    except child.ChildFailed as failure:
        if lease.attempts >= TRIES:
            raise Held(failure.code) from None
        raise Later(failure.code, AGAIN_AFTER * lease.attempts) from None


def _check(dossier_id: UUID, document_id: UUID, *, lease: Lease, at: datetime) -> None:
    thing = DocumentAtTheDoor(dossier_id, document_id, parts=(keeping.ORIGINAL,))
    try:
        with gate.admitted(HOUSE, Action.CHECK, thing, at=at) as passage:
            lease.done()
            row = passage.facts.row
            if row.status is Status.QUARANTINE:
                original = keeping.clear(passage.keyring, document_id, row.parts[keeping.ORIGINAL])
                inspection = child.inspect(original, row.media_type)
                _settle(passage, inspection)
                passage.tell(verdict=inspection.refusal or str(Status.AVAILABLE))
    except Refused as refused:
        if refused.decision.reason is not Reason.ABSENT:  # a duplicate: its job came, its row did not
            raise


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
