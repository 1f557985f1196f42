"""The earlier form of an entry, still verified: entries of both forms follow each other in one chain.

    facets     = at in µs(8) | kind | channel | capacity | profession | document class | structure
                 each text after its length on four bytes
    body       = salt(32) | JCS({"actor", "detail"})                       sealed under the subject's key
    commitment = SHA-256(0x02 | chain | facets | body)
    hash       = SHA-256(0x01 | previous | position(8) | chain | facets | commitment)

Nothing in the commitment says at which position: an entry copied further down its chain is found because two
entries then carry one commitment.
"""

from hashlib import sha256
from uuid import UUID

FORM = 1


def facets(at: int, texts: tuple[str, ...]) -> bytes:
    """What stands in clear, in one unambiguous string; `at` in microseconds."""
    encoded = [text.encode() for text in texts]
    framed = b"".join(len(text).to_bytes(4, "big") + text for text in encoded)
    return at.to_bytes(8, "big", signed=True) + framed


def commitment(chain: UUID, facets: bytes, body: bytes) -> bytes:
    return sha256(b"\x02" + chain.bytes + facets + body).digest()


def entry_hash(previous: bytes, position: int, chain: UUID, facets: bytes, commitment: bytes) -> bytes:
    place = previous + position.to_bytes(8, "big", signed=True) + chain.bytes
    return sha256(b"\x01" + place + facets + commitment).digest()
