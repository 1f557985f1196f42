"""What the queue and the scheduler do for dossiers."""

from datetime import datetime, timedelta

from access import gate
from accounts import web_access
from jobs import clock, queue
from jobs.chores import every
from jobs.handlers import Asking, handles
from jobs.leases import Held, Later, Lease
from jobs.urgency import Urgency

from . import applications, counter, waking
from .opening import SEND_WAKE_CODE

ASKED_AGAIN_AFTER = timedelta(minutes=10)


@handles(counter.ASK_CONTACTS, urgency=Urgency.CODES)
def ask_contacts(lease: Lease) -> Asking | None:
    question = counter.contacts_question(lease.subject_id, at=clock.now())
    if question is None:
        return None
    return Asking(
        ask=lambda: counter.ask_contacts(question, at=clock.now()),
        then=lambda answer: counter.contacts_answered(lease.subject_id, answer, at=clock.now()),
    )


@handles(SEND_WAKE_CODE, urgency=Urgency.FOREGROUND)
def send_wake_code(lease: Lease) -> Asking | None:
    job = queue.state(lease.job_id)
    assert job is not None  # it is being done
    try:
        sending = waking.to_send(lease.subject_id, lease.idem, asked_at=job.created_at, at=clock.now())
    except gate.Refused:  # a dossier closed since: nobody waits for its access any more
        return None
    if sending is None:
        return None
    now = clock.now()

    def deliver() -> waking.Left | None:
        try:
            return waking.deliver(sending, at=now)
        except waking.NotYet as silent:
            raise Later(f"insurer.{silent}", after=ASKED_AGAIN_AFTER, patient=True) from None

    return Asking(ask=deliver, then=lambda left: waking.sent(sending, left, at=clock.now()))


@handles(counter.CONTACT_OF_SEVERAL, urgency=Urgency.BULK)
def report_contact_of_several(lease: Lease) -> None:
    """An agent typed a contact that serves several dossiers already: somebody of the team looks at it."""
    raise Held("contact_of_several")


@every(60)
def forget_what_waited_too_long(*, at: datetime) -> None:
    applications.purge(at=at)
    web_access.purge(at=at)
