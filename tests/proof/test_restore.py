"""The database's machine is lost, or its standby takes over: what was taken away stays taken away."""

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import override_settings

from dmp import children, keys, pg
from revocation import doors
from revocation.doors import Shut
from revocation.journal import journal

pytestmark = pytest.mark.proof
ROOT = Path(__file__).resolve().parents[2]


def test_ten_random_seconds():
    environment = {name: value for name, value in os.environ.items() if name != "DMP_VAR"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.drill"], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    assert len(re.findall("perdu", done.stdout)) == 10


@contextmanager
def standby_of(var: Path, folder: Path):
    """Another server, which follows the first."""
    command = [pg.binaries() / "pg_basebackup", "-h", children.socket_directory(var), "-U", pg.SUPERUSER]
    command += ["-D", folder / "pg", "--no-password", "--checkpoint=fast", "--write-recovery-conf"]
    folder.mkdir(parents=True)
    environment = os.environ | {"PGPASSFILE": str(pg.passfile(var))}
    subprocess.run([str(word) for word in command], env=environment, check=True, capture_output=True)
    shutil.copytree(keys.folder_of(var), folder / "keys")
    servers = [pg.start(folder)]
    try:
        yield servers
    finally:
        connections.close_all()
        doors.forget()
        for server in servers:
            pg.stop(server)


def looks(host: Path) -> Shut | None:
    connections.close_all()
    doors.forget()
    for alias in ("default", "owner"):
        connections[alias].settings_dict["HOST"] = str(host)
    try:
        connection.ensure_connection()
        return doors.shut_because()
    except doors.DoorsShut:
        return doors._known.shut


@pytest.mark.parametrize("lost", [False, True], ids=["nothing", "the last second"])
def test_a_promotion_opens_by_itself_when_it_lost(lost, tmp_path, keys, django_db_blocker):
    here = settings.DMP_VAR / ("lost" if lost else "whole")
    first, second = here / "first", here / "second"
    (first / "keys").mkdir(parents=True)
    server = pg.start(first)
    before = {alias: dict(connections[alias].settings_dict) for alias in ("default", "owner")}
    try:
        with django_db_blocker.unblock(), override_settings(DMP_JOURNAL=tmp_path / "journal"):
            from django.core.management import call_command

            pg.prepare(first, "dmp")
            for alias in before:
                connections[alias].settings_dict["NAME"] = "dmp"
                connections[alias].settings_dict["OPTIONS"]["passfile"] = str(pg.passfile(first))
            assert looks(children.socket_directory(first)) is None
            call_command("migrate", database="owner", verbosity=0)
            with standby_of(first, second) as standby:
                if lost:  # it follows no more
                    pg.stop(standby.pop())
                with pg.connect(first, "dmp") as writer:
                    writer.execute("CREATE TABLE seen AS SELECT generate_series(1, 1000)")
                assert looks(children.socket_directory(first)) is None
                known = journal().reached()
                if not lost:
                    with pg.connect(first) as leader:
                        reached = "SELECT pg_current_wal_flush_lsn() <= replay_lsn FROM pg_stat_replication"
                        while not (leader.execute(reached).fetchone() or [False])[0]:
                            time.sleep(0.05)
                server.kill()
                server.wait()
                if lost:
                    standby.append(pg.start(second))
                with pg.connect(second) as follower:
                    follower.execute("SELECT pg_promote()")

                found = looks(children.socket_directory(second))

                assert found is (Shut.UNKNOWN_TIMELINE if lost else None)
                if not lost:
                    assert journal().reached().timeline == known.timeline + 1
    finally:
        connections.close_all()
        doors.forget()
        for alias, described in before.items():
            connections[alias].settings_dict.update(described)
        if server.poll() is None:
            pg.stop(server)
