"""Reading what a dossier contains: the list, a document, one of its pages, the file as received."""

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from access import gate
from access.gate import Passage
from access.policy import Action, Status
from accounts.actors import Actor
from dossiers.identity import HolderBanner, holder_of
from dossiers.things import DossierAtTheDoor, DossierRow

from . import days, keeping, nomenclature, things, visibility
from .inspection import CDA
from .things import Description, DocumentAtTheDoor, DocumentRow

PAGE = 50
LAST = (date(9999, 12, 31), UUID(int=2**128 - 1))  # after every document


class NoSuchPart(LookupError):
    """The document has no such page, or no file of its own: an address that was never given."""


class _Readable:
    """Templates look names up as keys first; answering at once saves an exception for each cell."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(_Readable):
    """One line of the list, in the words that pages show."""

    id: UUID
    type_code: str
    type_label: str
    class_code: str
    icon: str
    title: str
    author: str
    structure: str
    created_on: date
    day: days.Day  # .iso .number .month .year .said
    deposited_at: datetime
    masked: bool
    withheld: bool
    status: Status
    verdict: str
    mine: bool
    is_history: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(_Readable):
    """At most fifty lines. `next` asks for those that follow; None after the last."""

    holder: HolderBanner
    summaries: list[Summary]
    next: str | None
    may_deposit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(_Readable):
    """A document to be read. `narrative_html` is safe as it is; `page_texts` are the words of the pages.

    A narrative may be followed by pages. `pages_in_all` is more than `page_count` when the file was too long
    to be shown whole: the rest is in the original.
    """

    summary: Summary
    holder: HolderBanner
    kind: str  # pages, narrative, history
    page_count: int
    pages_in_all: int
    page_texts: tuple[str, ...]
    narrative_html: str
    media_type: str
    size: int
    may_download: bool


@dataclass(frozen=True, slots=True)
class Image:
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Original:
    content: bytes
    media_type: str
    file_name: str


_LIST = f"""
    SELECT {things.DOCUMENT} FROM documents_document doc
    WHERE doc.dossier_id = %(dossier)s::uuid
      AND (doc.created_on, doc.id) < (%(day)s::date, %(last)s::uuid)
      AND {visibility.SEEN}
    ORDER BY doc.created_on DESC, doc.id DESC LIMIT %(limit)s::int
"""  # noqa: S608


def contents(
    dossier_id: UUID, *, by: Actor, at: datetime, before: str | None = None, limit: int = PAGE
) -> Page:
    """The documents one may read, newest first, and one's own that wait. Raises gate.Refused."""
    limit = min(limit, PAGE)
    with gate.admitted(by, Action.LIST, DossierAtTheDoor(dossier_id), at=at) as passage:
        day, last = _cursor(before)
        with connection.cursor() as cursor:
            cursor.execute(
                _LIST,
                {
                    "dossier": dossier_id,
                    "day": day,
                    "last": last,
                    "limit": limit + 1,
                    **visibility.parameters(passage),
                },
            )
            rows = cursor.fetchall()
        dossier: DossierRow = passage.facts.row
        shown = rows[:limit]
        held = things.those_that_hold(dossier, shown)
        passage.tell(count=len(held))
        if len(held) < len(shown):
            passage.tell(altered=len(shown) - len(held))
        return Page(
            holder=holder_of(passage),
            summaries=[_summary(row, _described(passage, row), by) for row in held],
            next=_after(shown[-1]) if len(rows) > limit else None,
            may_deposit=passage.may(Action.DEPOSIT),
        )


def read(dossier_id: UUID, document_id: UUID, *, by: Actor, at: datetime) -> Reading:
    """One document. Raises gate.Refused."""
    thing = DocumentAtTheDoor(dossier_id, document_id, parts=(keeping.NARRATIVE, keeping.TEXTS))
    with gate.admitted(by, Action.READ, thing, at=at) as passage:
        row: DocumentRow = passage.facts.row
        described = _told(passage, row)
        narrative = _clear(passage, row, keeping.NARRATIVE)
        texts = _clear(passage, row, keeping.TEXTS)
        history = row.type_code == nomenclature.CARE_HISTORY
        return Reading(
            summary=_summary(row, described, by),
            holder=holder_of(passage),
            kind="history" if history else "narrative" if narrative else "pages",
            page_count=row.page_count,
            pages_in_all=described.pages_in_all,
            page_texts=tuple(json.loads(texts)) if texts else (),
            narrative_html=narrative.decode(),
            media_type=row.media_type,
            size=row.size,
            may_download=row.size > 0,
        )


