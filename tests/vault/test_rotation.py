"""A new key that wraps the others: nobody stops, nothing is lost, and the former one can die."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.db import connections

from dmp import keys as installation
from vault import keyfile, providers, rewrapping, startup, subjects
from vault.keyfile import KeyName
from vault.keyring import Unsealable, ephemeral
from vault.providers import CannotUnwrap, CannotWrap, KekName, WrapContext
from vault.rewrapping import CannotRetire, StillInUse
from vault.subjects import SubjectKind

NOON = datetime(2030, 5, 6, 12, tzinfo=UTC)
AT_ONCE = timedelta()


@pytest.fixture
def own_keys(real_database, settings, tmp_path, monkeypatch) -> Path:
    """The key file of one test, the same keys as the database's."""
    path = tmp_path / "kek.json"
    keyfile.write_new(path, keyfile.load(settings.VAULT["KEYS"], demo_allowed=True))
    monkeypatch.setattr(startup, "_compared", set())
    settings.VAULT = {"PROVIDER": "file", "KEYS": path}
    subjects.forget_all_cached()
    connections.close_all()
    yield path
    subjects.forget_all_cached()
    connections.close_all()


def new_version(path: Path) -> None:
    keyfile.replace(path, keyfile.load(path, demo_allowed=True).with_new_version(KeyName.KEK))


def register() -> None:
    call_command("migrate", database="owner", verbosity=0)


def soon(monkeypatch) -> None:
    """Ask at each wrapping whether the new version is registered, instead of every ten seconds."""
    monkeypatch.setattr(providers, "ASK_AGAIN_SECONDS", 0.0)


def made_under() -> int:
    return subjects.prepare(uuid4(), SubjectKind.DOSSIER)[1].kek_version


def test_a_version_that_is_not_registered_is_ignored_until_it_is(own_keys, monkeypatch):
    soon(monkeypatch)
    connections["default"].ensure_connection()
    assert made_under() == 1

    new_version(own_keys)
    assert made_under() == 1

    register()
    assert made_under() == 2


def test_a_process_that_starts_before_the_registration_starts_and_serves(own_keys, monkeypatch):
    """A worker that dies between the two commands comes back."""
    soon(monkeypatch)
    new_version(own_keys)
    providers._file_provider.cache_clear()

    connections["default"].ensure_connection()
    assert made_under() == 1

    register()
    assert made_under() == 2


def test_a_process_that_has_not_read_the_file_again_reads_what_another_wrapped_since(own_keys):
    slow = providers.provider()
    new_version(own_keys)
    quick = providers.FileKeyProvider(keyfile.load(own_keys, demo_allowed=True))
    context = WrapContext("dossier", uuid4(), 1)

    version, wrapped = quick.wrap(b"k" * 32, context)

    assert version == 2
    assert slow.unwrap(wrapped, context, version) == b"k" * 32


def test_a_file_that_is_unusable_for_a_moment_stops_nobody(own_keys):
    holder = providers.provider()
    own_keys.chmod(0o644)
    assert holder.wrap(b"k" * 32, WrapContext("dossier", uuid4(), 1))[0] == 1

    own_keys.write_text("{")
    assert holder.wrap(b"k" * 32, WrapContext("dossier", uuid4(), 1))[0] == 1


def test_the_same_number_with_another_key_is_never_used(own_keys, monkeypatch):
    """Two machines that each made a version 2: the one that was not registered wraps nothing."""
    soon(monkeypatch)
    before = keyfile.load(own_keys, demo_allowed=True)
    new_version(own_keys)
    register()
    keyfile.replace(own_keys, before.with_new_version(KeyName.KEK))

    holder = providers.provider()

    assert holder.wrap(b"k" * 32, WrapContext("dossier", uuid4(), 1))[0] == 1


def test_a_wrapping_names_its_kek_and_version():
    context, archived = (WrapContext("dossier", uuid4(), 1, kek) for kek in KekName)

    assert b"|online|7" in context.associated_data(7)
    assert b"|archive|7" in archived.associated_data(7)


