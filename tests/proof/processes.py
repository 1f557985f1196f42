"""Real processes of the house, started as `make run` starts them, and killed without a word."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import redis

from dmp import children, valkey

ROOT = Path(__file__).resolve().parents[2]
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


@dataclass
class Process:
    """One process of the house, and its log."""

    command: list[str]
    environment: Mapping[str, str]
    log: Path
    inherited: tuple[int, ...] = ()  # descriptors it keeps open
    running: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        with self.log.open("a") as output:
            self.running = children.start(
                children.dying_with_us(list(self.command)),
                environment=self.environment,
                output=output,
                inherited=self.inherited,
            )

    @property
    def alive(self) -> bool:
        return self.running.poll() is None

    def kill(self) -> None:
        """SIGKILL to it and to whatever it started: a power cut."""
        os.killpg(self.running.pid, signal.SIGKILL)
        self.running.wait()

    def kill_the_parent(self) -> None:
        """SIGKILL to it alone: its children are orphans in the middle of what they do."""
        self.running.kill()
        self.running.wait()

    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.running.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> None:
        orphans = self.children()
        children.stop(self.running, patience=5)
        for orphan in orphans:
            try:
                orphan.kill()
            except psutil.NoSuchProcess:
                continue


def worker(environment: Mapping[str, str], log: Path, *, queues: str = "") -> Process:
    """A worker of every class, or of those named."""
    command = [sys.executable, "-m", "celery", "-A", "dmp", "worker", "-l", "warning"]
    return Process([*command, *QUIET, *(["-Q", queues] if queues else [])], environment, log)


def scheduler(environment: Mapping[str, str], log: Path, *, every: float = 1.0) -> Process:
    return Process(
        [sys.executable, str(ROOT / "manage.py"), "scheduler", "--every", str(every)], environment, log
    )


def web(environment: Mapping[str, str], log: Path, port: int) -> Process:
    command = [sys.executable, "-m", "dmp.front", "dmp.wsgi:front", "--port", str(port), "--workers", "1"]
    return Process(command, environment, log)


def collect_static_files(environment: Mapping[str, str]) -> None:
    """What a web process serves beside its pages."""
    command = [sys.executable, str(ROOT / "manage.py"), "collectstatic", "--noinput", "--verbosity", "0"]
    done = subprocess.run(command, env=dict(environment), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true, *, within: float, every: float = 0.02) -> bool:
    """Wait for a condition; whether it came."""
    deadline = time.monotonic() + within
    while not (held := true()) and time.monotonic() < deadline:
        time.sleep(every)
    return bool(held)


@dataclass
class Redis:
    """A Redis of one's own on a port, to be killed, silenced, and brought back."""

    port: int
    folder: Path
    running: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = [
            valkey.binary(),
            "--port",
            self.port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        with (self.folder / "redis.log").open("a") as output:
            self.running = children.start(
                children.dying_with_us([*command, "--dir", self.folder]), output=output
            )
        assert until(self._answers, within=10), "Redis did not start"

    def _answers(self) -> bool:
        try:
            return bool(redis.Redis.from_url(self.url, socket_timeout=1).ping())
        except redis.RedisError:
            return False

    def die(self) -> None:
        self.running.kill()
        self.running.wait()

    def fall_silent(self) -> None:
        """Its port still accepts, nobody answers: as behind a firewall that drops."""
        self.running.send_signal(signal.SIGSTOP)

    def speak_again(self) -> None:
        self.running.send_signal(signal.SIGCONT)


@contextmanager
def redis_of_our_own(folder: Path) -> Iterator[Redis]:
    server = Redis(free_port(), folder)
    try:
        yield server
    finally:
        if server.running.poll() is None:
            server.speak_again()
            server.die()
