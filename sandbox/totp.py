"""The six digits of an authenticator application (RFC 6238, SHA-1, 30 seconds)."""

import base64
import hashlib
import hmac
import struct

STEP = 30


def code(secret: str, instant: float) -> str:
    """The code that `secret` (base32) gives at `instant`, in seconds since 1970."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
    digest = hmac.digest(key, struct.pack(">Q", int(instant) // STEP), hashlib.sha1)
    offset = digest[-1] & 15
    (number,) = struct.unpack(">I", digest[offset : offset + 4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06d}"


def seconds_left(instant: float) -> int:
    return STEP - int(instant) % STEP
