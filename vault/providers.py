"""Who keeps the keys. The rest of the vault asks a provider and never sees a key-encryption key.

The wrapping of a subject's key, whoever does it:

    KWK     = HKDF-SHA256(KEK of this version, salt = subject id, info = "dmp/kwk/1")
    wrapped = 0x01 | nonce(12) | AES-256-GCM(KWK, key, aad)
    aad     = "dmp-kw|1|kind|subject id|key version|KEK name|KEK version"

A wrapping key per subject keeps random nonces far below the bound of AES-GCM, whatever their number.

A version that the database has not registered wraps nothing: it may be another machine's idea of the same
number. It serves as soon as `migrate` has registered it, without a restart.
"""

import hmac
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from . import keyfile
from .keyfile import KeyFile, KeyName

FORMAT = 1
NONCE = 12
CHECK_BYTES = 8
ASK_AGAIN_SECONDS = 10.0  # whether a version that waits has been registered

Registered = Mapping[tuple[str, int], bytes]
"""The check value of each (key name, version) that the database keeps."""


class CannotWrap(Exception):
    """This provider does not hold that key."""


class CannotUnwrap(Exception):
    """This wrapped key was not made by this provider for this subject."""


class KekName(StrEnum):
    """Which key wraps: that of dossiers in use, or that of closed ones, which is kept elsewhere."""

    ONLINE = "online"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class WrapContext:
    """Whose key is wrapped, and under which: all of it authenticated, so that no key can be given to another
    subject, nor a wrapping be taken for one under another KEK."""

    kind: str
    subject_id: UUID
    version: int
    kek: KekName = KekName.ONLINE

    def associated_data(self, kek_version: int) -> bytes:
        return f"dmp-kw|1|{self.kind}|{self.subject_id}|{self.version}|{self.kek}|{kek_version}".encode()


class KeyProvider(Protocol):
    """All that a keeper of keys must do."""

    def wrap(self, key: bytes, context: WrapContext) -> tuple[int, bytes]:
        """The version of the KEK used, and the wrapped key. Raises CannotWrap."""

    def unwrap(self, wrapped: bytes, context: WrapContext, kek_version: int) -> bytes:
        """The key. Raises CannotUnwrap."""

    def mac(self, name: KeyName, label: bytes, message: bytes, version: int | None = None) -> bytes:
        """HMAC-SHA-256 under the sub-key of a label, 32 bytes. The current version unless one is named."""

    def versions(self, name: KeyName) -> Iterable[int]:
        """The live versions of a key; the highest is the current one."""

    def check_value(self, name: KeyName, version: int) -> bytes:
        """Eight bytes that recognise a key without telling it."""

    def compared_with(self, registered: Registered) -> None:
        """From now on, wrap and index under registered versions only."""


