"""The chores of packages that lie below the queue."""

from datetime import datetime

from access import gate
from audit import ledger
from jobs.chores import every
from revocation import journalling, replaying
from revocation.journal import journal, oldest_backup


@every(60)
def summarise_repeated_refusals(*, at: datetime) -> None:
    ledger.summarise_repeats(entering=gate.upkeep, at=at)


@every(10)
def write_in_the_journal_what_waits(*, at: datetime) -> None:
    journalling.write_what_waits()


@every(10)
def replay_what_did_not_commit(*, at: datetime) -> None:
    replaying.replay_what_did_not_commit()


@every(3600)
def cut_the_journal(*, at: datetime) -> None:
    journal().cut(before=oldest_backup(at))
