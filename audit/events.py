"""What a trace says, and the bytes that its digests cover. This is form 2; `audit.form_1` is the earlier one.

    body       = salt(32) | JCS({"actor", "detail", "facets"})             sealed under the subject's key
    content    = SHA-256(0x20 | body)                                      given to the database, never kept
    place      = chain(16) | position(8) | at in µs(8) | previous(32)
    commitment = SHA-256(0x21 | place | content)
    hash       = SHA-256(0x22 | place | commitment)
    previous of the first position = SHA-256(0x00 | chain)

Integers are big-endian, JCS is RFC 8785: what a body holds, whole numbers and names in ASCII, Python's own
encoder writes in that very form. The database knows the place, who appends knows the content: the
commitment joins both in the one statement that appends. As the salt is in the sealed body only, nobody
without its key can make the commitment of another place: an entry copied or moved is found, and so is one
whose instant was changed, even after making every hash anew.

The facets stand in clear so that figures can be counted without any key. What is authenticated is their list
in the body, in the order of FACETS, and no name of a facet is in it: `audit.names` may give a word another
name, in the code and in the clear columns, without touching a digest.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

FORM = 2
SALT = 32
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FACETS = ("kind", "channel", "capacity", "profession", "document_class", "structure")


class Unreadable(ValueError):
    """A body that unseals, but was not written by this module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, told in plain values.

    `chain` is what it happened to: a dossier, else the actor, else the house. `actor` and `detail` are
    sealed; the rest is readable by whoever reads the database, so it names nobody. `at` is when the act took
    place; the ledger keeps it between the instant of the entry before and the database's own clock.
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


@dataclass(frozen=True, slots=True)
class Body:
    """What a body says. `facets` is None in the earlier form, where they are in the digests themselves."""

    actor: Mapping[str, Any]
    detail: Mapping[str, Any]
    facets: tuple[str, ...] | None


def microseconds(at: datetime) -> int:
    """The instant as PostgreSQL keeps it. Raises TypeError on a naive one."""
    return (at - EPOCH) // timedelta(microseconds=1)


def facets_of(event: Event) -> tuple[str, ...]:
    """What stands in clear, in the order of FACETS."""
    return tuple(getattr(event, facet) for facet in FACETS)


def body_of(event: Event) -> bytes:
    """A fresh salt and what must be sealed."""
    facets = list(facets_of(event))
    payload: Any = {"actor": dict(event.actor), "detail": dict(event.detail), "facets": facets}
    return os.urandom(SALT) + _JCS.encode(payload).encode()


_JCS = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def read_body(body: bytes) -> Body:
    """What a body says once unsealed, in either form. Raises Unreadable."""
    try:
        payload = json.loads(body[SALT:])
        actor, detail, facets = payload["actor"], payload["detail"], payload.get("facets")
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Unreadable from None
    if not (isinstance(actor, dict) and isinstance(detail, dict)):
        raise Unreadable
    if facets is None:
        return Body(actor, detail, None)
    if not isinstance(facets, list) or len(facets) != len(FACETS):
        raise Unreadable
    return Body(actor, detail, tuple(map(str, facets)))


def content_of(body: bytes) -> bytes:
    """What a commitment joins to a place. Secret: whoever knows it could bind the body to another place."""
    return sha256(b"\x20" + body).digest()


def genesis(chain: UUID) -> bytes:
    """What the first entry of a chain is bound to."""
    return sha256(b"\x00" + chain.bytes).digest()


def place(chain: UUID, position: int, at: int, previous: bytes) -> bytes:
    """Where and when an entry stands; `at` in microseconds."""
    numbers = position.to_bytes(8, "big", signed=True) + at.to_bytes(8, "big", signed=True)
    return chain.bytes + numbers + previous


def commitment(place: bytes, content: bytes) -> bytes:
    return sha256(b"\x21" + place + content).digest()


def entry_hash(place: bytes, commitment: bytes) -> bytes:
    return sha256(b"\x22" + place + commitment).digest()