class FileKeyProvider:
    """Keys in a file that only the user of the service can read. It holds the online KEK alone.

    `reload` gives the file as it is now when it has changed since it was last given, else None; `registered`
    asks the database what it keeps, None when it cannot be asked.
    """

    def __init__(
        self,
        keys: KeyFile,
        *,
        reload: Callable[[], KeyFile | None] = lambda: None,
        registered: Callable[[], Registered | None] = lambda: None,
    ) -> None:
        self._keys = keys.keys
        self._reload = reload
        self._ask_registered = registered
        self._registered: Registered | None = None
        self._ask_again_at = 0.0
        self._current = self._highest()
        self._label_key = lru_cache(maxsize=256)(self._derive_label_key)

    def wrap(self, key: bytes, context: WrapContext) -> tuple[int, bytes]:
        if context.kek is not KekName.ONLINE:
            raise CannotWrap(context.kek)
        self._notice_new_versions()
        version = self._current[KeyName.KEK]
        nonce = os.urandom(NONCE)
        sealed = self._wrapping(context, version).encrypt(nonce, key, context.associated_data(version))
        return version, bytes([FORMAT]) + nonce + sealed

    def unwrap(self, wrapped: bytes, context: WrapContext, kek_version: int) -> bytes:
        if context.kek is not KekName.ONLINE or wrapped[:1] != bytes([FORMAT]):
            raise CannotUnwrap(context.subject_id)
        if kek_version not in self._keys[KeyName.KEK]:
            self._read_again()  # another process may have begun to use a version made since
        if kek_version not in self._keys[KeyName.KEK]:
            raise CannotUnwrap(context.subject_id)
        nonce, sealed = wrapped[1 : 1 + NONCE], wrapped[1 + NONCE :]
        try:
            cipher = self._wrapping(context, kek_version)
            return cipher.decrypt(nonce, sealed, context.associated_data(kek_version))
        except (InvalidTag, ValueError):
            raise CannotUnwrap(context.subject_id) from None

    def mac(self, name: KeyName, label: bytes, message: bytes, version: int | None = None) -> bytes:
        return hmac.digest(self._label_key(name, label, version or self._current[name]), message, "sha256")

    def versions(self, name: KeyName) -> Iterable[int]:
        self._read_again()
        return sorted(self._keys[name])

    def check_value(self, name: KeyName, version: int) -> bytes:
        message = f"dmp/kcv/1|{name.value}|{version}".encode()
        return hmac.digest(self._keys[name][version], message, "sha256")[:CHECK_BYTES]

    def compared_with(self, registered: Registered) -> None:
        self._registered = registered
        self._current = self._highest()

    def _highest(self) -> dict[KeyName, int]:
        """The version of each key to use: the highest that is registered, or of all before any is."""
        return {
            name: max([version for version in versions if self._may_use(name, version)] or versions)
            for name, versions in self._keys.items()
        }

    def _may_use(self, name: KeyName, version: int) -> bool:
        if not self._registered:
            return True
        return self._registered.get((name.value, version)) == self.check_value(name, version)

    def _notice_new_versions(self) -> None:
        """Use a version made since this process began, once it is registered."""
        self._read_again()
        waits = max(self._keys[KeyName.KEK]) > self._current[KeyName.KEK]
        if waits and time.monotonic() >= self._ask_again_at:
            self._ask_again_at = time.monotonic() + ASK_AGAIN_SECONDS
            if (registered := self._ask_registered()) is not None:
                self.compared_with(registered)

    def _read_again(self) -> None:
        if (keys := self._reload()) is not None:
            self._keys = keys.keys
            self._label_key.cache_clear()
            self._current = self._highest()
            self._ask_again_at = 0.0

    def _wrapping(self, context: WrapContext, version: int) -> AESGCM:
        return AESGCM(_hkdf(self._keys[KeyName.KEK][version], context.subject_id.bytes, b"dmp/kwk/1"))

    def _derive_label_key(self, name: KeyName, label: bytes, version: int) -> bytes:
        return _hkdf(self._keys[name][version], None, label)


class Watched:
    """A key file that may be replaced while the service runs."""

    def __init__(self, path: Path, *, demo_allowed: bool) -> None:
        self._path, self._demo_allowed = path, demo_allowed
        self._seen = self._state()
        self.keys = keyfile.load(path, demo_allowed=demo_allowed)

    def changed(self) -> KeyFile | None:
        """The keys of the file when it was replaced since it was last read. None otherwise, and when it
        cannot be used: who already has keys goes on with them."""
        state = self._state()
        if state == self._seen:
            return None
        self._seen = state
        with suppress(keyfile.UnusableKeys):
            return keyfile.load(self._path, demo_allowed=self._demo_allowed)
        return None

    def _state(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino


def make_key_file(path: Path, *, demo: bool = False) -> None:
    """Make the key file of an installation that has none; one that exists is never touched."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        keyfile.write_new(path, KeyFile.fresh(demo=demo))


def provider() -> KeyProvider:
    """The provider that the settings name, loaded once. Raises UnusableKeys or ImproperlyConfigured."""
    configured = settings.VAULT
    if configured["PROVIDER"] != "file":
        raise ImproperlyConfigured(
            f"VAULT['PROVIDER'] is {configured['PROVIDER']!r}; the one known is 'file'."
        )
    return _file_provider(configured["KEYS"], bool(getattr(settings, "DMP_DEMO", False)))


@lru_cache(maxsize=8)
def _file_provider(path: Path, demo_allowed: bool) -> FileKeyProvider:
    from .startup import registered_now

    watched = Watched(path, demo_allowed=demo_allowed)
    return FileKeyProvider(watched.keys, reload=watched.changed, registered=registered_now)


def fresh_provider() -> KeyProvider:
    """The keys as they are at hand now, not as this process once loaded them. Raises UnusableKeys."""
    configured = settings.VAULT
    demo_allowed = bool(getattr(settings, "DMP_DEMO", False))
    return FileKeyProvider(keyfile.load(configured["KEYS"], demo_allowed=demo_allowed))


def _hkdf(key: bytes, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(key)
