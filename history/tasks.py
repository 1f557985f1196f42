"""What the queue hands over."""

from contextlib import suppress

from access import gate
from dossiers.opening import IMPORT_HISTORY
from jobs import clock
from jobs.handlers import Asking, handles
from jobs.leases import Lease
from jobs.urgency import Urgency

from . import importing

LEAVE_OUT = "history.leave_out"


def give_up(lease: Lease, code: str) -> None:
    with suppress(gate.Refused):  # a dossier closed since: nobody follows its import any more
        importing.give_up(lease, code, at=clock.now())


@handles(IMPORT_HISTORY, urgency=Urgency.FOREGROUND, given_up=give_up, closed_by=LEAVE_OUT)
def import_history(lease: Lease) -> Asking:
    question = importing.question(lease, at=clock.now())
    return Asking(
        ask=lambda: importing.ask(question),
        then=lambda answer: importing.settle(lease, answer, at=clock.now()),
    )


@handles(LEAVE_OUT, urgency=Urgency.BULK)
def leave_out(lease: Lease) -> None:
    with suppress(gate.Refused):
        importing.leave_out(lease, at=clock.now())
