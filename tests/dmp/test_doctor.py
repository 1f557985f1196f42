"""The doctor names what is wrong, and what to do; a healthy house is left in peace."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from dmp import doctor, valkey
from jobs.urgency import Urgency
from revocation.doors import Shut
from vault import keyfile
from vault.keyfile import KeyName


@pytest.fixture(autouse=True)
def a_house(settings, redis_server):
    settings.DMP_DEMO = True
    settings.DMP_REDIS_URL = valkey.address(settings.DMP_VAR, "unix", "db=1")


def said() -> str:
    return "\n".join(f"{finding.wrong} {finding.way_out}" for finding in doctor.examine())


def a_job(*, urgency: Urgency, due_for: timedelta, state: str = "ready", code: str = "") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_job (id, kind, urgency, idem, subject_id, state, attempts, run_after, code,"
            " created_at) VALUES (%s, 'history.import', %s, %s, %s, %s, 0, now() - %s, %s, now())",
            [uuid4(), int(urgency), str(uuid4()), uuid4(), state, due_for, code],
        )


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_healthy_house_is_left_in_peace(capsys):
    call_command("doctor")

    assert capsys.readouterr().out == "Nothing is wrong.\n"


@pytest.mark.django_db(databases=["default", "owner"])
def test_codes_that_wait_are_named(capsys):
    a_job(urgency=Urgency.CODES, due_for=timedelta(minutes=2))

    with pytest.raises(CommandError):
        call_command("doctor")

    assert "class “codes” has been due for 12" in capsys.readouterr().out


@pytest.mark.django_db(databases=["default", "owner"])
def test_what_is_due_since_a_moment_is_not_late():
    a_job(urgency=Urgency.CODES, due_for=timedelta(seconds=5))
    a_job(urgency=Urgency.BULK, due_for=timedelta(hours=1))

    assert doctor.examine() == []


@pytest.mark.django_db(databases=["default", "owner"])
def test_what_waits_for_a_person_is_counted_with_its_cause():
    for _ in range(2):
        a_job(urgency=Urgency.FOREGROUND, due_for=timedelta(), state="held", code="identity.name")

    assert "2 “history.import” wait for a person (identity.name)" in said()


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_database_that_is_away_is_one_sentence(monkeypatch):
    def gone(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr("dmp.doctor.connection.cursor", gone)

    assert "PostgreSQL does not answer." in said()


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_database_that_cannot_be_written_is_named():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")

    assert "read-only" in said()


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_store_that_cannot_be_written_is_named(settings, tmp_path, monkeypatch):
    settings.DOCUMENT_STORE = tmp_path / "store"

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr("dmp.doctor.tempfile.TemporaryFile", refused)

    assert f"{tmp_path} cannot be written: Permission denied." in said()


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_bell_that_is_away_is_said_to_be_borne(settings):
    settings.DMP_REDIS_URL = "unix:///nowhere/valkey.sock"

    (finding,) = doctor.examine()
    assert "everything works" in finding.wrong
    assert not finding.serious


@pytest.mark.django_db(databases=["default", "owner"])
def test_who_cannot_be_reached_outside_is_named(settings, free_port):
    settings.DMP_SMS_URL = f"http://127.0.0.1:{free_port}/sms"

    assert f"Who sends SMS cannot be reached at 127.0.0.1:{free_port}" in said()


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_version_of_the_key_that_waits_is_named(settings, tmp_path):
    path = tmp_path / "kek.json"
    keys = keyfile.load(settings.VAULT["KEYS"], demo_allowed=True)
    keyfile.write_new(path, keys.with_new_version(KeyName.KEK))
    settings.VAULT = {"PROVIDER": "file", "KEYS": path}

    assert "Version 2 of the key that wraps the others is not registered" in said()


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_journal_that_cannot_be_written_is_named(settings, tmp_path):
    (tmp_path / "file").write_text("")
    settings.DMP_JOURNAL = tmp_path / "file" / "journal"

    assert "The journal cannot be written in" in said()


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_checker_that_is_away_is_named_where_it_should_be(settings, tmp_path):
    settings.DMP_CHECKER_SOCKET = tmp_path / "checker.sock"
    assert "The checker does not answer at" in said()

    settings.DMP_CHECKER_SOCKET = tmp_path / "elsewhere" / "checker.sock"
    assert doctor.examine() == []


@pytest.mark.django_db(databases=["default", "owner"])
def test_clocks_that_differ_are_named(monkeypatch):
    monkeypatch.setattr("dmp.surroundings.clock.measure", lambda: 300.4)

    assert "This machine is 300 seconds ahead of the database." in said()


@pytest.mark.django_db(databases=["default", "owner"])
def test_doors_that_are_shut_are_named(monkeypatch):
    monkeypatch.setattr("dmp.surroundings.doors.shut_because", lambda: Shut.WENT_BACK)

    assert "The doors are shut: the database is not as far as it was." in said()


def backed_up(folder, *, sound=True, **ages):
    at = datetime.now(UTC)
    of = {"log": 10, "contents": 10, "base": 3600, "verification": 3600} | ages
    instants = {part: (at - timedelta(seconds=age)).isoformat() for part, age in of.items()}
    verification = {"at": instants.pop("verification"), "sound": sound, "codes": [] if sound else ["ledger"]}
    (folder / "archive.json").write_text(json.dumps(instants))
    (folder / "verify.json").write_text(json.dumps(verification))


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_backup_that_is_old_or_unsound_is_named(settings, tmp_path):
    settings.DMP_BACKUP_STATUS = tmp_path
    backed_up(tmp_path)
    assert doctor.examine() == []

    backed_up(tmp_path, log=7200)
    assert "Of the backup, the log is 2 hours old." in said()

    backed_up(tmp_path, verification=3 * 86400)
    assert "Of the backup, the verification is 72 hours old." in said()

    backed_up(tmp_path, sound=False)
    assert "The last backup is not sound: ledger." in said()


def test_an_installation_without_a_known_backup_is_told_so(settings, tmp_path):
    settings.DMP_BACKUP_STATUS = tmp_path
    settings.DMP_DEMO = False

    (finding,) = doctor.saved()
    assert "No backup is known here" in finding.wrong


def test_an_installation_that_lacks_a_setting_is_told_which(settings):
    settings.DMP_DEMO = False
    settings.SECURE = True
    settings.DMP_SMS_TOKEN = ""

    assert any("DMP_SMS_TOKEN is not set" in finding.wrong for finding in doctor.configuration())


@pytest.fixture
def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
