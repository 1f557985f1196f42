from uuid import UUID

from django.utils import timezone

from jobs.handlers import handles
from jobs.queue import Lease

from . import checking
from .deposit import CHECK


@handles(CHECK)
def check(lease: Lease) -> None:
    checking.check(lease.subject_id, UUID(lease.idem), lease=lease, at=timezone.now())
