"""One line of the ledger as the database keeps it, and whether it says what was committed to.

Used by whoever reads the log and by whoever verifies it, so that both refuse the same lines.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from . import events, form_1, names
from .events import Body, Unreadable

# `at` in microseconds, null for what no calendar has: such a line must be named, not stop who reads it.
AT = "CASE WHEN at > '0002-01-01' AND at < '9998-01-01' THEN (extract(epoch FROM at) * 1000000)::bigint END"
COLUMNS = (
    f"chain, position, form, {AT}, kind, channel, capacity, profession, document_class, structure,"
    " body, commitment, previous, hash"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row. `at` in microseconds since 1970, None when it is out of any calendar."""

    chain: UUID
    position: int
    form: int
    at: int | None
    facets: tuple[str, ...]
    body: bytes
    commitment: bytes
    previous: bytes
    hash: bytes

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> "Entry":
        """From the values of COLUMNS."""
        chain, position, form, at, *facets, body, commitment, previous, hashed = row
        digests = (bytes(value) for value in (body, commitment, previous, hashed))
        return cls(chain, position, form, at, tuple(facets), *digests)

    def is_hashed(self) -> bool:
        """Whether its hash is that of what stands in it."""
        if self.at is None:
            return False
        if self.form == form_1.FORM:
            clear = form_1.facets(self.at, self.facets)
            made = form_1.entry_hash(self.previous, self.position, self.chain, clear, self.commitment)
        elif self.form == events.FORM:
            made = events.entry_hash(self._place(self.at), self.commitment)
        else:
            return False
        return made == self.hash

    def read(self, body: bytes) -> Body:
        """What the unsealed body says. Raises Unreadable when it was not committed to here, or says otherwise
        than what stands in clear."""
        if self.at is None:
            raise Unreadable
        if self.form == form_1.FORM:
            made = form_1.commitment(self.chain, form_1.facets(self.at, self.facets), body)
        else:
            made = events.commitment(self._place(self.at), events.content_of(body))
        if made != self.commitment:
            raise Unreadable
        payload = events.read_body(body)
        if self.form == events.FORM and (
            payload.facets is None
            or any(
                names.today(clear) != names.today(written)
                for clear, written in zip(self.facets, payload.facets, strict=True)
            )
        ):
            raise Unreadable
        return payload

    def _place(self, at: int) -> bytes:
        return events.place(self.chain, self.position, at, self.previous)
