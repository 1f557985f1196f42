"""The two commands of the README, on a Debian where nobody has done anything yet."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.bare import ACCOUNT, Bare, Lived, make_run, proxy
from tests.proof.figures import Sheet
from tests.proof.processes import ROOT, free_port

RELEASES = {"bookworm": "Debian 12", "trixie": "Debian 13"}
FIRST_PAGE_SECONDS = 60
KEPT = ROOT / "var" / "proof" / "bare-machines.json"
DONE = """
A bare Debian is made in a folder, with Python, make and nothing else, up to date; the project is copied
into it as somebody would fetch it. `make run` and `make test` are then given, as root and as an ordinary
account; behind the variables of a proxy that leads to nothing on the machine; and where no user
namespace can be made, which PostgreSQL needs when root starts it. The first page is timed from the
command, packages to fetch included.
"""

pytestmark = [
    pytest.mark.skipif(
        os.geteuid() != 0, reason="only root makes a machine in a folder: sudo make proof part=…"
    ),
    pytest.mark.skipif(
        shutil.which("debootstrap") is None, reason="needs debootstrap: apt install debootstrap"
    ),
]


@pytest.fixture(params=["root", "user"])
def account(request: pytest.FixtureRequest) -> str:
    return "root" if request.param == "root" else ACCOUNT


@pytest.fixture(params=RELEASES)
def bare(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    machine = Bare(request.param, tmp_path_factory.mktemp("bare") / request.param)
    try:
        machine.make()
        yield machine
    finally:
        machine.remove()


def test_the_two_commands(bare: Bare, account: str) -> None:
    rows: dict[str, str] = {}
    if account != "root":
        bare.copy_the_project(account)
        told = make_run(bare, account=account, port=free_port())
        assert told.status != 0
        package = re.search(r"Il manque le module venv de Python : sudo apt install (\S+)", told.words)
        assert package, told.words
        rows["make run, without the module venv"] = f"« {package[0]} », {told.seconds:.1f} s"
        bare.install(package[1])

    bare.copy_the_project(account)
    refused_or_ready = make_run(bare, account=account, port=free_port(), namespaces=False)
    if account == "root":
        assert "espaces de noms" in refused_or_ready.words, refused_or_ready.words
        assert not list(bare.folder.glob("root/dmp/.venv"))
        assert refused_or_ready.seconds < 5
        rows["make run, no user namespace"] = f"refused in a sentence, {refused_or_ready.seconds:.1f} s"
    else:
        rows["make run, no user namespace"] = page(refused_or_ready)

    with proxy() as (address, asked):
        bare.copy_the_project(account)
        bare.proxies = dict.fromkeys(
            ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"), address
        )
        rows["make run, behind a proxy"] = page(make_run(bare, account=account, port=free_port()))
        assert asked, "packages came by the proxy"
        assert not {"127.0.0.1", "localhost", ""} & set(asked)
        bare.proxies = {}

    bare.copy_the_project(account)
    lived = make_run(bare, account=account, port=free_port())
    rows["make run"] = page(lived)
    keep(bare, account, rows)

    if account != "root" and bare.release == "trixie":
        bare.install(
            *(line for line in (ROOT / "apt.txt").read_text().split("\n") if line and line[0] != "#")
        )
    said = bare.run('cd dmp && make test; echo "status $?"', account=account)
    last = [
        line for line in said.strip().splitlines() if re.search(r"\d+ passed|parcours non|^status", line)
    ][-3:]
    rows["make test"] = " · ".join(line for line in last if not line.startswith("status"))
    keep(bare, account, rows)
    assert last[-1] == "status 0", said[-6000:]
    assert ", 0 failed, " in rows["make test"]
    assert lived.first_page_seconds is not None
    assert lived.first_page_seconds <= FIRST_PAGE_SECONDS


def page(lived: Lived) -> str:
    assert lived.first_page_seconds is not None, lived.words[-3000:]
    assert "Tout est arrêté." in lived.words, lived.words[-3000:]
    assert "Traceback" not in lived.words
    return f"first page in {lived.first_page_seconds:.0f} s"


def keep(bare: Bare, account: str, rows: dict[str, str]) -> None:
    """Each part adds its lines to those that the others wrote."""
    found: dict[str, dict[str, str]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    version = next(Path(bare.folder / "usr/bin").glob("python3.[0-9]*")).name.removeprefix("python")
    name = f"{RELEASES[bare.release]}, Python {version}, as {'root' if account == 'root' else 'somebody'}"
    found[name] = rows
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    KEPT.write_text(json.dumps(found, indent=1))
    sheet = Sheet("bare-machines", "A machine where nobody has done anything yet", DONE)
    for machine in sorted(found):
        sheet.table(machine, ("What was given", "What came of it"), list(found[machine].items()))
    sheet.write()
