"""Public keys of those who sign for us to read: fetched, kept for ten minutes, refreshed when they rotate."""

import time
from threading import Lock
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from . import outbound
from .key_strength import strong

KEPT_SECONDS, AT_MOST_EVERY = 600.0, 30.0
MOST_BYTES = 200_000


class BadSignature(Exception):
    """Unsigned, altered, signed by somebody else or with an algorithm we do not take. Never says which."""


class IssuerKeys:
    """The JWKS at one address. Several threads may share it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._keys: KeySet | None = None
        self._fetched_at = -KEPT_SECONDS
        self._lock = Lock()

    def verified(self, token: str, algorithms: list[str]) -> tuple[dict[str, Any], bytes]:
        """Header and payload of a compact JWS signed by one of the keys.

        Raises BadSignature, or outbound.Unreachable when the keys cannot be had.
        """
        try:
            header = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError):
            raise BadSignature from None
        kid = header.get("kid")
        if header.get("alg") not in algorithms or not isinstance(kid, str):
            raise BadSignature
        try:
            verified = jws.deserialize_compact(token.encode(), self._with(kid), algorithms=algorithms)
        except (JoseError, ValueError):
            raise BadSignature from None
        return verified.headers(), verified.payload

    def _with(self, kid: str) -> KeySet:
        with self._lock:
            age = time.monotonic() - self._fetched_at
            known = self._keys is not None and any(key.kid == kid for key in self._keys.keys)
            if age > KEPT_SECONDS or (not known and age > AT_MOST_EVERY):
                self._keys = _fetched(self.url)
                self._fetched_at = time.monotonic()
            if self._keys is None:
                raise outbound.Unreachable("keys.unknown")
            return self._keys


def _fetched(url: str) -> KeySet:
    answer = outbound.call("GET", url, most=MOST_BYTES, read_seconds=5.0)
    if answer.status != 200:
        raise outbound.Unreachable(f"keys.status_{answer.status}")
    try:
        published = KeySet.import_key_set(answer.json())
    except (JoseError, ValueError, KeyError, TypeError):
        raise outbound.Unreachable("keys.not_understood") from None
    return KeySet([key for key in published.keys if strong(key)])