def test_who_holds_the_online_key_alone_wraps_and_unwraps_nothing_of_the_archive(own_keys):
    holder, subject = providers.provider(), uuid4()
    version, wrapped = holder.wrap(b"k" * 32, WrapContext("dossier", subject, 1))
    archived = WrapContext("dossier", subject, 1, KekName.ARCHIVE)

    with pytest.raises(CannotWrap):
        holder.wrap(b"k" * 32, archived)
    with pytest.raises(CannotUnwrap):
        holder.unwrap(wrapped, archived, version)


def wrapped_keys(count: int) -> dict[object, bytes]:
    """Subjects and pending applications of every kind; something sealed under each."""
    sealed = {}
    for number in range(count):
        subject, kind = uuid4(), list(SubjectKind)[number % 4]
        keyring = subjects.create(subject, kind, at=NOON)
        sealed[subject] = keyring.seal("t", "c", subject, b"x")
    return sealed


def an_application() -> tuple[object, bytes, bytes]:
    application, keyring = uuid4(), ephemeral()
    wrapped = subjects.wrap_ephemeral(keyring, application)
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO dossiers_application (id, owner_id, wrapped_key, sealed, expires_at)"
            " VALUES (%s, %s, %s, '', now() + interval '1 hour')",
            [application, application, wrapped],
        )
    return application, wrapped, keyring.seal("t", "c", application, b"y")


def test_after_the_rewrapping_everything_is_read_without_the_old_version(own_keys, monkeypatch):
    soon(monkeypatch)
    monkeypatch.setattr(rewrapping, "ROWS_AT_ONCE", 7)
    sealed = wrapped_keys(30)
    application, _, sealed_there = an_application()
    new_version(own_keys)
    register()

    call_command("rewrap_keys", verbosity=0)
    rewrapping.retire(connections["owner"], 1, after=AT_ONCE)
    call_command("drop_kek", "1", although_backups_need_it=True)

    providers._file_provider.cache_clear()
    subjects.forget_all_cached()
    assert list(providers.provider().versions(KeyName.KEK)) == [2]
    for subject, value in sealed.items():
        assert subjects.keyring(subject).unseal("t", "c", subject, value) == b"x"
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT wrapped_key FROM dossiers_application WHERE id = %s", [application])
        wrapped = bytes(cursor.fetchone()[0])
    assert subjects.unwrap_ephemeral(application, wrapped).unseal("t", "c", application, sealed_there) == b"y"


def test_once_a_version_has_died_what_a_backup_kept_of_it_is_unreadable(own_keys, monkeypatch):
    soon(monkeypatch)
    subject = uuid4()
    subjects.create(subject, SubjectKind.DOSSIER, at=NOON)
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT kind, version, kek_version, wrapped FROM vault_subjectkey WHERE subject_id = %s",
            [subject],
        )
        in_the_backup = subjects.Wrapped(*cursor.fetchone())
    new_version(own_keys)
    register()
    call_command("rewrap_keys", verbosity=0)
    rewrapping.retire(connections["owner"], 1, after=AT_ONCE)
    call_command("drop_kek", "1", although_backups_need_it=True)
    providers._file_provider.cache_clear()
    subjects.forget_all_cached()

    with pytest.raises(Unsealable):
        subjects.unwrap(subject, in_the_backup)


def test_a_version_is_not_destroyed_while_a_backup_may_need_it(own_keys, monkeypatch):
    soon(monkeypatch)
    new_version(own_keys)
    register()
    call_command("rewrap_keys", verbosity=0)
    rewrapping.retire(connections["owner"], 1, after=AT_ONCE)

    with pytest.raises(CommandError, match="backups are kept 35 days"):
        call_command("drop_kek", "1")
    assert list(keyfile.load(own_keys, demo_allowed=True).keys[KeyName.KEK]) == [1, 2]

    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE vault_kekcheck SET retired_at = retired_at - interval '36 days'")
    call_command("drop_kek", "1")
    assert list(keyfile.load(own_keys, demo_allowed=True).keys[KeyName.KEK]) == [2]


def test_a_rewrapping_that_was_stopped_goes_on_where_it_stopped(own_keys, monkeypatch):
    soon(monkeypatch)
    monkeypatch.setattr(rewrapping, "ROWS_AT_ONCE", 5)
    wrapped_keys(20)
    new_version(own_keys)
    register()

    begun = rewrapping.rewrap(connections["owner"])
    next(begun), next(begun)
    begun.close()
    half = rewrapping.in_use(connections["owner"])
    rest = sum(rewrapping.rewrap(connections["owner"]))

    assert half[2] == 10
    assert rest == half[1]
    assert set(rewrapping.in_use(connections["owner"])) == {2}


