"""The chores of packages that lie below the queue."""

from datetime import datetime

from access import gate
from audit import ledger
from jobs.chores import every


@every(60)
def summarise_repeated_refusals(*, at: datetime) -> None:
    ledger.summarise_repeats(entering=gate.upkeep, at=at)
