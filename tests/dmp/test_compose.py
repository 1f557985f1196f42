"""docker-compose.yml is a Compose file, and runs the same house as `make run`."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from dmp import pg

COMPOSE = settings.BASE_DIR / "docker-compose.yml"


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(COMPOSE.read_text())["services"]


def validated(path: Path) -> subprocess.CompletedProcess[str]:
    """By the schema of the Compose specification, as check-jsonschema carries it."""
    command = [
        Path(sys.executable).parent / "check-jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        path,
    ]
    return subprocess.run(command, capture_output=True, text=True)


def test_it_follows_the_compose_specification():
    told = validated(COMPOSE)

    assert told.returncode == 0, told.stdout


def test_the_schema_refuses_what_the_specification_does_not_know(tmp_path):
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("    healthcheck:", "    health_check:", 1))

    assert validated(wrong).returncode == 1


def test_every_process_of_the_house_is_there(services):
    assert {"postgresql", "valkey", "prepare", "web", "worker", "scheduler", "proxy"} <= set(services)
    assert services["postgresql"]["image"] == f"postgres:{pg.VERSION}"


def test_postgresql_logs_no_value(services):
    command = services["postgresql"]["command"]

    for name, value in pg.LOG_SETTINGS.items():
        assert f"{name}={value}" in command


def test_only_the_proxy_is_reached_from_outside(services):
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]


def test_only_prepare_knows_the_owner(services):
    knows = [name for name, service in services.items() if "DMP_OWNER_PASSWORD" in str(service)]

    assert knows == ["prepare"]


def test_only_the_house_reads_the_keys_and_nobody_writes_them_while_it_runs(services):
    mounts = {name: [str(v) for v in service.get("volumes", [])] for name, service in services.items()}
    keys = {
        name: volume for name, volumes in mounts.items() for volume in volumes if volume.startswith("keys:")
    }

    assert keys.pop("keys") == "keys:/var/lib/dmp/keys"
    assert set(keys.values()) == {"keys:/var/lib/dmp/keys:ro"}
    assert {"postgresql", "valkey", "proxy"}.isdisjoint(keys)


def test_the_settings_it_needs_are_in_the_example():
    example = (settings.BASE_DIR / "deploy" / "env.example").read_text()
    named = {line.partition("=")[0] for line in example.splitlines() if "=" in line and line[0] != "#"}
    from dmp.checks import OUTSIDE

    assert {"DMP_HOST", "DMP_BASE_URL", "DMP_SECRET_KEY", *OUTSIDE} <= named
