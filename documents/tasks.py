"""What the queue hands over, and what the scheduler does, for documents."""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from access import gate
from jobs import clock
from jobs.chores import every
from jobs.handlers import handles
from jobs.leases import Later, Lease
from jobs.urgency import Urgency

from . import checking, child, keeping
from .deposit import CHECK

REFUSE = "documents.refuse"
ONE_SHELF_EVERY = 300  # seconds: the whole store in about a day, without ever keeping the scheduler long


def hold(lease: Lease, code: str) -> None:
    with suppress(gate.Refused):  # a dossier closed since: nobody follows what was deposited there
        checking.hold(lease, code, at=clock.now())


@handles(CHECK, urgency=Urgency.CHECKS, given_up=hold, closed_by=REFUSE)
def check(lease: Lease) -> None:
    file = checking.received(lease, at=clock.now())
    if file is None:
        return
    try:
        inspection = checking.inspect(file)
    except child.CheckerAway:
        raise Later("checks.away", checking.AWAY_FOR, patient=True) from None
    except child.ChildFailed as failure:
        raise checking.failed(lease, failure.code, at=clock.now()) from None
    checking.settle(lease, inspection, at=clock.now())


@handles(REFUSE, urgency=Urgency.BULK)
def refuse(lease: Lease) -> None:
    with suppress(gate.Refused):
        checking.refuse(lease.subject_id, UUID(lease.idem.partition(":")[0]), lease=lease, at=clock.now())


@every(ONE_SHELF_EVERY)
def remove_what_no_row_names(*, at: datetime) -> None:
    keeping.tidy(int(at.timestamp()) // ONE_SHELF_EVERY % keeping.SHELVES, at=at)