def page_image(dossier_id: UUID, document_id: UUID, number: int, *, by: Actor, at: datetime) -> Image:
    """One page as a picture. Raises gate.Refused, NoSuchPart."""
    image = _part(dossier_id, document_id, keeping.page(number), by=by, at=at)[1]
    return Image(image, "image/png" if image.startswith(b"\x89PNG") else "image/webp")


def original(dossier_id: UUID, document_id: UUID, *, by: Actor, at: datetime) -> Original:
    """The file as it was received, to be downloaded and never displayed. Raises gate.Refused, NoSuchPart."""
    row, content, described = _part(dossier_id, document_id, keeping.ORIGINAL, by=by, at=at)
    extension = "xml" if row.media_type == CDA else "pdf"
    name = described.file_name or described.title
    stem = name.rpartition(".")[0] if name.lower().endswith((".pdf", ".xml")) else name
    safe = "".join(c if c.isalnum() or c in " -_’'()." else "-" for c in stem).strip(" .-")
    return Original(content, row.media_type, f"{safe or 'document'}.{extension}")


def _part(
    dossier_id: UUID, document_id: UUID, part: str, *, by: Actor, at: datetime
) -> tuple[DocumentRow, bytes, Description]:
    thing = DocumentAtTheDoor(dossier_id, document_id, parts=(part,))
    with gate.admitted(by, Action.READ, thing, at=at) as passage:
        row: DocumentRow = passage.facts.row
        if part not in row.parts:
            raise NoSuchPart(part)
        described = _told(passage, row)
        return row, _clear(passage, row, part), described


def _told(passage: Passage, row: DocumentRow) -> Description:
    """What the trace says of the reading: the title, unless the holder must not come upon it there."""
    described = _described(passage, row)
    if row.type_code == nomenclature.CARE_HISTORY:
        described = replace(described, title=nomenclature.TYPES[row.type_code].label)
    if not row.withheld:
        passage.tell(title=described.title)
    return described


def _described(passage: Passage, row: DocumentRow) -> Description:
    return things.unseal(passage, row.document_id, row.sealed)


def _clear(passage: Passage, row: DocumentRow, part: str) -> bytes:
    kept = row.parts.get(part)
    return keeping.clear(passage.keyring, row.document_id, kept) if kept else b""


def _summary(row: DocumentRow, described: Description, by: Actor) -> Summary:
    kind = nomenclature.TYPES[row.type_code]
    return Summary(
        id=row.document_id,
        type_code=row.type_code,
        type_label=kind.label,
        class_code=row.class_code,
        icon=kind.icon,
        # Whatever the release that filed it called it.
        title=kind.label if row.type_code == nomenclature.CARE_HISTORY else described.title,
        author=described.author,
        structure=described.structure,
        created_on=row.created_on,
        day=days.day(row.created_on),
        deposited_at=row.deposited_at,
        masked=row.masked,
        withheld=row.withheld,
        status=row.status,
        verdict=row.verdict,
        mine=row.author_id == by.id,
        is_history=row.type_code == nomenclature.CARE_HISTORY,
    )


def _after(values: tuple[Any, ...]) -> str:
    document_id, _, _, _, created_on, *_ = values
    return f"{created_on}_{document_id}"


def _cursor(before: str | None) -> tuple[date, UUID]:
    """Where a page begins; an address that was mangled begins at the beginning."""
    day, _, last = (before or "").partition("_")
    try:
        return date.fromisoformat(day), UUID(last)
    except ValueError:
        return LAST


__all__ = [
    "Image",
    "NoSuchPart",
    "Original",
    "Page",
    "Reading",
    "Summary",
    "contents",
    "original",
    "page_image",
    "read",
]
