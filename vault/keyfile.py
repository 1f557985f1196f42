"""The key file of the `file` provider: three keys, each in versions, in JSON.

    {"format": "dmp-keys/1", "demo": false,
     "keys": {"kek": {"1": "<base64>"}, "blind": {"1": "<base64>"}, "mac": {"1": "<base64>"}}}

`kek` wraps the keys of the subjects, `blind` indexes what must be found again, `mac` authenticates codes,
first passwords and session identifiers. The highest version of each is the current one; the older ones
stay as long as something in the database was made with them.
"""

import base64
import binascii
import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

FORMAT = "dmp-keys/1"
KEY_BYTES = 32


class KeyName(StrEnum):
    KEK = "kek"
    BLIND = "blind"
    MAC = "mac"


class UnusableKeys(Exception):
    """The key file is missing, readable by others, malformed, or not meant for this installation."""


@dataclass(frozen=True, slots=True, repr=False)
class KeyFile:
    """Every version of the three keys, and whether they are the demonstration's."""

    keys: Mapping[KeyName, Mapping[int, bytes]]
    demo: bool = False

    @classmethod
    def fresh(cls, *, demo: bool = False) -> Self:
        return cls({name: {1: os.urandom(KEY_BYTES)} for name in KeyName}, demo)

    def with_new_version(self, name: KeyName) -> "KeyFile":
        """The same keys and one more version of one of them, which becomes the current one."""
        versions = self.keys[name]
        grown = {**versions, max(versions) + 1: os.urandom(KEY_BYTES)}
        return KeyFile({**self.keys, name: grown}, self.demo)

    def without_version(self, name: KeyName, version: int) -> "KeyFile":
        """The same keys but one version of one of them."""
        left = {number: key for number, key in self.keys[name].items() if number != version}
        return KeyFile({**self.keys, name: left}, self.demo)

    def text(self) -> str:
        keys = {
            name.value: {str(version): base64.b64encode(key).decode() for version, key in versions.items()}
            for name, versions in self.keys.items()
        }
        return json.dumps({"format": FORMAT, "demo": self.demo, "keys": keys}, indent=2) + "\n"


def load(path: Path, *, demo_allowed: bool) -> KeyFile:
    """The keys kept at this path, or UnusableKeys saying what to do about it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UnusableKeys(f"There is no key file at {path}. Create it with: manage.py make_keys") from None
    except PermissionError:
        raise UnusableKeys(f"The key file {path} does not belong to the user who runs the service.") from None
    with os.fdopen(descriptor, encoding="utf-8") as file:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            raise UnusableKeys(f"The key file {path} can be read by others. Run: chmod 600 {path}")
        keys = parse(file.read())
    if keys.demo and not demo_allowed:
        raise UnusableKeys(f"The key file {path} is the demonstration's: it is refused unless DMP_DEMO=1.")
    return keys


def parse(text: str) -> KeyFile:
    """The keys written in this text. Raises UnusableKeys on anything else."""
    try:
        told = json.loads(text)
        if told["format"] != FORMAT:
            raise UnusableKeys(f"The key file is not in the format {FORMAT}.")
        keys = {name: _versions(told["keys"][name.value]) for name in KeyName}
        return KeyFile(keys, demo=told["demo"] is True)
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error):
        # Nothing of the file's content may reach a log through the cause.
        raise UnusableKeys("The key file is malformed.") from None


def _versions(told: Mapping[str, Any]) -> dict[int, bytes]:
    versions = {int(version): base64.b64decode(key, validate=True) for version, key in told.items()}
    if not versions or any(len(key) != KEY_BYTES for key in versions.values()) or min(versions) < 1:
        raise UnusableKeys("The key file is malformed.")
    return versions


def write_new(path: Path, keys: KeyFile) -> None:
    """Write the file for its owner only, whole or not at all. Raises FileExistsError."""
    draft = _draft(path, keys)
    try:
        os.link(draft, path)
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def replace(path: Path, keys: KeyFile) -> None:
    """Put the new file in the place of the old one, whole or not at all."""
    _draft(path, keys).replace(path)
    _sync_folder(path.parent)


def _draft(path: Path, keys: KeyFile) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(keys.text())
        file.flush()
        os.fsync(descriptor)
    return draft


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
