"""A document, and a deposit, at the door: what they say of themselves, in one statement each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from access.gate import Entering, Facts, Passage, Row
from access.policy import Status, Target
from accounts.actors import Actor, Capacity
from dossiers import things
from dossiers.things import ABSENT, DossierAtTheDoor, DossierRow

from . import nomenclature
from .keeping import Kept
from .models import DOCUMENT as DOCUMENT_FACTS

# A row begins with its key and the facts that its digest binds, then the digest.
FACTS = ("id", *DOCUMENT_FACTS.columns)
_COLUMNS = (*FACTS, "facts_mac", "verdict", "media_type", "size", "page_count", "sealed")
DOCUMENT = ", ".join(f"doc.{name}" for name in _COLUMNS)
WIDTH = len(_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """What the gate read of a document on the way in, its dossier and the parts asked for included."""

    dossier: DossierRow
    document_id: UUID
    type_code: str
    class_code: str
    created_on: date
    deposited_at: datetime
    status: Status
    verdict: str
    masked: bool
    withheld: bool
    hidden_from_representatives: bool
    author_id: UUID
    author_structure_id: UUID | None
    replaces_id: UUID | None
    media_type: str
    size: int
    page_count: int
    sealed: bytes
    facts_mac: bytes | None
    parts: dict[str, Kept]

    @property
    def holds(self) -> bool:
        """Whether what decides in clear is as somebody with the dossier's key wrote it."""
        return DOCUMENT_FACTS.holds(
            self.dossier.keyring,
            self.facts_mac,
            self.document_id,
            *facts_with(self, self.status),
        )

    @property
    def sealed_identity(self) -> bytes:
        return self.dossier.sealed_identity

    @property
    def granted_until(self) -> datetime | None:
        return self.dossier.granted_until


def document_row(dossier: DossierRow, values: tuple[Any, ...], parts: dict[str, Kept]) -> DocumentRow:
    (
        document_id, _, type_code, class_code, created_on, deposited_at, status,
        masked, withheld, hidden, author_id, author_structure_id, replaces_id, facts_mac,
        verdict, media_type, size, page_count, sealed,
    ) = values[:WIDTH]  # fmt: skip
    return DocumentRow(
        dossier=dossier,
        document_id=document_id,
        type_code=type_code,
        class_code=class_code,
        created_on=created_on,
        deposited_at=deposited_at,
        status=Status(status),
        verdict=verdict,
        masked=masked,
        withheld=withheld,
        hidden_from_representatives=hidden,
        author_id=author_id,
        author_structure_id=author_structure_id,
        replaces_id=replaces_id,
        media_type=media_type,
        size=size,
        page_count=page_count,
        sealed=bytes(sealed),
        facts_mac=facts_mac,
        parts=parts,
    )


def those_that_hold(dossier: DossierRow, rows: list[tuple[Any, ...]]) -> list[DocumentRow]:
    """Of the rows of DOCUMENT read in this dossier, those that are as somebody with its key wrote them."""
    digests = ((values[len(FACTS)], values[: len(FACTS)]) for values in rows)
    holding = DOCUMENT_FACTS.which_hold(dossier.keyring, digests)
    return [document_row(dossier, values, {}) for values, holds in zip(rows, holding, strict=True) if holds]


def facts_with(row: DocumentRow, status: Status) -> tuple[Any, ...]:
    """What decides in clear of a document, were it to have this status: the values of DOCUMENT_FACTS."""
    return (
        row.dossier.dossier_id,
        row.type_code,
        row.class_code,
        row.created_on,
        row.deposited_at,
        status,
        row.masked,
        row.withheld,
        row.hidden_from_representatives,
        row.author_id,
        row.author_structure_id,
        row.replaces_id,
    )


def facts_mac(row: DocumentRow, status: Status) -> bytes:
    """The digest that binds the row once it has this status."""
    return DOCUMENT_FACTS.mac(row.dossier.keyring, row.document_id, *facts_with(row, status))


def target_of(row: DocumentRow) -> Target:
    return replace(
        things.target_of(row.dossier),
        altered=not row.holds,
        document_id=row.document_id,
        document_type=row.type_code,
        document_class=row.class_code,
        author_id=row.author_id,
        status=row.status,
        masked=row.masked,
        withheld=row.withheld,
    )


@dataclass(frozen=True, slots=True)
class DocumentAtTheDoor:
    """One document of one dossier, with the sealed parts that the act will need."""

    dossier_id: UUID
    document_id: UUID
    parts: tuple[str, ...] = ()

    @property
    def pin(self) -> UUID:
        return self.dossier_id

    def entering(self, actor: Actor, at: datetime) -> Entering:
        if actor.capacity is Capacity.AGENT:
            # Their database role has no right on documents, not even to learn whether there is one.
            return DossierAtTheDoor(self.dossier_id).entering(actor, at)
        asked = (*things.asking(self.dossier_id, actor, at), self.document_id, list(self.parts))
        return Entering("documents_entered", asked)

    def facts(self, actor: Actor, at: datetime, read: Sequence[Row]) -> Facts:
        if actor.capacity is Capacity.AGENT:
            facts = DossierAtTheDoor(self.dossier_id).facts(actor, at, read)
            return replace(facts, target=replace(facts.target, document_id=self.document_id))
        if not read:
            return ABSENT
        dossier = things.row_of(self.dossier_id, actor, read[0])
        values = read[0][things.WIDTH :]
        if values[0] is None:
            return things.facts_of(dossier, replace(things.target_of(dossier), exists=False))
        parts = {
            part: Kept(part, size, None if sealed is None else bytes(sealed), blob)
            for part, size, sealed, blob in (row[things.WIDTH + WIDTH :] for row in read)
            if part is not None
        }
        row = document_row(dossier, values, parts)
        return things.facts_of(dossier, target_of(row), also=row)


@dataclass(frozen=True, slots=True)
class DepositAtTheDoor:
    """A document about to enter a dossier: the dossier, and of which type it would be."""

    dossier_id: UUID
    type_code: str

    @property
    def pin(self) -> UUID:
        return self.dossier_id

    def entering(self, actor: Actor, at: datetime) -> Entering:
        return DossierAtTheDoor(self.dossier_id).entering(actor, at)

    def facts(self, actor: Actor, at: datetime, read: Sequence[Row]) -> Facts:
        facts = DossierAtTheDoor(self.dossier_id).facts(actor, at, read)
        kind = nomenclature.TYPES.get(self.type_code)
        if kind is None:
            return facts  # such a deposit is declined inside
        target = replace(facts.target, document_type=kind.code, document_class=kind.class_code)
        return replace(facts, target=target)


# What is sealed of a document beside its content ----------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    title: str
    author: str
    structure: str = ""
    profession: str = ""
    specialty: str = ""
    file_name: str = ""
    pages_in_all: int = 0


def seal(passage: Passage, document_id: UUID, description: Description) -> bytes:
    told = {
        name: value
        for name in Description.__slots__
        if (value := getattr(description, name)) or name in ("title", "author")
    }
    return passage.keyring.seal_json("documents_document", "sealed", document_id, told)


def unseal(passage: Passage, document_id: UUID, sealed: bytes) -> Description:
    return Description(**passage.keyring.unseal_json("documents_document", "sealed", document_id, sealed))


__all__ = [
    "DepositAtTheDoor",
    "Description",
    "DocumentAtTheDoor",
    "DocumentRow",
    "seal",
    "target_of",
    "unseal",
]
