import signal
import threading
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from jobs.scheduling import Rounds, Sweeper, reconnect

log = structlog.get_logger(__name__)

PATIENCE = 5.0  # seconds for what it was doing itself, when it is asked to stop


class Command(BaseCommand):
    help = "Wakes the jobs that are due, does them when no worker does, calls the chores. Two do no harm."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=2.0, help="seconds between two rounds")
        parser.add_argument("--once", action="store_true", help="one round, then stop")

    def handle(self, *, every: float, once: bool, **_: Any) -> None:
        asked_to_stop = threading.Event()
        for asked in (signal.SIGTERM, signal.SIGINT):
            signal.signal(asked, lambda *_: asked_to_stop.set())
        sweeper, rounds = Sweeper(), Rounds()
        while not asked_to_stop.is_set():
            try:
                rounds.go(sweeper.sweep())
            except DatabaseError:  # the database comes back, or whoever supervises stops us
                log.exception("round missed")
                reconnect()
            if once:
                break
            asked_to_stop.wait(every)
        sweeper.stop(PATIENCE)
