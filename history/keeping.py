"""How a care history is written in its sealed row, and read back."""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from vault.keyring import Keyring

from . import cnam_hr, sections
from .cnam_hr import Line, Statement
from .merging import Difference

TABLE = "history_statement"
FORMAT = 1
BEFORE_READINGS_WERE_COUNTED = 1
SPEED = 1  # of zlib: half the time of the default for a few more bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A care history as its dossier knows it: what the last statement said, and every line so far."""

    document_id: str
    set_id: str
    version: int
    written_at: datetime
    period_start: date
    period_end: date
    mention: str
    notes: Mapping[str, str]
    lines: Mapping[str, tuple[Line, ...]]
    sha256: str  # of the bytes received
    etag: str | None = None
    partial: Mapping[str, str] = field(default_factory=dict)  # dates told in part: `start`, `end`, `written`
    reading: int = BEFORE_READINGS_WERE_COUNTED  # which of our ways of reading understood the bytes

    @property
    def line_count(self) -> int:
        return sum(map(len, self.lines.values()))

    @classmethod
    def from_statement(
        cls,
        statement: Statement,
        *,
        lines: Mapping[str, tuple[Line, ...]],
        written_at: datetime,
        period: tuple[date, date],
        partial: Mapping[str, str],
        sha256: str,
        etag: str | None,
    ) -> Self:
        start, end = period
        return cls(
            document_id=statement.document_id,
            set_id=statement.set_id,
            version=statement.version,
            written_at=written_at,
            period_start=start,
            period_end=end,
            partial=partial,
            mention=statement.mention,
            notes={section.key: section.note for section in statement.sections if section.note},
            lines=lines,
            sha256=sha256,
            etag=etag,
            reading=cnam_hr.READING,
        )

    def told(self) -> dict[str, Any]:
        """Plain values, the lines last: everything but them also describes a superseded version."""
        return {**self._described(), "lines": [self.lines.get(form.key, ()) for form in sections.FORMS]}

    def _described(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "document": [self.document_id, self.set_id, self.version],
            "written": self.written_at.isoformat(),
            "period": [self.period_start.isoformat(), self.period_end.isoformat()],
            "mention": self.mention,
            "notes": dict(self.notes),
            "sha256": self.sha256,
            "etag": self.etag,
            "reading": self.reading,
            **({"partial": dict(self.partial)} if self.partial else {}),
        }

    @classmethod
    def from_told(cls, told: dict[str, Any]) -> Self:
        document_id, set_id, version = told["document"]
        start, end = told["period"]
        return cls(
            document_id=document_id,
            set_id=set_id,
            version=version,
            written_at=datetime.fromisoformat(told["written"]),
            period_start=date.fromisoformat(start),
            period_end=date.fromisoformat(end),
            mention=told["mention"],
            notes=told["notes"],
            lines={
                form.key: tuple(map(tuple, lines))
                for form, lines in zip(sections.FORMS, told["lines"], strict=True)
            },
            sha256=told["sha256"],
            etag=told["etag"],
            partial=told.get("partial", {}),
            reading=told.get("reading", BEFORE_READINGS_WERE_COUNTED),
        )


def fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def content_mac(keyring: Keyring, sha256: str) -> bytes:
    """What tells, without any content, that the same bytes came again."""
    return keyring.mac("history.received", sha256.encode())


def seal(keyring: Keyring, dossier_id: UUID, version: int, kept: Kept) -> bytes:
    return keyring.seal(TABLE, "sealed", _row(dossier_id, version), _packed(kept.told()))


def unseal(keyring: Keyring, dossier_id: UUID, version: int, sealed: bytes) -> Kept:
    return Kept.from_told(_unpacked(keyring.unseal(TABLE, "sealed", _row(dossier_id, version), sealed)))


def seal_difference(
    keyring: Keyring, dossier_id: UUID, version: int, kept: Kept, difference: Difference
) -> bytes:
    """A superseded version: what it said of itself, and how its lines differ from the next one's."""
    packed = _packed({**kept._described(), "difference": difference})
    return keyring.seal(TABLE, "sealed_difference", _row(dossier_id, version), packed)


def unseal_difference(
    keyring: Keyring, dossier_id: UUID, version: int, sealed: bytes
) -> tuple[dict[str, Any], Difference]:
    told = _unpacked(keyring.unseal(TABLE, "sealed_difference", _row(dossier_id, version), sealed))
    return told, told.pop("difference")


def _row(dossier_id: UUID, version: int) -> bytes:
    return dossier_id.bytes + version.to_bytes(4, "big")


def _packed(told: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(), SPEED)


def _unpacked(packed: bytes) -> Any:
    return json.loads(zlib.decompress(packed))
