"""Clear columns that decide a right, bound to their row by a digest that only a key can make.

Which professional a grant lets in, until when, whether a document is masked, whose a dossier is: these stand
in clear because the database searches them. Each such row carries `facts_mac`, an HMAC-SHA-256 under the
subject's key of its table, its own key and those columns. Whoever writes in the database without a key can
change them, and the row is then believed by nobody.
"""

import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from .framing import framed
from .keyring import Keyring, RowId, bytes_of_row_id

log = structlog.get_logger(__name__)

MAC_BYTES = 16
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Which columns of a table decide a right, in the order in which their values are given.

    `key` is the column that names a row, `subject` the one that says whose key binds it; None: the house's.
    `structured` are those of the columns that hold JSON.
    """

    table: str
    columns: tuple[str, ...]
    key: str = "id"
    subject: str | None
    structured: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        BINDINGS[self.table] = self

    def mac(self, keyring: Keyring, row_id: RowId, *facts: Any) -> bytes:
        """What `facts_mac` must be for these facts."""
        if len(facts) != len(self.columns):
            raise TypeError(f"{self.table} has {len(self.columns)} columns that decide, not {len(facts)}")
        message = framed(bytes_of_row_id(row_id)) + "\0".join(map(_written, facts)).encode()
        return keyring.mac(f"facts/{self.table}", message)[:MAC_BYTES]

    def holds(self, keyring: Keyring, mac: bytes | None, row_id: RowId, *facts: Any) -> bool:
        """Whether the row is as it was written by who has the key; says so to the log when it is not."""
        right = self.agrees(keyring, mac, row_id, *facts)
        if not right:
            log.error("row.altered", table=self.table, row=_said(row_id))
        return right

    def agrees(self, keyring: Keyring, mac: bytes | None, row_id: RowId, *facts: Any) -> bool:
        """The same, for whoever looks at every row and says it in another way."""
        return mac is not None and hmac.compare_digest(self.mac(keyring, row_id, *facts), bytes(mac))


BINDINGS: dict[str, Binding] = {}
"""Every binding declared, by table: each stands beside its model."""


def declared() -> Iterator[Binding]:
    """Every binding, in order of table."""
    yield from (BINDINGS[table] for table in sorted(BINDINGS))


def raw(binding: Binding, values: Iterable[Any]) -> list[Any]:
    """Facts as a bare statement reads them, as a model would give them."""
    return [
        json.loads(value) if name in binding.structured else value
        for name, value in zip(binding.columns, values, strict=True)
    ]


def _written(fact: Any) -> str:
    """One fact as text. What is absent differs from every text; an instant is its microseconds."""
    if fact is None:
        return ""
    if isinstance(fact, datetime):
        return f"={(fact - EPOCH) // MICROSECOND}"
    if isinstance(fact, dict):
        return f"={json.dumps(fact, sort_keys=True, ensure_ascii=False, separators=(',', ':'))}"
    return f"={fact}"


def _said(row_id: RowId) -> str:
    return row_id.hex() if isinstance(row_id, bytes) else str(row_id)
