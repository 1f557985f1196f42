"""What a trace says, and the bytes that its digests cover.

    facets     = at in µs(8) | kind | channel | capacity | profession | document class | structure
                 each text after its length on four bytes
    body       = salt(32) | JCS({"actor", "detail"})                       sealed under the subject's key
    commitment = SHA-256(0x02 | chain | facets | body)
    hash       = SHA-256(0x01 | previous | position(8) | chain | facets | commitment)
    previous of the first position = SHA-256(0x00 | chain)

Integers are big-endian, JCS is RFC 8785. The facets stand in clear so that figures can be counted without
any key; they are in both digests, and the salt is in the sealed body only: who may write anywhere in the
database but has no key can neither change a facet nor give a body another meaning without being found.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import rfc8785

SALT = 32
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, told in plain values.

    `chain` is what it happened to: a dossier, else the actor, else the house. `actor` and `detail` are
    sealed; the rest is readable by whoever reads the database, so it names nobody.
    """

    chain: UUID
    kind: str
    at: datetime
    actor: Mapping[str, Any]
    detail: Mapping[str, Any] = field(default_factory=dict)
    channel: str = ""
    capacity: str = ""
    profession: str = ""
    document_class: str = ""
    structure: str = ""


def microseconds(at: datetime) -> int:
    """The instant as PostgreSQL keeps it. Raises TypeError on a naive one."""
    return (at - EPOCH) // timedelta(microseconds=1)


def facets(
    at: datetime, kind: str, channel: str, capacity: str, profession: str, document_class: str, structure: str
) -> bytes:
    """What stands in clear, in one unambiguous string."""
    texts = [text.encode() for text in (kind, channel, capacity, profession, document_class, structure)]
    framed = b"".join(len(text).to_bytes(4, "big") + text for text in texts)
    return microseconds(at).to_bytes(8, "big", signed=True) + framed


def facets_of(event: Event) -> bytes:
    return facets(
        event.at,
        event.kind,
        event.channel,
        event.capacity,
        event.profession,
        event.document_class,
        event.structure,
    )


def body_of(event: Event) -> bytes:
    """A fresh salt and what must be sealed."""
    return os.urandom(SALT) + rfc8785.dumps({"actor": dict(event.actor), "detail": dict(event.detail)})


def told_in(body: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The actor and the detail of a body once unsealed."""
    told = json.loads(body[SALT:])
    return told["actor"], told["detail"]


def commitment(chain: UUID, facets: bytes, body: bytes) -> bytes:
    return sha256(b"\x02" + chain.bytes + facets + body).digest()


def genesis(chain: UUID) -> bytes:
    """What the first entry of a chain is bound to."""
    return sha256(b"\x00" + chain.bytes).digest()


def entry_hash(previous: bytes, position: int, chain: UUID, facets: bytes, commitment: bytes) -> bytes:
    place = previous + position.to_bytes(8, "big", signed=True) + chain.bytes
    return sha256(b"\x01" + place + facets + commitment).digest()
