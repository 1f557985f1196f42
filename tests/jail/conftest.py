"""Servers whose children attack, one for each way of confining."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from dmp import children
from jail import client, namespaces
from jail.client import Answer
from jail.confinement import Mode, best_mode
from tests.proof.processes import ROOT, until


@dataclass
class Attacked:
    """A server of attacks, and how it is asked."""

    address: Path
    process: subprocess.Popen[bytes]

    def ask(self, name: str, **given: Any) -> Answer:
        return client.ask(self.address, name, json.dumps(given).encode(), at_most=1 << 20)

    def result(self, name: str, **given: Any) -> dict[str, Any]:
        answer = self.ask(name, **given)
        assert (answer.ending.status, answer.ending.killed_by) == (0, 0), answer
        return json.loads(answer.output)

    def refusal(self, name: str, **given: Any) -> str:
        """By which error an attack was refused; empty when it was not."""
        return self.result(name, **given).get("refused", "")

    @property
    def supervisors(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    @property
    def jailed(self) -> list[psutil.Process]:
        found = []
        for supervisor in self.supervisors:
            with contextlib.suppress(psutil.NoSuchProcess):
                found += supervisor.children()
        return found


Start = Callable[..., Attacked]


@pytest.fixture(scope="session")
def start_attacked(var: Path) -> Iterator[Start]:
    folder = children.private_directory(children.socket_directory(var) / "jail")
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, under: tuple[str, ...] = (), **environment: str) -> Attacked:
        address = folder / f"{len(started)}.sock"
        command = [*under, sys.executable, "-m", "tests.jail.attacks", str(address), *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, start_new_session=True)
        started.append(process)
        assert until(lambda: address.exists() or process.poll() is not None, within=20)
        assert until(lambda: _answers(address) or process.poll() is not None, within=20)
        assert process.poll() is None, "the server did not start"
        return Attacked(address, process)

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def _answers(address: Path) -> bool:
    try:
        client.ask(address, "identity", b"{}", at_most=100)
    except (client.Unreachable, client.Lost, PermissionError):
        time.sleep(0.1)
        return False
    return True


@pytest.fixture(scope="session", params=Mode)
def attacked(request, start_attacked) -> Attacked:
    """A server under one way of confining: every test runs under each that this system allows."""
    if request.param == Mode.NAMESPACES and not namespaces.are_allowed():
        pytest.skip("this system has no user namespaces for us")
    return start_attacked(request.param, SECRET_OF_THE_TEST="very secret")


@pytest.fixture
def fresh(start_attacked) -> Iterator[Attacked]:
    """A server to be killed."""
    server = start_attacked(best_mode())
    yield server
    if server.process.poll() is None:
        server.process.kill()
        server.process.wait()
