"""Nothing starts under a wrong key."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from vault import checks, keyfile, providers, startup
from vault.keyfile import KeyFile, KeyName


@pytest.fixture
def other_keys(real_database, settings, tmp_path, monkeypatch):
    """Put other keys in the place of those the database was migrated under."""

    def put(keys: KeyFile) -> None:
        connections.close_all()
        monkeypatch.setattr(startup, "_compared", set())
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        keyfile.write_new(path, keys)
        settings.VAULT = {"PROVIDER": "file", "KEYS": path}

    yield put
    connections.close_all()


@pytest.fixture
def true_keys(keys, settings) -> KeyFile:
    return keyfile.load(settings.VAULT["KEYS"], demo_allowed=True)


def altered(keys: KeyFile, name: KeyName) -> KeyFile:
    return KeyFile({**keys.keys, name: KeyFile.fresh().keys[name]})


@pytest.mark.parametrize("name", KeyName)
def test_the_connection_is_refused_under_a_wrong_key(other_keys, true_keys, name):
    other_keys(altered(true_keys, name))

    for _ in range(2):
        with pytest.raises(startup.WrongKey, match=name.value):
            connections["default"].ensure_connection()
        assert connections["default"].connection is None


def test_the_connection_is_made_under_the_right_keys(other_keys, true_keys):
    other_keys(true_keys)

    connections["default"].ensure_connection()


def test_the_system_check_refuses_to_start_under_a_wrong_key(other_keys, true_keys):
    other_keys(altered(true_keys, KeyName.KEK))

    (said,) = checks.the_keys_are_those_of_the_database(None, databases=["default"])

    assert said.id == "vault.E001"
    assert said.is_serious()


def test_the_system_check_is_silent_under_the_right_keys_and_when_no_database_is_asked_for(real_database):
    assert checks.the_keys_are_those_of_the_database(None, databases=["default", "owner"]) == []
    assert checks.the_keys_are_those_of_the_database(None) == []


def test_a_lost_version_is_a_wrong_key(other_keys, true_keys):
    other_keys(true_keys.with_new_version(KeyName.KEK))
    call_command("migrate", database="owner", verbosity=0)
    other_keys(true_keys)

    with pytest.raises(startup.WrongKey, match="missing"):
        connections["default"].ensure_connection()


def test_migrate_itself_refuses_a_wrong_key(other_keys, true_keys):
    other_keys(altered(true_keys, KeyName.MAC))

    with pytest.raises((startup.WrongKey, CommandError, SystemExit)):
        call_command("migrate", database="owner", verbosity=0)


def test_a_check_value_tells_nothing_of_its_key(true_keys):
    provider = providers.FileKeyProvider(true_keys)
    values = {provider.check_value(name, 1) for name in KeyName}

    assert {len(value) for value in values} == {8}
    assert len(values) == 3
