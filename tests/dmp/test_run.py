"""One command starts the whole house, and one Ctrl-C stops it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.conf import settings

from dmp import children

READY = re.compile(r"Prêt en ([\d.]+) s : (http://\S+)")


def a_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """`manage.py run` in a `var` of its own, as a person would start it."""

    def __init__(self, var: Path, port: int):
        self.var, self.port = var, port
        self.said = var.with_suffix(".out")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DMP_")}
        # A proxy that leads nowhere: what is on this machine is reached without it.
        environment |= dict.fromkeys(
            ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"), "http://127.0.0.1:9"
        )
        environment |= {"DJANGO_SETTINGS_MODULE": "dmp.settings", "DMP_VAR": str(var), "PORT": str(port)}
        with self.said.open("w") as out:
            self.process = children.start(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "run"],
                environment=environment,
                output=out,
            )

    def until_ready(self) -> float:
        for _ in range(1200):
            if found := READY.search(self.said.read_text()):
                return float(found[1])
            assert self.process.poll() is None, self.said.read_text()
            time.sleep(0.1)
        raise AssertionError(self.said.read_text())

    def answers(self, path: str) -> int:
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return answer.status

    def others(self) -> list[int]:
        """Every process that was told of this `var`, besides the one we started."""
        marks = [str(self.var).encode(), bytes(children.socket_directory(self.var))]
        found = []
        for pid in [int(process.name) for process in Path("/proc").iterdir() if process.name.isdigit()]:
            # The checker keeps its environment to root: its words name the socket.
            told = environment_of(pid) + command_of(pid)
            if pid != self.process.pid and any(mark in told for mark in marks):
                found.append(pid)
        return found

    def until_alone(self) -> bool:
        for _ in range(300):
            if not self.others():
                return True
            time.sleep(0.1)
        return False


def command_of(pid: int) -> bytes:
    return read(f"/proc/{pid}/cmdline")


def environment_of(pid: int) -> bytes:
    return read(f"/proc/{pid}/environ")


def read(path: str) -> bytes:
    """Nothing for a process that ended, or of which this account may not know it."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def until(true, *, within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while not (held := true()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return held


@pytest.fixture(scope="module")
def house_var(var: Path) -> Path:
    return var / "house"


@pytest.fixture
def running(house_var):
    started: list[Running] = []

    def start(port: int | None = None) -> Running:
        started.append(Running(house_var, port or a_free_port()))
        return started[-1]

    yield start
    for each in started:
        children.stop(each.process, patience=40)


pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


def test_it_starts_serves_refuses_a_second_one_and_stops(running):
    home = running()
    home.until_ready()

    assert home.answers("/") == 200
    assert home.answers("/readyz") == 200
    said = home.said.read_text()
    assert "Qui être" in said
    assert "boite" in said

    second = running(home.port)
    assert second.process.wait(60) == 1
    assert f"Le port {home.port} est déjà pris" in second.said.read_text()
    third = running()
    assert third.process.wait(60) == 1
    assert "tourne déjà" in third.said.read_text()

    home.process.send_signal(signal.SIGINT)
    assert home.process.wait(40) == 0
    assert "Tout est arrêté." in home.said.read_text()
    assert home.others() == []


def test_it_keeps_its_data_restarts_who_dies_and_leaves_nobody_when_killed(running, house_var):
    assert (house_var / "pg" / "PG_VERSION").exists(), "the first test filled it"
    home = running()
    home.until_ready()
    (scheduler,) = [pid for pid in home.others() if b"scheduler" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    os.kill(scheduler, signal.SIGKILL)
    for _ in range(100):
        if "« scheduler » s’était arrêté" in home.said.read_text():
            break
        time.sleep(0.1)
    assert home.answers("/readyz") == 200
    assert "« scheduler » s’était arrêté : il est relancé" in home.said.read_text()

    for words in (b"dmp.wsgi:front", b"celery", b"documents.checker"):
        masters = {
            pid for pid in home.others() if words in command_of(pid) and parent_of(pid) == home.process.pid
        }
        orphans = {pid for pid in home.others() if parent_of(pid) in masters}
        assert masters
        assert orphans or words != b"dmp.wsgi:front"
        for master in masters:
            os.kill(master, signal.SIGKILL)
        assert until(lambda gone=masters | orphans: not gone & set(home.others())), words
        assert home.answers("/aide/") == 200, "nobody was refused: connections waited"
    assert until(lambda: "« checker » s’était arrêté : il est relancé" in home.said.read_text())

    home.process.send_signal(signal.SIGKILL)
    home.process.wait()
    assert home.until_alone(), home.others()


def test_a_read_only_folder_is_one_sentence(tmp_path):
    if os.geteuid() == 0:
        folder = Path("/sys/dmp")  # where even root makes nothing
    else:
        tmp_path.chmod(0o500)
        folder = tmp_path / "var"
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "run"]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "dmp.settings", "DMP_VAR": str(folder)}

    told = subprocess.run(
        command, env=environment | {"PORT": str(a_free_port())}, capture_output=True, text=True, timeout=60
    )

    assert told.returncode == 1
    assert "n’est pas accessible en écriture" in told.stderr
    assert "Traceback" not in told.stderr
