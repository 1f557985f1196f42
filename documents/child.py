"""Hands a file to the checking child and waits, no longer than it must."""

import subprocess
import sys
import threading
from pathlib import Path

from .inspection import Inspection, understood

PATIENCE = 30.0  # seconds of wall clock; the child's own limit is in processor time
MOST_TOLD = 64 << 20
ROOT = Path(__file__).parent.parent

# -B: a child leaves nothing behind, not even compiled code. -E -s: nothing from outside changes what it runs.
COMMAND = (sys.executable, "-B", "-E", "-s", "-m", "documents.inspection")


class ChildFailed(RuntimeError):
    """The child broke for a reason of its own, not because of the file: to be tried again."""


def inspect(content: bytes, media_type: str) -> Inspection:
    """What the child says of the file. A child that had to be killed, or died of it, refuses the file.

    Raises ChildFailed when the child could not do its work at all.
    """
    with subprocess.Popen(
        [*COMMAND, media_type],
        cwd=ROOT,
        env={"LANG": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        clock = threading.Timer(PATIENCE, child.kill)
        feeder = threading.Thread(target=_feed, args=(child, content), daemon=True)
        clock.start()
        feeder.start()
        try:
            assert child.stdout is not None
            output = child.stdout.read(MOST_TOLD + 1)
            if len(output) > MOST_TOLD:
                child.kill()
            status = child.wait()
        finally:
            clock.cancel()
            child.kill()
            feeder.join(PATIENCE)
    if status < 0 or status == 3 or len(output) > MOST_TOLD:  # a signal, or no memory left
        return Inspection("checks.exhausted", 0, 0, ())
    if status != 0:
        raise ChildFailed(status)
    try:
        return understood(output)
    except (ValueError, KeyError, TypeError):
        raise ChildFailed("untold") from None


def _feed(child: "subprocess.Popen[bytes]", content: bytes) -> None:
    assert child.stdin is not None
    try:
        child.stdin.write(content)
        child.stdin.close()
    except BrokenPipeError:
        return  # it died; how it died is told by its status
