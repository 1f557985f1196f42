"""What the house does for accounts when nobody asks."""

from datetime import datetime, timedelta
from uuid import UUID

from jobs import clock
from jobs.chores import every
from jobs.handlers import Asking, handles
from jobs.leases import Later, Lease
from jobs.urgency import Urgency

from . import attempts, begun, browsers, notices, programs
from .sessions import SessionStore

# A code lives five minutes: its wait begins short. Nobody waits for the others.
CODE_AGAIN_AFTER, NOTICE_AGAIN_AFTER = timedelta(seconds=1), timedelta(seconds=20)


@handles(notices.SEND_CODE, urgency=Urgency.CODES)
def send_code(lease: Lease) -> Asking | None:
    return _send(lease, CODE_AGAIN_AFTER)


@handles(notices.SEND, urgency=Urgency.BULK)
def send_notice(lease: Lease) -> Asking | None:
    return _send(lease, NOTICE_AGAIN_AFTER)


def _send(lease: Lease, again_after: timedelta) -> Asking | None:
    """A message waits for the mail server or the gateway without keeping anybody else waiting."""
    notice_id = UUID(lease.idem)
    messages = notices.to_send(notice_id)
    if not messages:
        notices.sent(notice_id, at=clock.now())
        return None

    def deliver() -> None:
        try:
            notices.deliver_all(messages)
        except notices.NotDelivered as error:
            raise Later(f"not_delivered.{error}", after=again_after * 2**lease.attempts) from None

    return Asking(ask=deliver, then=lambda _: notices.sent(notice_id, at=clock.now()))


@every(60)
def forget_what_has_ended(*, at: datetime) -> None:
    SessionStore.clear_expired()
    attempts.forget_old(at=at)
    begun.forget_old(at=at)
    browsers.forget_old(at=at)
    programs.forget_old(at=at)
    notices.purge(at=at)
