"""Whatever a process says, from its first line to its last, is a line of ours, and names nobody."""

import json
import subprocess
import sys
import time
from uuid import uuid4

from django.conf import settings

from jobs.urgency import Urgency
from tests.dmp.planted import KIND, NIR

WORKER = [
    "celery",
    "--app=dmp",
    "worker",
    "--queues=codes",
    "--without-gossip",
    "--without-mingle",
    "--loglevel=warning",
]
PLANTED = "--include=tests.dmp.planted"
PATIENCE_SECONDS = 40


def spoken(command, environment, *, until, meanwhile=lambda: None):
    """What a process said, both outputs, until it said this; stopped as a supervisor does."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command] if command[0] == "celery" else [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    meanwhile()
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and process.poll() is None and not until():
        time.sleep(0.2)
    process.terminate()
    try:
        said, _ = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
    return said.splitlines()


def lines_of(said):
    strangers = [line for line in said if not line.startswith("{")]
    assert strangers == []
    return [json.loads(line) for line in said]


def a_job(real_database):
    def plant():
        with real_database.superuser() as server:
            server.execute(
                "INSERT INTO jobs_job (id, kind, urgency, idem, subject_id, state, attempts, run_after, code,"
                " created_at) VALUES (%s, %s, %s, %s, %s, 'ready', 0, now(), '', now())",
                [uuid4(), KIND, int(Urgency.CODES), str(uuid4()), uuid4()],
            )

    def tried():
        with real_database.superuser() as server:
            found = server.execute(
                "SELECT 1 FROM jobs_job WHERE kind = %s AND attempts > 0 AND state <> 'leased'", [KIND]
            )
            return found.fetchone() is not None

    return plant, tried


def test_a_worker_says_nothing_but_lines_of_ours_and_no_number_planted_comes_out(real_database):
    plant, tried = a_job(real_database)

    lines = lines_of(spoken([*WORKER, PLANTED], real_database.environment(), until=tried, meanwhile=plant))

    text = json.dumps(lines, ensure_ascii=False)
    assert {line["event"] for line in lines} >= {"thread ended", "warning", "exception ignored"}
    for planted in (NIR, "Moreau", "Camille", "bilan"):
        assert planted not in text
    assert any(line.get("error") == "FileNotFoundError" for line in lines)


def test_the_scheduler_says_nothing_but_lines_of_ours(real_database, tmp_path):
    environment = real_database.environment(DMP_LOG_LEVEL="DEBUG")
    end = time.monotonic() + 6

    lines_of(spoken(["manage.py", "scheduler"], environment, until=lambda: time.monotonic() > end))
