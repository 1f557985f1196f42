"""The whole house, as `make run` starts it, in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from dmp import children, pg
from tests.proof.processes import ROOT, free_port, until

READY_WITHIN = 300
OURS = ("DMP_", "DATABASE_", "REDIS_", "DJANGO_", "PYTEST_", "SANDBOX_", "PORT")


@dataclass(frozen=True, slots=True)
class House:
    var: Path
    port: int
    command: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sockets(self) -> Path:
        return children.socket_directory(self.var)

    def superuser(self) -> psycopg.Connection:
        return pg.connect(self.var, "dmp")

    def borrowed(self, slug: str) -> dict[str, Any]:
        """What the demonstration lends: a login, its password, the secret of its codes."""
        told = json.loads((self.var / "sandbox" / "whoswho.json").read_text(encoding="utf-8"))
        return next(one for one in told if one["slug"] == slug)

    def jobs_left(self) -> int:
        """Those that are due: a gathered message waits until the next day."""
        with self.superuser() as server:
            row = server.execute(
                "SELECT count(*) FROM jobs_job"
                " WHERE state = 'leased' OR state = 'ready' AND run_after <= now()"
            ).fetchone()
        assert row
        return int(row[0])

    def stop(self) -> None:
        if self.command.poll() is None:
            self.command.send_signal(signal.SIGINT)
            try:
                self.command.wait(90)
            except subprocess.TimeoutExpired:
                os.killpg(self.command.pid, signal.SIGKILL)


@contextmanager
def living(var: Path) -> Iterator[House]:
    """The house, lived in until the block ends."""
    var.mkdir(parents=True, exist_ok=True)
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    with (var / "run.log").open("ab") as output:
        command = subprocess.Popen(
            [sys.executable, "-m", "dmp.run"],
            cwd=ROOT,
            env=environment | {"DMP_VAR": str(var), "PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    house = House(var, port, command)
    try:
        ready = until(
            lambda: command.poll() is not None or _said(var, "Ctrl-C arrête tout"),
            within=READY_WITHIN,
            every=0.2,
        )
        assert ready, "the house is not ready"
        assert command.poll() is None, (var / "run.log").read_text(encoding="utf-8")[-3000:]
        time.sleep(0.5)
        yield house
    finally:
        house.stop()


def _said(var: Path, words: str) -> bool:
    return words in (var / "run.log").read_text(encoding="utf-8")
