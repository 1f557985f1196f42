"""What is started here dies with whoever started it, even when it had no time to say so."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dmp.places import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of a death")

STARTS_ONE_AND_ENDS = """
import os, sys
from dmp import children
command = children.dying_with_us(["sh", "-c", "echo it runs; exec sleep 30"], by="KILL")
children.start(command)
if sys.argv[1] == "patient":
    print(sys.stdin.readline(), end="")
os._exit(0)
"""


def busy(folder: Path, seconds: float) -> dict[str, str]:
    """The environment of a machine so busy that a command gets the processor this much later."""
    late = folder / "setpriv"
    late.write_text(f'#!/bin/sh\nsleep {seconds}\nexec {shutil.which("setpriv")} "$@"\n')
    late.chmod(0o755)
    return os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_who_started_it_may_die_before_it_runs(tmp_path):
    told = subprocess.run(
        [sys.executable, "-c", STARTS_ONE_AND_ENDS, "hasty"],
        cwd=ROOT,
        env=busy(tmp_path, 0.3),
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert told.stdout == "", "nobody is left to stop it"


def test_who_started_it_may_be_killed_later():
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE_AND_ENDS, "patient"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "it runs\n"
        parent.send_signal(signal.SIGKILL)
        assert parent.stdout.read() == "", "its end of the pipe closes when both are gone"
