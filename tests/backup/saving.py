"""The services of the profile `backup`, run by hand, and what they tell."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.conf import settings
from django.utils import timezone

from dmp import children, pg
from documents import deposit
from tests.cast import LEFEVRE
from tests.documents.files import pdf

from .rendered import ByHand, rendered

PATIENCE_SECONDS = 60


@pytest.fixture
def house(real_database, tmp_path):
    """What a machine with containers would have: volumes, passwords, one for the backup among them."""
    passwords = pg._passwords(real_database.var)
    values = {
        "POSTGRES_PASSWORD": passwords["postgres"],
        "DMP_OWNER_PASSWORD": passwords["dmp_owner"],
        "DMP_APP_PASSWORD": passwords["dmp_app"],
        "DMP_BACKUP_PASSWORD": "longue-et-tiree-au-sort",
        "DMP_BASE_URL": "https://dmp.example",
        "DMP_INS_OIDS": "test",
    }
    made = ByHand(
        services=rendered(AnyOther(values)),
        root=tmp_path,
        volumes={
            "keys": real_database.var / "keys",
            "contents": real_database.var / "store",
            "journal": settings.DMP_JOURNAL,
        },
        server=children.socket_directory(real_database.var),
        database=real_database.name,
    )
    yield made
    with real_database.superuser() as server:
        pg.let_backup_in(server, "")
        if server.execute("SELECT 1 FROM pg_roles WHERE rolname = 'dmp_backup'").fetchone():
            server.execute("DROP OWNED BY dmp_backup")
    with pg.connect(real_database.var) as server:
        server.execute("DROP ROLE IF EXISTS dmp_backup")


class AnyOther(dict):
    """What is asked for besides has some value."""

    def __missing__(self, name):
        return f"any-{name.lower()}"


@contextmanager
def running(process: subprocess.Popen[str]):
    """Ended as a container is. What it said comes out, for whoever reads a failure."""
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            said, _ = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
        sys.stdout.write(said)


def until(ready, process):
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            if (found := ready()) is not None:
                return found
        except (OSError, ValueError, KeyError):
            pass
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    raise AssertionError("it did not come")


def told(house, name):
    return json.loads((house.folder("backup-status") / f"{name}.json").read_text())


def deposited(dossier_id):
    """A document too large for its row: its content goes to the store."""
    return deposit.deposit(
        dossier_id,
        content=pdf() + b"\n%" + os.urandom(90_000).hex().encode(),
        title="Compte rendu",
        media_type="application/pdf",
        type_code="11488-4",
        masked=False,
        withheld=False,
        hidden_from_representatives=False,
        created_on=timezone.localdate(),
        by=LEFEVRE,
        at=timezone.now(),
    ).document_id


def saved_since(house, instant, archive):
    def ready():
        status = told(house, "archive")
        through = min(datetime.fromisoformat(status[name]) for name in ("log", "contents"))
        return status if "base" in status and through > instant else None

    return until(ready, archive)


def verified(house, *, after=None):
    with running(house.start("verify")) as verify:

        def ready():
            status = told(house, "verify")
            return status if status["at"] != after else None

        return until(ready, verify)
