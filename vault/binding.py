"""Clear columns that decide a right, bound to their row by a digest that only a key can make.

Which professional a grant lets in, until when, whether a document is masked, whose a dossier is: these stand
in clear because the database searches them. Each such row carries `facts_mac`, an HMAC-SHA-256 under the
subject's key of its table, its own key and those columns. Whoever writes in the database without a key can
change them, and the row is then believed by nobody.
"""

import hmac
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from .keyring import Keyring, RowId

log = structlog.get_logger(__name__)

MAC_BYTES = 16
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Which columns of a table decide a right, in the order in which their values are given.

    `key` is the column that names a row, `subject` the one that says whose key binds it; None: the house's.
    `structured` are those of the columns that hold JSON. `written` makes bytes of a row's key and facts, for
    a table whose rows are compared by fifties: no two rows give the same ones.
    """

    table: str
    columns: tuple[str, ...]
    key: str = "id"
    subject: str | None
    structured: frozenset[str] = frozenset()
    written: Callable[..., bytes] | None = None

    label: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", f"facts/{self.table}")
        BINDINGS[self.table] = self

    def mac(self, keyring: Keyring, row_id: RowId, *facts: Any) -> bytes:
        """What `facts_mac` must be for these facts."""
        if len(facts) != len(self.columns):
            raise TypeError(f"{self.table} has {len(self.columns)} columns that decide, not {len(facts)}")
        written = self.written or _written
        return keyring.mac(self.label, written(row_id, *facts))[:MAC_BYTES]

    def which_hold(
        self, keyring: Keyring, rows: Iterable[tuple[bytes | None, tuple[Any, ...]]]
    ) -> list[bool]:
        """Whether each of many rows is as it was written: its digest, then its key and its facts.

        What digests have in common is made once. Says so to the log for each that is not.
        """
        digest, written = keyring.digest(self.label), self.written or _written
        answers = []
        for mac, facts in rows:
            right = mac is not None and hmac.compare_digest(digest(written(*facts))[:MAC_BYTES], mac)
            if not right:
                log.error("row.altered", table=self.table, row=_said(facts[0]))
            answers.append(right)
        return answers

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


def _written(*facts: Any) -> bytes:
    return b"".join([_WRITTEN[type(fact)](fact) for fact in facts])


class _Written(dict[type, Callable[[Any], bytes]]):
    """How a fact of each type becomes bytes that say where they end: no two rows give the same ones.

    PostgreSQL keeps no text with a NUL in it, so that one ends a text.
    """

    def __missing__(self, kind: type) -> Callable[[Any], bytes]:
        if issubclass(kind, str):  # the value of an enumeration
            self[kind] = lambda fact: b"s%b\0" % str(fact).encode()
            return self[kind]
        raise TypeError(f"a fact is not a {kind.__name__}")


_WRITTEN = _Written(
    {
        type(None): lambda _: b"-",
        bool: lambda fact: b"1" if fact else b"0",
        str: lambda fact: b"s%b\0" % fact.encode(),
        UUID: lambda fact: b"u" + fact.bytes,
        datetime: lambda fact: b"t%020d" % ((fact - EPOCH) // MICROSECOND),
        date: lambda fact: b"d%08d" % fact.toordinal(),
        bytes: lambda fact: b"b%08d%b" % (len(fact), fact),
        dict: lambda fact: b"j%b\0" % _canonical(fact),
    }
)


def _canonical(structured: dict[str, Any]) -> bytes:
    return json.dumps(structured, sort_keys=True, separators=(",", ":")).encode()


def _said(row_id: RowId) -> str:
    return row_id.hex() if isinstance(row_id, bytes) else str(row_id)
