"""Figures are served inside, name nobody, and are those that the alerts and the dashboard ask for."""

import json
import re
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from urllib.request import ProxyHandler, build_opener

import pytest
import yaml
from django.conf import settings

ROOT = settings.BASE_DIR
WEB = """
import sys, time
from django.conf import settings
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
import dmp.wsgi
from django.test import Client
client = Client(HTTP_HOST="localhost")
for address in sys.argv[1:]:
    client.get(address)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def figures(real_database, free_port):
    """Two processes of one service that answered these addresses; what either of them tells."""
    running: list[subprocess.Popen[str]] = []
    where = f"127.0.0.1:{free_port}"

    def read(*addresses: str) -> str:
        told = real_database.environment(DMP_METRICS_ADDRESS=where, DMP_DEMO="1")
        for _ in range(2):
            command = [sys.executable, "-c", WEB, *addresses]
            running.append(subprocess.Popen(command, cwd=ROOT, env=told, stdout=subprocess.PIPE, text=True))
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        with build_opener(ProxyHandler({})).open(f"http://{where}/metrics", timeout=5) as answer:
            return answer.read().decode()

    yield read
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


NIR = "279035121518989"


def test_what_is_told_by_any_process_and_asked_for_by_alerts_and_dashboard(figures, of_the_house):
    told = figures("/aide/", f"/{NIR}", f"/aide/?q={NIR}")

    assert_the_figures_of_every_process(told)
    assert_what_stands_around_the_processes(of_the_house)
    assert_what_is_asked_exists(told + of_the_house)


def assert_the_figures_of_every_process(told):
    assert 'dmp_request_seconds_count{route="public:help",status="2xx"} 4.0' in told
    assert 'dmp_request_seconds_count{route="none",status="4xx"} 2.0' in told
    assert 'dmp_oldest_due_job_seconds{urgency="codes"} 0.0' in told
    assert "dmp_database_answers 1.0" in told
    assert NIR not in told


@pytest.fixture
def of_the_house(real_database, redis_server, tmp_path):
    """What the scheduler tells, beside a backup that was verified yesterday."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{probe.getsockname()[1]}"
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    saved = dict.fromkeys(("at", "log", "base", "contents"), yesterday)
    (tmp_path / "archive.json").write_text(json.dumps(saved))
    (tmp_path / "verify.json").write_text(json.dumps({"at": yesterday, "sound": False, "codes": ["rows"]}))
    environment = real_database.environment(DMP_METRICS_ADDRESS=where, DMP_BACKUP_STATUS=str(tmp_path))
    scheduler = subprocess.Popen(
        [sys.executable, "manage.py", "scheduler"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield read_when_it_answers(where, scheduler)
    finally:
        scheduler.terminate()
        scheduler.communicate()


def read_when_it_answers(where, process):
    end = time.monotonic() + 40
    while time.monotonic() < end:
        try:
            with build_opener(ProxyHandler({})).open(f"http://{where}/metrics", timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.2)
    raise AssertionError("no figure came")


def value(told, name):
    return float(re.search(rf"(?m)^{re.escape(name)} (\S+)$", told).group(1))


def assert_what_stands_around_the_processes(of_the_house):
    for name in ("dmp_doors_open", "dmp_journal_writable", "dmp_checker_answers", "dmp_database_answers"):
        assert value(of_the_house, name) == 1.0, name
    assert value(of_the_house, "dmp_journal_lines_waiting") == 0.0
    assert value(of_the_house, "dmp_backup_sound") == 0.0
    assert abs(value(of_the_house, "dmp_clock_ahead_seconds")) < 2
    for part in ("log", "base", "contents", "verification"):
        assert 86_300 < value(of_the_house, f'dmp_backup_age_seconds{{part="{part}"}}') < 86_700


def named_by(text: str) -> set[str]:
    return set(re.findall(r"\bdmp_[a-z_]+", text))


def assert_what_is_asked_exists(told):
    exported = set(re.findall(r"(?m)^(dmp_[a-z_]+)[{ ]", told)) | set(
        re.findall(r"(?m)^# TYPE (dmp_[a-z_]+) ", told)
    )
    rules = yaml.safe_load((ROOT / "deploy/watching/rules.yml").read_text())["groups"]
    board = json.loads((ROOT / "deploy/watching/dashboard.json").read_text())

    asked = {name for group in rules for rule in group["rules"] for name in named_by(rule["expr"])}
    shown = {
        name for panel in board["panels"] for each in panel["targets"] for name in named_by(each["expr"])
    }
    assert asked
    assert shown
    assert (asked | shown) - exported == set()


def test_each_alert_says_what_people_notice_and_where_to_look():
    for group in yaml.safe_load((ROOT / "deploy/watching/rules.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert {"summary", "look"} <= set(rule["annotations"]), rule["alert"]


@pytest.mark.django_db
def test_no_figure_is_served_on_the_address_of_people(client):
    assert client.get("/metrics").status_code == 404


def test_nothing_is_counted_when_nobody_reads(client, settings):
    from dmp import metrics

    assert not settings.DMP_METRICS_ADDRESS
    assert metrics.requests() is None
    began = time.perf_counter()
    metrics.serve_if_asked()
    assert time.perf_counter() - began < 0.1
