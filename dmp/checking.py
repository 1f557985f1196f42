"""The checker of `make run`: a process that is told where to listen, and nothing else."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from dmp import children, places

# What changes how fast it starts, and nothing else, is all it gets of an environment.
HARMLESS = ("PYTHONPYCACHEPREFIX",)


def socket_path(var: Path) -> Path:
    return children.socket_directory(var) / "checker.sock"


def start(var: Path) -> subprocess.Popen[bytes]:
    """Start the checker of this `var`; ready when this returns. Raises CannotStart with its own sentence."""
    children.private_directory(children.socket_directory(var))
    address = socket_path(var)
    address.unlink(missing_ok=True)
    environment = {"LANG": "C.UTF-8", "PYTHONPATH": str(places.ROOT)}
    environment |= {name: os.environ[name] for name in HARMLESS if name in os.environ}
    command = children.dying_with_us([sys.executable, "-s", "-m", "documents.checker", address])
    log = var / "log" / "checker.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("a") as output:
        before = output.tell()
        process = children.start(command, output=output, environment=environment)
    for _ in range(600):
        if _answers(address):
            return process
        if process.poll() is not None:
            break
        time.sleep(0.025)
    children.stop(process)
    raise children.CannotStart(
        log.read_text()[before:].strip() or f"Le vérificateur ne démarre pas : voyez {log}."
    )


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        try:
            probe.connect(str(address))
        except OSError:
            return False
        return True
