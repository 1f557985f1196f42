"""What one subject's key can do: seal and unseal columns, trail bodies and contents, bound to their place.

One random key per subject (a dossier, an account…); one HKDF-SHA256 sub-key per use, so that nothing sealed
for one use can be unsealed as another:

    dmp/field/1    columns          0x01 | key version(2) | nonce(12) | AES-256-GCM
    dmp/audit/1    trail bodies     the same form
    dmp/content/1  small contents   0x01 | key version(2) | encoding(1) | nonce(12) | AES-256-GCM
    dmp/doc/1      the key given to vault.streams for large contents
    dmp/mac/1      keyed digests

What is authenticated beside the text is where it belongs (table, column, subject, row): a sealed value moved
to another cell, row or dossier does not unseal.
"""

import hmac
import json
import os
import zlib
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .framing import framed

FORMAT = 1
KEY_BYTES = 32
NONCE = 12
HEADER = 3
SMALL = 64 * 1024
"""Contents up to this many bytes stay in their row; beyond, they are streams (`vault.streams`)."""

PLAIN, DEFLATED = b"\x00", b"\x01"
NOBODY = UUID(int=0)

RowId = UUID | bytes | str
Wrapping = TypeVar("Wrapping")


class Unsealable(Exception):
    """Altered, moved, cut, or sealed under another key. Never says which, never carries the text."""


class Keyring:
    """The sub-keys of one subject. Derived once, on first use, and kept as long as the keyring."""

    def __init__(self, subject_id: UUID, secret: bytes, version: int = 1) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError("a subject's key has 32 bytes")
        self.subject_id = subject_id
        self.version = version
        self._secret = secret
        self._header = bytes([FORMAT]) + version.to_bytes(2, "big")
        self._subject = framed(subject_id.bytes)

    def __repr__(self) -> str:
        return f"<Keyring of {self.subject_id}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a keyring never leaves the process")

    # Columns

    def seal(self, table: str, column: str, row_id: RowId, clear: bytes) -> bytes:
        """Seal one cell. Only the same cell of the same row of the same subject unseals it."""
        nonce = os.urandom(NONCE)
        return self._header + nonce + self._fields.encrypt(nonce, clear, self._cell(table, column, row_id))

    def unseal(self, table: str, column: str, row_id: RowId, sealed: bytes) -> bytes:
        """What was sealed in this very cell. Raises Unsealable."""
        return self._open(self._fields, sealed, self._cell(table, column, row_id))

    def seal_json(self, table: str, column: str, row_id: RowId, value: Any) -> bytes:
        return self.seal(table, column, row_id, _compact(value).encode())

    def unseal_json(self, table: str, column: str, row_id: RowId, sealed: bytes) -> Any:
        return json.loads(self.unseal(table, column, row_id, sealed).decode())

    # Trail bodies

    def seal_trail(self, chain: UUID, clear: bytes) -> bytes:
        """Seal the body of a trace. Its position is bound by the chain, not known yet here."""
        nonce = os.urandom(NONCE)
        return self._header + nonce + self._trail.encrypt(nonce, clear, self._subject + framed(chain.bytes))

    def unseal_trail(self, chain: UUID, sealed: bytes) -> bytes:
        return self._open(self._trail, sealed, self._subject + framed(chain.bytes))

    # Contents

    def seal_content(self, content_id: UUID, clear: bytes, *, compress: bool = False) -> bytes:
        """Seal a content that stays in its row; `compress` pays for text, never for images."""
        encoding = DEFLATED if compress else PLAIN
        nonce = os.urandom(NONCE)
        text = zlib.compress(clear) if compress else clear
        bound = self._subject + framed(content_id.bytes, encoding)
        return self._header + encoding + nonce + self._contents.encrypt(nonce, text, bound)

    def unseal_content(self, content_id: UUID, sealed: bytes) -> bytes:
        if sealed[:HEADER] != self._header:
            raise Unsealable
        encoding = bytes(sealed[HEADER : HEADER + 1])
        nonce, text = sealed[HEADER + 1 : HEADER + 1 + NONCE], sealed[HEADER + 1 + NONCE :]
        clear = _decrypted(self._contents, nonce, text, self._subject + framed(content_id.bytes, encoding))
        return zlib.decompress(clear) if encoding == DEFLATED else clear

    def stream_key(self) -> bytes:
        """The key for `vault.streams`."""
        return self._derived(b"dmp/doc/1")

    # Digests

    def mac(self, label: str, message: bytes) -> bytes:
        """A digest that only this subject's key can make: equal messages are found, nothing is guessed."""
        return self.digest(label)(message)

    def digest(self, label: str) -> Callable[[bytes], bytes]:
        """What makes digests under one label, for whoever makes many."""
        return self._digests.get(label) or self._begin(label)

    # Wrapping

    def wrapped_by(self, wrap: Callable[[bytes], Wrapping]) -> Wrapping:
        """Give the subject's key to the one function that may have it: a wrapping."""
        return wrap(self._secret)

    # Inside

    @cached_property
    def _fields(self) -> AESGCM:
        return AESGCM(self._derived(b"dmp/field/1"))

    @cached_property
    def _trail(self) -> AESGCM:
        return AESGCM(self._derived(b"dmp/audit/1"))

    @cached_property
    def _contents(self) -> AESGCM:
        return AESGCM(self._derived(b"dmp/content/1"))

    @cached_property
    def _digests(self) -> dict[str, Callable[[bytes], bytes]]:
        return {}

    @cached_property
    def _macs(self) -> bytes:
        return self._derived(b"dmp/mac/1")

    def _begin(self, label: str) -> Callable[[bytes], bytes]:
        begun = hmac.new(self._macs, framed(label.encode()), "sha256")

        def digest(message: bytes) -> bytes:
            mac = begun.copy()
            mac.update(message)
            return mac.digest()

        self._digests[label] = digest
        return digest

    def _derived(self, label: bytes) -> bytes:
        return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=label).derive(self._secret)

    def _cell(self, table: str, column: str, row_id: RowId) -> bytes:
        return _place(table, column) + self._subject + framed(_bytes_of(row_id))

    def _open(self, cipher: AESGCM, sealed: bytes, bound: bytes) -> bytes:
        if sealed[:HEADER] != self._header:
            raise Unsealable
        return _decrypted(cipher, sealed[HEADER : HEADER + NONCE], sealed[HEADER + NONCE :], bound)


def ephemeral() -> Keyring:
    """A key of its own for one row, which keeps it wrapped (`vault.subjects.wrap_ephemeral`)."""
    return Keyring(NOBODY, os.urandom(KEY_BYTES))


def _decrypted(cipher: AESGCM, nonce: bytes, text: bytes, bound: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, text, bound)
    except (InvalidTag, ValueError):
        raise Unsealable from None


@lru_cache(maxsize=1024)
def _place(table: str, column: str) -> bytes:
    return framed(table.encode(), column.encode())


def _bytes_of(row_id: RowId) -> bytes:
    if isinstance(row_id, UUID):
        return row_id.bytes
    return row_id.encode() if isinstance(row_id, str) else row_id


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
