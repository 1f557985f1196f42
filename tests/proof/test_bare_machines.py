"""The two commands of the README, on a Debian where nobody has done anything yet."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import pytest

from tests import failures
from tests.proof.bare import ACCOUNT, Bare, Lived, make_run, proxy
from tests.proof.figures import Sheet
from tests.proof.processes import ROOT, free_port

RELEASES = {"bookworm": "Debian 12", "trixie": "Debian 13"}
FIRST_PAGE_SECONDS = 60
KEPT = ROOT / "var" / "proof" / "bare-machines.json"
DONE = f"""
A bare Debian is made in a folder, with Python, make and the certificates of the system, nothing else, up to
date; no language is set. The project is copied into it as somebody would fetch it. `make run` and `make test`
are then given there: as root and as an ordinary account; behind the variables of a proxy that leads to
nothing on the machine; and where no user namespace can be made, which PostgreSQL needs when root starts it.

The first page is timed from the command, an empty folder before it, packages to fetch included. It must come
within {FIRST_PAGE_SECONDS} seconds.
"""
COLUMNS = (
    *("Machine", "Account", "Command", "User namespaces", "Proxy"),
    *("First page", "Passed", "Failed", "Skipped", "Sentence"),
)
NOTHING = "–"
JAIL_AND_DOCUMENTS = ".venv/bin/python -m pytest -n 2 --dist loadfile -rfE tests/jail tests/documents"

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


@dataclass
class Row:
    """What was given on a machine, and what came of it."""

    command: str
    namespaces: bool = True
    proxy: bool = False
    first_page: str = NOTHING
    passed: str = NOTHING
    failed: str = NOTHING
    skipped: str = NOTHING
    sentence: str = NOTHING


class Told:
    """The rows of one machine and account: each is written to the page as soon as it is known."""

    def __init__(self, bare: Bare, account: str) -> None:
        version = next((bare.folder / "usr/bin").glob("python3.[0-9]*")).name.removeprefix("python")
        self.machine = f"{RELEASES[bare.release]}, Python {version}"
        self.account = "root" if account == "root" else "user"
        self.rows: list[Row] = []

    def add(self, row: Row) -> None:
        self.rows.append(row)
        found: dict[str, list[dict[str, object]]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        found[f"{self.machine}|{self.account}"] = [asdict(row) for row in self.rows]
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text(json.dumps(found, indent=1))
        sheet = Sheet("bare-machines", "A machine where nobody has done anything yet", DONE)
        lines = [
            (
                *name.split("|"),
                *("yes" if cell is True else "no" if cell is False else cell for cell in row.values()),
            )
            for name in sorted(found)
            for row in found[name]
        ]
        sheet.table("What was given, and what came of it", COLUMNS, lines)
        sheet.write()


def test_the_two_commands(bare: Bare, account: str) -> None:
    told = Told(bare, account)
    if account != "root":
        bare.copy_the_project(account)
        refused = make_run(bare, account=account, port=free_port())
        assert refused.status != 0
        package = re.search(r"Il manque le module venv de Python : sudo apt install (\S+)", refused.words)
        assert package, refused.words
        told.add(Row("make run", sentence=package[0]))
        bare.install(package[1])

    bare.copy_the_project(account)
    outcome = make_run(bare, account=account, port=free_port(), namespaces=False)
    if account == "root":
        assert "espaces de noms" in outcome.words, outcome.words
        assert not list(bare.folder.glob("root/dmp/.venv"))
        assert outcome.seconds < 10
        told.add(Row("make run", namespaces=False, sentence=outcome.words.splitlines()[0]))
    else:
        told.add(Row("make run", namespaces=False, first_page=page(outcome)))

    with proxy() as (address, asked):
        bare.copy_the_project(account)
        bare.proxies = dict.fromkeys(
            ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"), address
        )
        told.add(
            Row("make run", proxy=True, first_page=page(make_run(bare, account=account, port=free_port())))
        )
        assert asked, "packages came by the proxy"
        assert not {"127.0.0.1", "localhost", ""} & set(asked)
        bare.proxies = {}

    bare.copy_the_project(account)
    lived = make_run(bare, account=account, port=free_port())
    told.add(Row("make run", first_page=page(lived)))

    if account != "root" and bare.release == "trixie":
        bare.install(
            *(line for line in (ROOT / "apt.txt").read_text().split("\n") if line and line[0] != "#")
        )
    said = bare.run('cd dmp && make test 2>&1; echo "status $?"', account=account)
    told.add(counts_of("make test", said, namespaces=True))
    assert said.strip().endswith("status 0"), what_failed(said)
    if account != "root":
        jailed = bare.run(
            f'cd dmp && {JAIL_AND_DOCUMENTS} 2>&1; echo "status $?"', account=account, namespaces=False
        )
        told.add(counts_of("tests of the jail and of documents", jailed, namespaces=False))
        assert jailed.strip().endswith("status 0"), what_failed(jailed)
    assert lived.first_page_seconds is not None
    assert lived.first_page_seconds <= FIRST_PAGE_SECONDS


def what_failed(said: str) -> str:
    """The names of what failed, then how it did; skips are told by the count."""
    lines = said.splitlines()
    names = [line for line in lines if line.startswith(failures.TELLS)]
    details = [line for line in lines if re.match(r"E  |____|\S+: FAILED|Failed: ", line)]
    return "\n".join([*names, *details[:400]]) or said[-6000:]


def counts_of(command: str, said: str, *, namespaces: bool) -> Row:
    """What the last lines of the tests count."""
    counts = [line for line in said.splitlines() if re.search(r"\d+ passed", line)][-1]
    numbers = {word: number for number, word in re.findall(r"(\d+) (passed|failed|skipped)", counts)}
    not_played = re.findall(r"(?m)^\d+ parcours non joués.*$", said)
    return Row(
        command,
        namespaces=namespaces,
        passed=numbers["passed"],
        failed=numbers.get("failed", "0"),
        skipped=numbers.get("skipped", "0"),
        sentence=not_played[-1] if not_played else NOTHING,
    )


def page(lived: Lived) -> str:
    assert lived.first_page_seconds is not None, lived.words[-3000:]
    assert "Tout est arrêté." in lived.words, lived.words[-3000:]
    assert "Traceback" not in lived.words
    return f"{lived.first_page_seconds:.0f} s"
