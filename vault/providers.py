"""Who keeps the keys. The rest of the vault asks a provider and never sees a key-encryption key.

The wrapping of a subject's key, whoever does it:

    KWK     = HKDF-SHA256(KEK of this version, salt = subject id, info = "dmp/kwk/1")
    wrapped = 0x01 | nonce(12) | AES-256-GCM(KWK, key, aad)
    aad     = "dmp-kw|1|kind|subject id|key version|KEK id|KEK version"

A wrapping key per subject keeps random nonces far below the bound of AES-GCM, whatever their number.
"""

import hmac
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
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
KEK_ID = "online"
CHECK_BYTES = 8


class CannotUnwrap(Exception):
    """This wrapped key was not made by this provider for this subject."""


@dataclass(frozen=True, slots=True)
class WrapContext:
    """Whose key is wrapped: part of what is authenticated, so that no key can be given to another subject."""

    kind: str
    subject_id: UUID
    version: int

    def associated_data(self, kek_version: int) -> bytes:
        return f"dmp-kw|1|{self.kind}|{self.subject_id}|{self.version}|{KEK_ID}|{kek_version}".encode()


class KeyProvider(Protocol):
    """All that a keeper of keys must do."""

    def wrap(self, key: bytes, context: WrapContext) -> tuple[int, bytes]:
        """The version of the KEK used, and the wrapped key."""

    def unwrap(self, wrapped: bytes, context: WrapContext, kek_version: int) -> bytes:
        """The key. Raises CannotUnwrap."""

    def mac(self, name: KeyName, label: bytes, message: bytes, version: int | None = None) -> bytes:
        """HMAC-SHA-256 under the sub-key of a label, 32 bytes. The current version unless one is named."""

    def versions(self, name: KeyName) -> Iterable[int]:
        """The live versions of a key; the highest is the current one."""

    def check_value(self, name: KeyName, version: int) -> bytes:
        """Eight bytes that recognise a key without telling it."""


class FileKeyProvider:
    """Keys in a file that only the user of the service can read."""

    def __init__(self, keys: KeyFile) -> None:
        self._keys = keys.keys
        self._current = {name: max(versions) for name, versions in keys.keys.items()}
        self._label_key = lru_cache(maxsize=256)(self._derive_label_key)

    def wrap(self, key: bytes, context: WrapContext) -> tuple[int, bytes]:
        version = self._current[KeyName.KEK]
        nonce = os.urandom(NONCE)
        sealed = self._wrapping(context, version).encrypt(nonce, key, context.associated_data(version))
        return version, bytes([FORMAT]) + nonce + sealed

    def unwrap(self, wrapped: bytes, context: WrapContext, kek_version: int) -> bytes:
        if kek_version not in self._keys[KeyName.KEK] or wrapped[:1] != bytes([FORMAT]):
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
        return sorted(self._keys[name])

    def check_value(self, name: KeyName, version: int) -> bytes:
        message = f"dmp/kcv/1|{name.value}|{version}".encode()
        return hmac.digest(self._keys[name][version], message, "sha256")[:CHECK_BYTES]

    def _wrapping(self, context: WrapContext, version: int) -> AESGCM:
        return AESGCM(_hkdf(self._keys[KeyName.KEK][version], context.subject_id.bytes, b"dmp/kwk/1"))

    def _derive_label_key(self, name: KeyName, label: bytes, version: int) -> bytes:
        return _hkdf(self._keys[name][version], None, label)


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
    return FileKeyProvider(keyfile.load(path, demo_allowed=demo_allowed))


def _hkdf(key: bytes, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(key)
