"""The bell: tells workers, through Redis, that a class has work. Nothing is lost when nobody hears it.

A message names a class and nothing else: what to do is read in PostgreSQL by whoever hears.
"""

import os
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic, sleep

import structlog
from django.conf import settings
from kombu import Connection, Producer

from jobs.urgency import Urgency

log = structlog.get_logger(__name__)

# After a bell that did not ring, how long we do not even try: a page must not pay for each job.
SILENCE_SECONDS = 5.0
# Jobs asked for within this time by one process share a message: ringing costs as much as a page.
TOGETHER_SECONDS = 0.05
# The same between two messages of a class that nobody waits for while a page is open.
APART_SECONDS = {Urgency.CHECKS: 0.25, Urgency.BULK: 0.25}


class _Wire(threading.local):
    """One connection per thread, opened at its first bell."""

    producer: Producer | None = None
    connection: Connection | None = None
    silent_until: float = 0.0

    def open(self) -> Producer:
        if self.producer is None:
            patience = settings.DMP_REDIS_PATIENCE
            options = {
                "socket_connect_timeout": patience,
                "socket_timeout": patience,
                "retry_on_timeout": False,
                "max_retries": 0,
                "interval_start": 0,
            }
            self.connection = Connection(settings.CELERY_BROKER_URL, transport_options=options)
            self.producer = Producer(self.connection.default_channel)
        return self.producer

    def cut(self) -> None:
        connection, self.producer, self.connection = self.connection, None, None
        if connection is not None:
            connection.collect()


_wire = _Wire()


def ring(urgency: Urgency) -> bool:
    """Whether the bell was rung. Never raises; takes less than half a second when Redis is gone."""
    from jobs.tasks import look

    if monotonic() < _wire.silent_until:
        return False
    try:
        look.apply_async(
            kwargs={"urgency": urgency.queue}, queue=urgency.queue, producer=_wire.open(), retry=False
        )
    except Exception as failure:  # whatever the wire does, the job is kept and found in the table
        _wire.cut()
        _wire.silent_until = monotonic() + SILENCE_SECONDS
        log.warning("bell not rung", code=urgency.queue, error=type(failure).__name__)
        return False
    return True


def ring_soon(urgency: Urgency) -> None:
    """Have the bell rung by a thread of this process's own: whoever asked goes on at once."""
    _ringer().put(urgency)


_ringers: dict[int, "SimpleQueue[Urgency]"] = {}
_making = threading.Lock()


def _ringer() -> "SimpleQueue[Urgency]":
    """The queue of this process's ringer. A fork has none of its parent's threads: it makes its own."""
    process = os.getpid()
    if process not in _ringers:
        with _making:
            if process not in _ringers:
                waiting: SimpleQueue[Urgency] = SimpleQueue()
                threading.Thread(target=_ring_for_ever, args=(waiting,), daemon=True, name="bell").start()
                _ringers[process] = waiting
    return _ringers[process]


def _ring_for_ever(waiting: "SimpleQueue[Urgency]") -> None:
    rung: dict[Urgency, float] = {}
    while True:
        together = {waiting.get()}
        while together:
            sleep(TOGETHER_SECONDS)
            with suppress(Empty):
                while True:
                    together.add(waiting.get_nowait())
            now = monotonic()
            for urgency in sorted(together):
                if now - rung.get(urgency, 0.0) >= APART_SECONDS.get(urgency, 0.0):
                    ring(urgency)
                    rung[urgency] = now
                    together.discard(urgency)


def silence_over() -> None:
    """Try again at once, as after a fork or in a test."""
    _wire.cut()
    _wire.silent_until = 0.0
