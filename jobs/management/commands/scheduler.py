import signal
import threading
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from jobs.scheduling import Rounds, Sweeper, reconnect

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Wakes the jobs that are due, does them when Redis is gone, calls the chores. Two do no harm."

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
                sweeper.sweep()
                rounds.go(timezone.now())
            except DatabaseError:  # the database comes back, or whoever supervises stops us
                log.exception("round missed")
                reconnect()
            if once:
                return
            asked_to_stop.wait(every)
