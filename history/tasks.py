"""What the queue hands over."""

from django.utils import timezone

from dossiers.opening import IMPORT_HISTORY
from jobs.handlers import handles
from jobs.queue import Lease

from . import importing


@handles(IMPORT_HISTORY)
def import_history(lease: Lease) -> None:
    answer = importing.ask(lease, at=timezone.now())
    importing.settle(lease, answer, at=timezone.now())
