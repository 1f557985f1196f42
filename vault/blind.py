"""Finding without reading: keyed digests that stand in the database in the place of what they index.

The keys live with the provider, outside the database: a copy of the database cannot be searched for a NIR,
although there are few enough of them to try each. Only equality shows.
"""

from .framing import framed
from .keyfile import KeyName
from .providers import provider

TOKEN_BYTES = 8


def blind(kind: str, value: str, *, version: int | None = None) -> bytes:
    """The digest under which a value of this kind ("ins", "login", "rpps"…) is found; 32 bytes, unique."""
    return provider().mac(KeyName.BLIND, b"dmp/blind/1", framed(kind.encode(), value.encode()), version)


def token(kind: str, value: str, *, version: int | None = None) -> bytes:
    """A short digest for composite searches, whose false answers are filtered after unsealing; 8 bytes."""
    digest = provider().mac(KeyName.BLIND, b"dmp/token/1", framed(kind.encode(), value.encode()), version)
    return digest[:TOKEN_BYTES]


def keyed_mac(purpose: str, message: bytes, *, version: int | None = None) -> bytes:
    """A digest to compare with what is shown later: a code, a password, a session identifier; 32 bytes."""
    return provider().mac(KeyName.MAC, b"dmp/mac/1", framed(purpose.encode(), message), version)
