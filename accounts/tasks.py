"""What the house does for accounts when nobody asks."""

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from jobs.chores import every
from jobs.handlers import handles
from jobs.queue import Later, Lease

from . import attempts, begun, browsers, notices, programs
from .sessions import SessionStore

TRY_AGAIN_AFTER = timedelta(seconds=20)


@handles(notices.SEND)
def send_notice(lease: Lease) -> None:
    try:
        notices.send(UUID(lease.idem), at=timezone.now())
    except notices.NotDelivered as error:
        raise Later(f"not_delivered.{error}", after=TRY_AGAIN_AFTER * 2**lease.attempts) from None


@every(60)
def forget_what_has_ended(*, at: datetime) -> None:
    SessionStore.clear_expired()
    attempts.forget_old(at=at)
    begun.forget_old(at=at)
    browsers.forget_old(at=at)
    programs.forget_old(at=at)
    notices.purge(at=at)
