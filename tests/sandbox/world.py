"""The outside world, started for tests as `make run` starts it: its own process, real sockets."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20  # seconds for a process to be ready on a busy machine


@dataclass(frozen=True)
class World:
    url: str
    service_url: str
    smtp_port: int
    memory: Path
    history_token: str = "history-token"
    sms_token: str = "sms-token"
    client_id: str = "dmp"
    client_secret: str = "psc secret: with % and é"

    def settings(self) -> dict[str, object]:
        """What the service needs in its settings to talk to this world."""
        return {
            "DMP_BASE_URL": self.service_url,
            "DMP_HISTORY_URL": f"{self.url}/assurance-maladie",
            "DMP_HISTORY_TOKEN": self.history_token,
            "DMP_SMS_URL": f"{self.url}/sms",
            "DMP_SMS_TOKEN": self.sms_token,
            "DMP_PSC_ISSUER": f"{self.url}/psc",
            "DMP_PSC_CLIENT_ID": self.client_id,
            "DMP_PSC_CLIENT_SECRET": self.client_secret,
            "DMP_READER_URL": f"{self.url}/lecteur",
            "DMP_READER_JWKS_URL": f"{self.url}/lecteur/jwks",
        }

    def environment(self) -> dict[str, str]:
        return {
            "SANDBOX_PORT": self.url.rpartition(":")[2],
            "DMP_SMTP_PORT": str(self.smtp_port),
            "DMP_SMTP_HOST": "127.0.0.1",
            **{name: str(value) for name, value in self.settings().items()},
        }

    def ask(self, path: str, told: object, *, token: str | None = None, **headers: str) -> requests.Response:
        """POST to the Assurance Maladie."""
        authorization = {"Authorization": f"Bearer {self.history_token if token is None else token}"}
        return requests.post(
            f"{self.url}/assurance-maladie/{path}", json=told, headers=authorization | headers, timeout=15
        )

    def box(self, to: str = "") -> str:
        """The page of the messages that arrived."""
        return requests.get(f"{self.url}/boite/", params={"pour": to}, timeout=5).text


@contextmanager
def running(memory: Path) -> Iterator[World]:
    """The world, listening on free ports, until the block ends."""
    port, smtp_port, service_port = _free_ports(3)
    world = World(
        url=f"http://127.0.0.1:{port}",
        service_url=f"http://127.0.0.1:{service_port}",
        smtp_port=smtp_port,
        memory=memory,
    )
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "dmp.front", "sandbox.wsgi:application"),
            *("--workers", "1", "--threads", "8", "--port", str(port)),
        ],
        cwd=ROOT,
        env=os.environ | world.environment() | {"DMP_VAR": str(memory)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(world, process)
        yield world
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait_for(world: World, process: subprocess.Popen) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            if requests.get(f"{world.url}/healthz", timeout=1).ok:
                return
        except requests.RequestException:
            time.sleep(0.05)
    raise AssertionError("The sandbox did not start.")


def _free_ports(how_many: int) -> list[int]:
    sockets = [socket.socket() for _ in range(how_many)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
