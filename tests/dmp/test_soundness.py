"""No process starts unsound: one list of faults, and the same refusal whoever starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from dmp import checks, keys
from dmp.checks import NEEDS, Process

COMMANDS = {
    Process.WEB: [sys.executable, "-c", "import dmp.wsgi"],
    Process.WORKER: [
        *(str(Path(sys.executable).parent / "celery"), "--app=dmp", "worker"),
        *("--concurrency=1", "--without-mingle", "--without-gossip"),
    ],
    Process.SCHEDULER: [sys.executable, "manage.py", "scheduler", "--once"],
    Process.COMMAND: [sys.executable, "manage.py", "verify_ledger"],
    Process.PREPARE: [sys.executable, "manage.py", "prepare"],
}
# The faults of a configuration, all at once, and by which code each process names them.
FAULTS = {
    Process.WEB: {"dmp.E001", "dmp.E002", "dmp.E003", "vault.E002"},
    Process.WORKER: {"dmp.E001", "dmp.E002", "dmp.E003", "vault.E002"},
    Process.SCHEDULER: {"dmp.E001", "dmp.E002", "dmp.E003", "vault.E002"},
    Process.COMMAND: {"dmp.E002", "dmp.E003", "vault.E002"},
    Process.PREPARE: {"dmp.E002", "dmp.E003", "vault.E002"},
}


def started(process: Process, **environment: str) -> subprocess.CompletedProcess[str]:
    base = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DMP_", "DATABASE", "DJANGO_ALLOW"))
    }
    return subprocess.run(
        COMMANDS[process],
        cwd=settings.BASE_DIR,
        env=base | {"DJANGO_SETTINGS_MODULE": "dmp.settings"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def refusals(done: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    """The lines that say why it did not start."""
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("event", "").startswith("cannot start")]


def complete(var: Path, process: Process) -> dict[str, str]:
    """A configuration in which nothing is missing for this process, and nothing more than it needs."""
    needed = dict.fromkeys(NEEDS[process], "https://dehors.example")
    return needed | {"DMP_VAR": str(var), "DMP_BASE_URL": "https://dmp.example", "DMP_INS_OIDS": "test"}


@pytest.mark.parametrize("process", Process)
def test_a_process_that_lacks_what_it_needs_names_each_fault_and_ends(process, tmp_path):
    done = started(process, DMP_VAR=str(tmp_path), DMP_BASE_URL="http://dmp.example", DMP_INS_OIDS="wrong")

    assert done.returncode == 1
    assert {line["code"] for line in refusals(done)} == FAULTS[process]
    assert "Traceback" not in done.stderr
    for name in NEEDS[process]:
        assert any(line["event"] == f"cannot start: {name} is not set." for line in refusals(done))


@pytest.mark.parametrize("process", [Process.WORKER, Process.COMMAND])
def test_a_process_under_keys_of_another_database_does_not_start(process, real_database, tmp_path):
    keys.make(tmp_path, demo=False)

    done = started(process, **real_database.environment() | complete(tmp_path, process))

    assert done.returncode == 1
    assert {line["code"] for line in refusals(done)} == {"vault.E001"}


def test_prepare_refuses_the_keys_of_another_database(real_database, tmp_path):
    keys.make(tmp_path, demo=False)

    done = started(Process.PREPARE, **real_database.environment() | complete(tmp_path, Process.PREPARE))

    assert done.returncode == 1
    assert "Wrong key" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("process", [Process.WEB, Process.PREPARE])
def test_a_process_that_lacks_nothing_starts_without_a_word(process, real_database):
    done = started(
        process, **complete(real_database.var, process) | real_database.environment(REDIS_URL="redis://x")
    )

    assert done.returncode == 0, done.stderr
    assert not refusals(done)


def test_a_demonstration_is_refused_the_identities_of_real_people(tmp_path):
    done = started(Process.SCHEDULER, DMP_VAR=str(tmp_path), DMP_DEMO="1", DMP_INS_OIDS="real")

    assert done.returncode == 1
    assert "dmp.E003" in {line["code"] for line in refusals(done)}


@pytest.mark.django_db
def test_no_process_is_refused_for_what_another_needs(settings):
    """The worker signs nothing, the web sends no message: neither has the other's secrets."""
    settings.SECURE, settings.DMP_INS_OIDS = True, "test"
    for name in checks.NEEDS[Process.WORKER]:
        setattr(settings, name, "x")
    for name in {*checks.OPERATOR, "DMP_PSC_CLIENT_SECRET", "DMP_READER_URL"}:
        setattr(settings, name, "")

    assert checks.missing(Process.WORKER) == []
    assert set(checks.OPERATOR) <= set(checks.missing(Process.WEB))