def test_a_version_does_not_die_while_one_key_lives_under_it(own_keys, monkeypatch):
    soon(monkeypatch)
    wrapped_keys(3)
    an_application()
    new_version(own_keys)
    register()

    with pytest.raises(StillInUse):
        rewrapping.retire(connections["owner"], 1, after=AT_ONCE)
    with pytest.raises(CommandError, match="not retired"):
        call_command("drop_kek", "1")
    assert list(keyfile.load(own_keys, demo_allowed=True).keys[KeyName.KEK]) == [1, 2]


def test_the_version_in_use_and_one_just_replaced_do_not_die(own_keys, monkeypatch):
    soon(monkeypatch)
    with pytest.raises(CannotRetire):
        rewrapping.retire(connections["owner"], 1)

    new_version(own_keys)
    register()
    call_command("rewrap_keys", verbosity=0)

    with pytest.raises(CannotRetire):
        rewrapping.retire(connections["owner"], 1)
    with pytest.raises(CommandError, match="10 minutes"):
        call_command("retire_kek", "1")


def test_a_version_lost_without_being_retired_still_stops_everybody(own_keys):
    new_version(own_keys)
    register()
    keyfile.replace(own_keys, keyfile.load(own_keys, demo_allowed=True).without_version(KeyName.KEK, 1))
    providers._file_provider.cache_clear()
    startup._compared.clear()
    connections.close_all()

    with pytest.raises(startup.WrongKey, match="missing"):
        connections["default"].ensure_connection()


def test_every_column_of_wrapped_keys_is_announced():
    """Whatever is wrapped beside what it seals is counted before a version dies."""
    columns = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if getattr(field, "column", None) and "wrapped" in field.column
    }

    announced = {(each.table, each.column) for each in rewrapping._ephemeral}
    assert columns == announced | {("vault_subjectkey", "wrapped")}


WHO_LIVES_ON = """
import json, sys, time, uuid
import django
django.setup()
from django.utils import timezone
from vault import subjects
from vault.subjects import SubjectKind
errors, made, until = [], [], time.monotonic() + float(sys.argv[1])
while time.monotonic() < until or len(made) < 21 and not errors:  # however busy the machine
    try:
        subject = uuid.uuid4()
        subjects.create(subject, SubjectKind.DOSSIER, at=timezone.now())
        made.append(subject)
        subjects.forget_all_cached()
        for each in made[-3:] + made[:3]:
            subjects.keyring(each)
    except Exception as failure:
        errors.append(repr(failure))
    time.sleep(0.005)
print(json.dumps({"made": len(made), "errors": errors[:3]}))
"""


def living(real_database, path: Path, seconds: float) -> subprocess.Popen[str]:
    """A process of the house that makes and reads keys without pause."""
    told = real_database.environment(DMP_VAULT_KEYS=str(path), DMP_INS_OIDS="test")
    return subprocess.Popen(
        [sys.executable, "-c", WHO_LIVES_ON, str(seconds)],
        cwd=configured.BASE_DIR,
        env=told,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_rotation_under_load_costs_nobody_an_error(own_keys, real_database, monkeypatch):
    soon(monkeypatch)
    old = [living(real_database, own_keys, 4), living(real_database, own_keys, 4)]
    time.sleep(2)
    new_version(own_keys)
    young = living(real_database, own_keys, 2)  # a worker that died and came back between the two commands
    register()
    while any(each.poll() is None for each in [*old, young]):
        sum(rewrapping.rewrap(connections["owner"]))
        time.sleep(0.2)

    reports = [json.loads(each.communicate()[0]) for each in [*old, young]]

    assert [each["errors"] for each in reports] == [[], [], []]
    assert all(each["made"] > 20 for each in reports)
    sum(rewrapping.rewrap(connections["owner"]))
    rewrapping.retire(connections["owner"], 1, after=AT_ONCE)


def test_the_keys_of_an_installation_are_made_without_an_archive(tmp_path):
    installation.make(tmp_path, demo=True)

    told = json.loads((tmp_path / "keys" / "kek.json").read_text())

    assert set(told["keys"]) == {"kek", "blind", "mac"}
