"""How long a thread waits for others, on a machine that has other things to do."""

import time
from pathlib import Path

SCHEDULED = Path("/proc/thread-self/schedstat")


def waited() -> float:
    """A clock, in seconds, that stands still while this thread computes or wants a processor.

    What passes between two readings was spent waiting: for an answer, a lock, a delay. Where the system does
    not tell the time spent in wanting a processor, that time counts.
    """
    wanting = int(SCHEDULED.read_text().split()[1]) / 1e9 if SCHEDULED.exists() else 0.0
    return time.monotonic() - time.thread_time() - wanting
