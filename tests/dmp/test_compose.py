"""docker-compose.yml is a Compose file, and runs the same house as `make run`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from dmp import pg
from dmp.checks import NEEDS, Process
from jobs.urgency import Urgency

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
    assert {
        "postgresql",
        "valkey",
        "prepare",
        "web",
        "codes",
        "worker",
        "scheduler",
        "checker",
        "proxy",
    } <= set(services)
    assert services["postgresql"]["image"].startswith(f"postgres:{pg.VERSION}.")


def test_postgresql_logs_no_value(services):
    command = services["postgresql"]["command"]

    for name, value in pg.LOG_SETTINGS.items():
        assert f"{name}={value}" in command


def test_only_the_proxy_is_reached_from_outside(services):
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]


# Who is given which secret. Whatever is not named here, nobody has.
SECRETS = {
    "POSTGRES_PASSWORD": {"postgresql", "prepare"},
    "DMP_OWNER_PASSWORD": {"prepare"},
    "DMP_BACKUP_PASSWORD": {"prepare", "archive"},
    "DMP_APP_PASSWORD": {"keys", "prepare", "web", "codes", "worker", "scheduler"},
    "DMP_REDIS_PASSWORD": {"valkey", "keys", "web", "codes", "worker", "scheduler"},
    "DMP_SECRET_KEY": {"web"},
    "DMP_PSC_CLIENT_SECRET": {"web"},
    "DMP_HISTORY_TOKEN": {"web", "codes", "worker", "scheduler"},
    "DMP_SMS_TOKEN": {"codes", "worker", "scheduler"},
}
SECRET = re.compile(r"\$\{(\w*(?:PASSWORD|SECRET|TOKEN|PRIVATE)\w*)")


def test_each_secret_is_given_to_who_needs_it_and_to_nobody_else(services):
    given = {
        secret: {name for name, service in services.items() if secret in SECRET.findall(str(service))}
        for secret in {found for service in services.values() for found in SECRET.findall(str(service))}
    }

    assert given == SECRETS


def test_no_service_is_given_a_whole_file_of_settings(services):
    assert [name for name, service in services.items() if "env_file" in service] == []


def test_what_a_process_needs_to_start_it_is_given(services):
    for process in (Process.WEB, Process.WORKER, Process.SCHEDULER):
        assert set(NEEDS[process]) <= set(services[str(process)]["environment"])


def test_every_setting_can_be_given_to_a_container(services):
    """A setting read by the code but given to no service would be ignored in silence."""
    read = set(
        re.findall(r"(?:setting|number)\(\s*\"(\w+)\"", (settings.BASE_DIR / "dmp/settings.py").read_text())
    )
    given = {name for service in services.values() for name in service.get("environment", {})}

    assert read - given == NOT_IN_CONTAINERS


NOT_IN_CONTAINERS = {
    "DMP_DEMO",
    "DMP_VAULT_KEYS",
    "DMP_VAULT_PROVIDER",
    "SANDBOX_PORT",
}


def test_the_checker_has_no_network_no_secret_no_key_and_no_folder_but_its_sockets(services):
    checker = services["checker"]

    assert checker["network_mode"] == "none"
    assert {"networks", "ports", "environment", "env_file", "secrets", "tmpfs", "depends_on"} & set(
        checker
    ) == set()
    assert checker["volumes"] == ["checker:/run/checker"]
    assert (checker["read_only"], checker["cap_drop"]) == (True, ["ALL"])
    assert checker["security_opt"] == ["no-new-privileges:true"]
    assert checker["user"].split(":")[0] not in ("", "0", "10001"), "a user of its own"
    assert "$" not in str(checker), "it is told nothing"


def test_whoever_does_jobs_reaches_the_checker_and_nobody_else(services):
    reach = {name: service["volumes"] for name, service in services.items() if "checker:" in str(service)}

    assert set(reach) == {"checker", "worker", "scheduler"}
    for name in ("worker", "scheduler"):
        address = services[name]["environment"]["DMP_CHECKER_SOCKET"]
        assert "checker:/run/checker:ro" in services[name]["volumes"]
        assert address == services["checker"]["command"][-1] == "/run/checker/checker.sock"


@pytest.mark.parametrize("name", [".gitignore", ".dockerignore"])
def test_the_secrets_of_an_installation_are_neither_committed_nor_put_in_the_image(name):
    lines = (settings.BASE_DIR / name).read_text().splitlines()

    assert {".env", "deploy/.env*"} <= set(lines)


def test_only_the_house_reads_the_keys_and_nobody_writes_them_while_it_runs(services):
    mounts = {name: [str(v) for v in service.get("volumes", [])] for name, service in services.items()}
    keys = {
        name: volume for name, volumes in mounts.items() for volume in volumes if volume.startswith("keys:")
    }

    assert keys.pop("keys") == "keys:/var/lib/dmp/keys"
    assert set(keys.values()) == {"keys:/var/lib/dmp/keys:ro"}
    assert set(keys) == {"prepare", "web", "codes", "worker", "scheduler", "verify"}


def mounts(services, name):
    return {str(volume).split(":")[0]: str(volume).endswith(":ro") for volume in services[name]["volumes"]}


def test_whoever_serves_or_works_writes_in_the_journal(services):
    """Without it a worker could not replay what did not commit, and the scheduler would cut nothing."""
    for name in ("web", "codes", "worker", "scheduler"):
        assert mounts(services, name).get("journal") is False, name


def test_who_saves_has_no_key_and_who_verifies_has_no_network(services):
    saves, verifies = services["archive"], services["verify"]

    assert "keys" not in mounts(services, "archive")
    assert mounts(services, "archive") | {"backups": True, "backup-status": True} == dict.fromkeys(
        mounts(services, "archive"), True
    ), "it writes nothing but copies"
    assert verifies["network_mode"] == services["restore"]["network_mode"] == "none"
    assert mounts(services, "verify")["backups"], "who verifies changes nothing of what was saved"
    assert saves["networks"] == ["inside"]
    assert {services[name]["profiles"][0] for name in ("archive", "verify")} == {"backup"}


def test_who_saves_and_who_verifies_run_the_server_of_the_house_exactly(services):
    image = re.search(r"(?m)^FROM (\S+)", (settings.BASE_DIR / "deploy/backup/Dockerfile").read_text())

    assert image
    assert image.group(1) == services["postgresql"]["image"]


def test_the_log_kept_for_the_backup_has_an_end(services):
    assert "max_slot_wal_keep_size=16GB" in services["postgresql"]["command"]


def test_the_settings_it_needs_are_in_the_example():
    example = (settings.BASE_DIR / "deploy" / "env.example").read_text()
    named = {line.partition("=")[0] for line in example.splitlines() if "=" in line and line[0] != "#"}

    assert {"DMP_HOST", "DMP_BASE_URL", *(name for needs in NEEDS.values() for name in needs)} <= named


def test_every_class_of_jobs_has_a_worker(services):
    """And codes have one of their own."""
    commands = [service.get("command", []) for service in services.values()]
    served = [
        each.removeprefix("--queues=").split(",")
        for command in commands
        for each in command
        if "--queues=" in each
    ]

    assert sorted(name for names in served for name in names) == sorted(urgency.queue for urgency in Urgency)
    assert ["codes"] in served
