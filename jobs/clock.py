"""One clock for what is due: the database's. A process whose own clock differs says so, and corrects it."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from django.db import connection

log = structlog.get_logger(__name__)

MOST_SECONDS = 1.0
SAID_EVERY = 60.0

_skew = 0.0


def now() -> datetime:
    """What time it is by this process's clock, corrected by what was last seen of the database's."""
    return datetime.fromtimestamp(time.time() - _skew, UTC)


def measure() -> float:
    """Ask the database what time it is: by how many seconds this process is ahead. Logged beyond one."""
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [there] = cursor.fetchone()
    return _watch.compare(there, before)


@dataclass(slots=True)
class Watch:
    """Compares two clocks, and says no more than once a minute that they differ."""

    said_at: float = -SAID_EVERY

    def compare(self, there: datetime, before: float) -> float:
        """By how many seconds this process is ahead. `before`: `time.time()` when the question was sent.

        An answer that took long says little: half of what it took is the error, and is given to `there`.
        """
        global _skew
        after = time.time()
        ahead = (before + after) / 2 - there.timestamp()
        doubt = (after - before) / 2
        if abs(ahead) <= doubt:
            ahead = 0.0
        _skew = ahead if abs(ahead) > MOST_SECONDS else 0.0
        if abs(ahead) > MOST_SECONDS and time.monotonic() - self.said_at >= SAID_EVERY:
            self.said_at = time.monotonic()
            log.warning("clock skew", seconds=round(ahead, 1))
        return ahead


_watch = Watch()
