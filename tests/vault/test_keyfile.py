"""The key file: its owner's alone, whole, and of this installation."""

import json
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from vault import checks, keyfile, providers
from vault.keyfile import KeyFile, KeyName, UnusableKeys


@pytest.fixture
def path(tmp_path, settings) -> Path:
    path = tmp_path / "keys" / "kek.json"
    settings.VAULT = {"PROVIDER": "file", "KEYS": path}
    settings.DMP_DEMO = False
    return path


def test_make_keys_writes_a_file_that_its_owner_alone_can_read(path):
    call_command("make_keys", verbosity=0)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [list(versions) for versions in keyfile.load(path, demo_allowed=False).keys.values()] == [[1]] * 3
    assert list(path.parent.iterdir()) == [path]


def test_make_keys_never_replaces_a_file(path):
    call_command("make_keys")
    before = path.read_bytes()

    with pytest.raises(CommandError, match="already"):
        call_command("make_keys")
    call_command("make_keys", if_missing=True)
    providers.make_key_file(path)

    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644])
def test_a_file_that_others_can_reach_is_refused(path, mode):
    call_command("make_keys")
    path.chmod(mode)

    with pytest.raises(UnusableKeys, match="chmod 600"):
        providers.provider()


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_a_file_of_its_owner_alone_is_accepted(path, mode):
    call_command("make_keys")
    path.chmod(mode)

    assert providers.provider().versions(KeyName.KEK) == [1]


def test_the_keys_of_a_demonstration_serve_only_there(path, settings):
    call_command("make_keys", demo=True)

    with pytest.raises(UnusableKeys, match="DMP_DEMO"):
        providers.provider()

    settings.DMP_DEMO = True
    assert providers.provider().versions(KeyName.KEK) == [1]


def test_a_missing_file_says_how_to_make_it(path):
    with pytest.raises(UnusableKeys, match="make_keys"):
        providers.provider()


def test_another_provider_is_not_invented(path, settings):
    settings.VAULT = {"PROVIDER": "pkcs11", "KEYS": path}

    with pytest.raises(ImproperlyConfigured):
        providers.provider()


def malformed() -> list[str]:
    good = json.loads(KeyFile.fresh().text())
    return [
        "",
        "[]",
        "{}",
        json.dumps(good | {"format": "dmp-keys/2"}),
        json.dumps(good | {"keys": {}}),
        json.dumps(good | {"keys": good["keys"] | {"kek": {}}}),
        json.dumps(good | {"keys": good["keys"] | {"kek": {"1": "c2hvcnQ="}}}),
        json.dumps(good | {"keys": good["keys"] | {"kek": {"0": good["keys"]["kek"]["1"]}}}),
        json.dumps(good | {"keys": good["keys"] | {"kek": {"1": "not base64 !"}}}),
        json.dumps({key: value for key, value in good.items() if key != "demo"}),
    ]


@pytest.mark.parametrize("text", malformed())
def test_a_malformed_file_is_refused_without_a_word_of_its_content(text):
    with pytest.raises(UnusableKeys) as refused:
        keyfile.parse(text)

    assert refused.value.__cause__ is None
    assert "=" not in str(refused.value)


def test_a_new_version_becomes_the_current_one_and_the_old_one_still_opens(path):
    call_command("make_keys")
    context = providers.WrapContext("dossier", providers.UUID(int=1), 1)
    version, wrapped = providers.provider().wrap(b"k" * 32, context)

    call_command("make_keys", new_kek=True)
    renewed = providers.FileKeyProvider(keyfile.load(path, demo_allowed=False))

    assert renewed.versions(KeyName.KEK) == [1, 2]
    assert renewed.wrap(b"k" * 32, context)[0] == 2
    assert renewed.unwrap(wrapped, context, version) == b"k" * 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_system_check_says_what_is_wrong_with_the_file(path):
    (missing,) = checks.the_keys_are_usable(None)
    call_command("make_keys")
    path.chmod(0o644)
    (readable,) = checks.the_keys_are_usable(None)
    path.chmod(0o600)

    assert missing.id == readable.id == "vault.E002"
    assert checks.the_keys_are_usable(None) == []
