"""Large contents, in Tink's published stream format AES256_GCM_HKDF_1MB.

    header    length of the header(1) = 40 | salt(32) | nonce prefix(7)
    segments  of 1 MiB of sealed text each (the first shorter by the header), AES-256-GCM,
              nonce = prefix(7) | number(4) | last(1), key = HKDF-SHA256(key, salt, info = aad)

Every segment is authenticated, a cut is seen only at the end: whoever sends a large content while reading it
must break the connection when Unsealable comes, never end it cleanly.
"""

import os
from collections.abc import Iterator
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .framing import framed
from .keyring import Unsealable

SEGMENT = 1 << 20
TAG = 16
SALT = 32
PREFIX = 7
HEADER = 1 + SALT + PREFIX


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    def write(self, data: bytes, /) -> object: ...


def associated_data(subject_id: UUID, content_id: UUID, version: int = 1) -> bytes:
    """Where a stream belongs: one content, in one version, of one subject."""
    return framed(b"dmp/stream/1", subject_id.bytes, content_id.bytes, version.to_bytes(4, "big"))


def encrypt(src: Readable, dst: Writable, key: bytes, aad: bytes) -> None:
    """Seal all that can be read from `src` into `dst`, holding two segments in memory."""
    salt, prefix = os.urandom(SALT), os.urandom(PREFIX)
    cipher = _cipher(key, salt, aad)
    dst.write(bytes([HEADER]) + salt + prefix)
    number, segment = 0, _filled(src, SEGMENT - HEADER - TAG)
    while True:
        following = _filled(src, SEGMENT - TAG)
        dst.write(cipher.encrypt(_nonce(prefix, number, last=not following), segment, None))
        if not following:
            return
        number, segment = number + 1, following


def decrypt(src: Readable, key: bytes, aad: bytes) -> Iterator[bytes]:
    """The clear segments, each authenticated before it is given. Raises Unsealable, be it at the end."""
    header = _filled(src, HEADER)
    if len(header) != HEADER or header[0] != HEADER:
        raise Unsealable
    prefix = header[1 + SALT :]
    cipher = _cipher(key, header[1 : 1 + SALT], aad)
    number, segment = 0, _filled(src, SEGMENT - HEADER)
    while True:
        following = _filled(src, SEGMENT)
        try:
            yield cipher.decrypt(_nonce(prefix, number, last=not following), segment, None)
        except (InvalidTag, ValueError):
            raise Unsealable from None
        if not following:
            return
        number, segment = number + 1, following


def _cipher(key: bytes, salt: bytes, aad: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=aad).derive(key))


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


def _filled(src: Readable, size: int) -> bytes:
    """As many bytes as asked, fewer only at the end: a socket may give them in pieces."""
    data = src.read(size)
    while data and len(data) < size and (more := src.read(size - len(data))):
        data += more
    return data
