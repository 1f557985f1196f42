"""What the queue hands over, and what the scheduler does, for documents."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from jobs.chores import every
from jobs.handlers import handles
from jobs.queue import Lease

from . import checking, keeping
from .deposit import CHECK

ONE_SHELF_EVERY = 300  # seconds: the whole store in about a day, without ever keeping the scheduler long


@handles(CHECK)
def check(lease: Lease) -> None:
    checking.check(lease.subject_id, UUID(lease.idem), lease=lease, at=timezone.now())


@every(ONE_SHELF_EVERY)
def remove_what_no_row_names(*, at: datetime) -> None:
    keeping.tidy(int(at.timestamp()) // ONE_SHELF_EVERY % keeping.SHELVES, at=at)
