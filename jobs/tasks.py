"""What a worker hears, and what the scheduler does for the queue."""

from datetime import datetime

from celery import shared_task

from jobs import queue, slots
from jobs.chores import every
from jobs.urgency import Urgency


@shared_task(name="jobs.look")
def look(*, urgency: str, **_: object) -> None:
    """There is work in this class. A class that we do not have is nobody's."""
    try:
        slots.wake(Urgency.named(urgency))
    except (KeyError, AttributeError):
        return


@every(60)
def forget_what_is_done(*, at: datetime) -> None:
    queue.purge()
