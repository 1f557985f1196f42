"""Signing keys of the outside world, made once and kept: who learnt them keeps recognising them."""

from functools import cache
from threading import Lock

from django.conf import settings
from joserfc.jwk import ECKey, RSAKey

from sandbox.memory import Memory

_making = Lock()


@cache
def provider_key() -> RSAKey:
    """The key Pro Santé Connect signs with (RS256)."""
    return RSAKey.import_key(_kept("pro-sante-connect", lambda: RSAKey.generate_key(2048, auto_kid=True)))


@cache
def reader_key() -> ECKey:
    """The key of the carte Vitale reader (ES256)."""
    return ECKey.import_key(_kept("reader", lambda: ECKey.generate_key("P-256", auto_kid=True)))


def _kept(name: str, make) -> dict:
    with _making:
        memory = Memory(settings.MEMORY, "keys", {})
        keys = memory.read()
        if name not in keys:
            key = make()
            keys[name] = key.as_dict(private=True) | {"kid": key.kid}
            memory.write(keys)
        return keys[name]
