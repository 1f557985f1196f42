"""Sealed sessions kept in Redis for a minute, and the means to do without Redis.

Bytes only, sealed before they come here: nothing is unpickled, nothing can be read. When Redis does
not answer it is left alone for a while, so that its absence costs one short wait and not one per
request.
"""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

KEPT_SECONDS = 60
PATIENCE = 0.2
ENDED = b""
FIRST_REST, LONGEST_REST = 5.0, 60.0


class SessionCache:
    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
        )
        self._resting_until = 0.0
        self._rest = FIRST_REST

    def get(self, id_mac: bytes) -> bytes | None:
        return self._try(lambda: self._redis.get(_name(id_mac)))

    def put(self, id_mac: bytes, sealed: bytes, seconds: float, *, over: bool = True) -> None:
        """Keep; not over what is there already unless `over`."""
        if (kept := min(int(seconds), KEPT_SECONDS)) > 0:
            self._try(lambda: self._redis.set(_name(id_mac), sealed, ex=kept, nx=not over))

    def drop(self, id_mac: bytes) -> None:
        """Mark as ended, so that whoever read the row just before does not put it back.

        If Redis cannot be told, it forgets by itself within a minute.
        """
        self._try(lambda: self._redis.set(_name(id_mac), ENDED, ex=KEPT_SECONDS))

    def _try(self, ask: Callable[[], Any]) -> Any:
        if time.monotonic() < self._resting_until:
            return None
        try:
            answer = ask()
        except (RedisError, OSError):
            self._resting_until = time.monotonic() + self._rest
            self._rest = min(self._rest * 2, LONGEST_REST)
            return None
        self._rest = FIRST_REST
        return answer


def _name(id_mac: bytes) -> bytes:
    return b"session:" + id_mac


def session_cache() -> SessionCache:
    """The cache of this process."""
    global _cache
    if _cache is None:
        _cache = SessionCache(settings.DMP_REDIS_URL)
    return _cache


_cache: SessionCache | None = None
