"""Putting a document into a dossier: by a professional, who reads nothing back; by the house, for its own.

A deposit is sealed, kept in quarantine, its checks asked for and its trace written in one passage.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection

from access import gate
from access.gate import Passage
from access.policy import Action, Status
from accounts import traits
from accounts.actors import Actor
from accounts.identity import BirthDate, Ins
from accounts.paris import paris_day
from dossiers import numbers
from dossiers.identity import HolderBanner, Identity, holder_of, identity_of, minor
from jobs import queue
from jobs.urgency import Urgency
from vault.keyring import Unsealable

from . import cda, days, keeping, nomenclature, things, xmlguard
from .inspection import CDA, PDF
from .models import DOCUMENT
from .things import DepositAtTheDoor, Description, DocumentAtTheDoor, DocumentRow

CHECK = "documents.check"

MOST_BYTES = 50_000_000
MOST_BYTES_OF_XML = xmlguard.LIMITS.bytes
LONGEST_TITLE = 200
EARLIEST = date(1900, 1, 1)
CLAIMS = {"application/pdf": PDF, "text/xml": CDA, "application/xml": CDA, "application/cda+xml": CDA}
# What the end of a name says; None for kinds of files that are not taken. Other endings say nothing.
ENDINGS: dict[str, str | None] = {
    "pdf": PDF,
    "xml": CDA,
    "cda": CDA,
    **dict.fromkeys(
        ("doc", "docx", "odt", "rtf", "txt", "htm", "html", "jpg", "jpeg", "png", "gif", "tif", "tiff")
    ),
    **dict.fromkeys(("bmp", "heic", "heif", "webp", "avif", "jfif", "jp2", "svg", "dcm", "dicom")),
    **dict.fromkeys(("zip", "rar", "7z", "gz", "tar", "eml", "msg", "mht", "xhtml", "epub", "ps", "xps")),
    **dict.fromkeys(("docm", "dotx", "xls", "xlsx", "xlsm", "ods", "csv", "ppt", "pptx", "odp", "pages")),
    **dict.fromkeys(("md", "log", "json", "mp3", "mp4", "mov", "avi", "wav", "exe")),
}
SAID = {PDF: "un PDF", CDA: "un document CDA"}
BEGINS_LIKE_XML = re.compile(rb"[\xef\xbb\xbf\xff\xfe \t\r\n\0]*<")
NAMED_CDA = b"ClinicalDocument"  # what its root is called
# What else a file may be, by how it begins.
OTHER_KINDS = {
    kind: re.compile(start, re.DOTALL | re.IGNORECASE)
    for kind, start in {
        "une image": rb"\xff\xd8\xff|\x89PNG|GIF8|II\*\0|MM\0\*|BM.{4}\0{4}|RIFF.{4}WEBP"
        rb"|.{4}ftyp(?:hei|hev|mif|avi)|.{4}jP  |.{128}DICM|(?:\s|<[?!][^>]*>)*<svg\b",
        "un document Word, Excel ou LibreOffice, ou une archive": rb"PK\x03\x04",
        "un document Word ou Excel, ou un message": rb"\xd0\xcf\x11\xe0",
        "un document Word": rb"\{\\rtf",
        "une page web": rb"(?:\s|\xef\xbb\xbf|<[?!][^>]*>)*<(?:html|head|body)\b",
    }.items()
}


class BadDocument(ValueError):
    """What was given cannot be filed. `sentence` says what to do, `field` which answer it is about."""

    def __init__(self, sentence: str, *, field: str, code: str) -> None:
        super().__init__(code)
        self.sentence, self.field, self.code = sentence, field, code


class AlreadyThere(BadDocument):
    """These very bytes are in the dossier: deposited there by the same author, or under the same identifier.

    `mine`: whether it is the deposit `document_id` of whoever asks. `again`: whether it may be filed a second
    time, by whoever says that they mean it.
    """

    def __init__(self, document_id: UUID, deposited_at: datetime, *, mine: bool, again: bool) -> None:
        day = days.day(paris_day(deposited_at)).said
        sentence = f"Ce document est déjà dans le dossier, déposé le {day}."
        super().__init__(sentence, field="content", code="already_there")
        self.document_id, self.mine, self.again = document_id, mine, again


class TooManyWaiting(Exception):
    """As many documents of this author, or of this structure, wait to be checked as may. Nothing was kept."""

    code = "too_many_waiting"
    retry_after = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the depositor is told. `already` when this very document was there before."""

    document_id: UUID
    status: Status
    already: bool = False
    title: str = ""
    type_label: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed(Receipt):
    """A receipt shown again later, with whose dossier it is about."""

    holder: HolderBanner


def deposit(
    dossier_id: UUID,
    *,
    content: bytes,
    media_type: str,
    type_code: str,
    title: str | None,
    created_on: date,
    masked: bool,
    withheld: bool,
    hidden_from_representatives: bool | None,
    by: Actor,
    at: datetime,
    unique_id: str | None = None,
    file_name: str = "",
    sent_as: UUID | None = None,
    unless_there: bool = False,
) -> Receipt:
    """Seal a document into quarantine and have it checked. Raises gate.Refused, BadDocument, TooManyWaiting.

    Of a minor, whether representatives may see it must be answered: None is refused. Without a title a CDA
    document has its own; when `title` is None, any other has the name of its type. What cannot be filed is
    looked at before the gate and said inside: whoever may not deposit is not told what is wrong with a file,
    and the trace of what was refused has the code of why, no title.

    `sent_as` is the identifier of the form, chosen when it was shown: the same answers sent in it again are
    the same deposit. With `unless_there`, bytes that their author deposited already raise AlreadyThere.
    """
    try:
        kind, media_type, header, title = _answers(
            content, media_type, file_name, type_code=type_code, title=title, created_on=created_on, at=at
        )
        if masked and withheld:
            raise MASKED_AND_WITHHELD
    except BadDocument as bad:
        with gate.admitted(by, Action.DEPOSIT, DepositAtTheDoor(dossier_id, type_code), at=at) as passage:
            passage.decline(bad.code)
            if withheld:
                passage.tell(withheld=True)
        raise
    unique_id = unique_id or (header.unique_id if header else None)
    refusal: BadDocument | TooManyWaiting | None = None
    filed = False
    with gate.admitted(by, Action.DEPOSIT, DepositAtTheDoor(dossier_id, type_code), at=at) as passage:
        if withheld:
            passage.tell(withheld=True)
        answers = (type_code, title, created_on, masked, withheld, hidden_from_representatives)
        content_mac = passage.keyring.mac("content", content)
        document_id = _identifier(passage, sent_as, content_mac, answers)
        before = _Before(passage, document_id, unique_id, content_mac, pointed_out=unless_there)
        large = len(content) > keeping.SMALL
        holder = identity_of(passage)
        if header and _of_somebody_else(passage, header, holder):
            refusal = NAMELESS if _lacks_a_name(passage, header, holder) else SOMEBODY_ELSE
        elif hidden_from_representatives is None and minor(holder.traits.birth_date, on=paris_day(at)):
            refusal = UNANSWERED
        elif created_on < BirthDate(holder.traits.birth_date).earliest:
            refusal = BEFORE_BIRTH
        # Before a large content is written to the store.
        elif large and (found := before.found()):
            document_id, refusal = found
        elif large and not _room_for(passage):
            refusal = TooManyWaiting()
        else:
            filed = _file(
                passage,
                _Filing(
                    document_id=document_id,
                    type_code=kind.code,
                    class_code=kind.class_code,
                    created_on=created_on,
                    status=Status.QUARANTINE,
                    masked=masked,
                    withheld=withheld,
                    hidden_from_representatives=bool(hidden_from_representatives),
                    media_type=media_type,
                    description=Description(
                        title=title,
                        author=by.name,
                        structure=by.structure,
                        profession=by.profession or "",
                        specialty=by.specialty or "",
                        file_name=_file_name(file_name),
                    ),
                    body=content,
                    unique_id=unique_id,
                    checked=False,
                    content_mac=content_mac,
                    unless_there=unless_there,
                ),
            )
            if not filed:
                document_id, refusal = before.found() or (document_id, TooManyWaiting())
        if refusal:
            passage.decline(refusal.code)
        else:
            passage.tell(document=str(document_id), **{} if withheld else {"title": title})
            if not filed:
                passage.tell(already=True)
    if refusal:
        raise refusal
    return Receipt(
        document_id=document_id,
        status=Status.QUARANTINE,
        already=not filed,
        title=title,
        type_label=kind.label,
    )


def receipt(dossier_id: UUID, document_id: UUID, *, by: Actor, at: datetime) -> Followed:
    """Where a deposit of one's own stands, checked or not. Raises gate.Refused, as of nothing that exists
    about anybody else's."""
    thing = DocumentAtTheDoor(dossier_id, document_id)
    with gate.admitted(by, Action.FOLLOW_DEPOSIT, thing, at=at) as passage:
        row = passage.facts.row
        return Followed(
            document_id=document_id,
            holder=holder_of(passage),
            status=row.status,
            title=things.unseal(passage, document_id, row.sealed).title,
            type_label=nomenclature.TYPES[row.type_code].label,
            verdict=row.verdict,
        )


def file(
    passage: Passage,
    *,
    type_code: str,
    title: str,
    created_on: date,
    body: bytes | None = None,
    media_type: str = CDA,
    author_name: str,
    replaces: UUID | None = None,
) -> UUID:
    """File a document of the house's own, readable at once, inside the passage of the act that made it.

    What it replaces is superseded by the same statement, and stays as hidden in its new version as it was.
    Without a body its content is kept elsewhere.
    Raises AlreadyReplaced when `replaces` is not the current version, Unsealable when it was altered.
    """
    document_id = uuid4()
    before = _current(passage, replaces) if replaces else None
    filing = _Filing(
        document_id=document_id,
        type_code=type_code,
        class_code=nomenclature.class_of(type_code),
        created_on=created_on,
        status=Status.AVAILABLE,
        masked=before is not None and before.masked,
        withheld=before is not None and before.withheld,
        hidden_from_representatives=before is not None and before.hidden_from_representatives,
        media_type=media_type,
        description=Description(title=title, author=author_name),
        body=body,
        unique_id=None,
        checked=True,
        replaces=before,
    )
    if not _file(passage, filing):
        raise AlreadyReplaced(str(replaces))
    return document_id


class AlreadyReplaced(ValueError):
    """What was to be replaced is not the current version any more."""


# Answers --------------------------------------------------------------------------------------


def _answers(
    content: bytes,
    media_type: str,
    file_name: str,
    *,
    type_code: str,
    title: str | None,
    created_on: date,
    at: datetime,
) -> tuple[nomenclature.DocumentType, str, cda.Header | None, str]:
    """Its type, what the file is, the header of a CDA document, its title. Raises BadDocument."""
    kind = _kind(type_code)
    media_type = _media_type(content, media_type, file_name)
    header = _header(content) if media_type == CDA else None
    title = _title(title or (header.title if header else "") or (kind.label if title is None else ""))
    _day(created_on, at)
    return kind, media_type, header, title


def _kind(type_code: str) -> nomenclature.DocumentType:
    if type_code not in nomenclature.DEPOSITABLE:
        raise BadDocument("Choisissez le type du document dans la liste.", field="type_code", code="type")
    return nomenclature.DEPOSITABLE[type_code]


def _title(title: str) -> str:
    title = title[: 10 * LONGEST_TITLE]  # enough to say that it is too long
    said = " ".join("".join(c for c in title if c.isspace() or _is_written(c)).split())
    if not said:
        raise BadDocument(
            "Donnez un titre au document, par exemple « Compte rendu de consultation ».",
            field="title",
            code="title_missing",
        )
    if len(said) > LONGEST_TITLE:
        raise BadDocument(
            f"Raccourcissez le titre : {LONGEST_TITLE} caractères au plus.", field="title", code="title_long"
        )
    return said


def _is_written(character: str) -> bool:
    """Neither a control, nor something that turns the reading around, nor half a character."""
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn") or character == "\u200d"


def _day(created_on: date, at: datetime) -> None:
    if created_on > paris_day(at):
        raise BadDocument("La date du document est dans le futur.", field="created_on", code="day_future")
    if created_on < EARLIEST:
        raise BadDocument("Vérifiez l’année de la date du document.", field="created_on", code="day_old")


def _file_name(name: str) -> str:
    return _bare(name)[:120]


def _bare(name: str) -> str:
    name = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in name if _is_written(c)).strip(" .")


def _ending(name: str) -> str:
    """What follows the last dot, as systems that show files understand it; a name may be all ending."""
    _, dot, ending = _bare(name).rpartition(".")
    return ending.lower() if dot else ""


# Files ----------------------------------------------------------------------------------------


def _bad_file(sentence: str, code: str) -> BadDocument:
    return BadDocument(sentence, field="content", code=code)


MASKED_AND_WITHHELD = BadDocument(
    "Un document ne peut pas être à la fois masqué aux professionnels et caché au patient.",
    field="visibility",
    code="masked_and_withheld",
)
UNANSWERED = BadDocument(
    "Dites si ses représentants légaux peuvent lire ce document.",
    field="hidden_from_representatives",
    code="unanswered",
)
NAMELESS = _bad_file(
    "Ce document CDA ne dit pas de qui il parle : le nom ou le prénom du patient manque."
    " Demandez à votre logiciel de l’y écrire, puis redéposez-le.",
    "cda.nobody",
)
BEFORE_BIRTH = BadDocument(
    "Cette date est avant la naissance du patient. Vérifiez-la.", field="created_on", code="day_before_birth"
)
SOMEBODY_ELSE = _bad_file(
    "Ce document concerne une autre personne que le titulaire de ce dossier."
    " Vérifiez que vous avez choisi le bon fichier et le bon dossier.",
    "somebody_else",
)
OTHER_CONTENT = _bad_file(
    "Un autre document porte déjà le même identifiant dans ce dossier."
    " Demandez à votre logiciel d’en produire un nouveau.",
    "other_content",
)

TOO_LARGE = _bad_file(
    "Le fichier dépasse 50 Mo. Réduisez-le ou déposez-le en plusieurs documents.", "too_large"
)


def _media_type(content: bytes, claimed: str, file_name: str) -> str:
    """What the bytes are, whatever the sender and the name say, provided that all agree."""
    if not content:
        raise _bad_file("Le fichier est vide. Choisissez-en un autre.", "empty")
    if len(content) > MOST_BYTES:
        raise TOO_LARGE
    found = _sniffed(content)
    if found is None:
        raise _bad_file(_neither(content), "media_type")
    ending = _ending(file_name)
    if found == CDA and not (ENDINGS.get(ending, CDA) == CDA == CLAIMS.get(claimed, CDA)):
        found = CDA if NAMED_CDA in content.replace(b"\0", b"") else None
    if found is None:
        raise _bad_file(_neither(content), "media_type")
    if ENDINGS.get(ending, found) != found:
        raise _bad_file(
            f"Le nom de ce fichier finit par « .{ending} », mais il contient {SAID[found]}."
            " Vérifiez que c’est le bon fichier, corrigez son nom, puis redéposez-le.",
            "media_type",
        )
    if CLAIMS.get(claimed, found) != found:
        raise _bad_file(
            f"Ce fichier est annoncé comme {SAID[CLAIMS[claimed]]}, mais il contient {SAID[found]}.",
            "media_type",
        )
    if found == CDA and len(content) > MOST_BYTES_OF_XML:
        raise _bad_file("Ce document CDA dépasse 20 Mo. Déposez-le en plusieurs documents.", "too_large")
    return found


def _neither(content: bytes) -> str:
    """The sentence about a file of another kind."""
    kind = next((kind for kind, start in OTHER_KINDS.items() if start.match(content[:1024])), "")
    if kind:
        return f"Ce fichier est {kind}. Imprimez-le en PDF, puis déposez cette copie."
    return "Ce fichier n’est ni un PDF ni un document CDA. Imprimez-le en PDF, puis déposez cette copie."


def _sniffed(content: bytes) -> str | None:
    if b"%PDF-" in content[:1024]:
        return PDF
    return CDA if BEGINS_LIKE_XML.match(content) else None


def _header(content: bytes) -> cda.Header:
    try:
        header = cda.read_header(content)
    except xmlguard.Rejected as rejected:
        raise _bad_file(
            "Ce fichier n’est pas un document CDA que nous pouvons lire."
            " Produisez-le de nouveau, ou déposez-le en PDF.",
            rejected.code,
        ) from None
    if sentence := _about_nobody(header):
        raise _bad_file(sentence, "cda.nobody")
    return header


def _about_nobody(header: cda.Header) -> str:
    """What is missing of the identity of the patient; empty when nothing is."""
    ask = "Demandez à votre logiciel de l’y écrire, puis redéposez-le."
    if not header.ins:
        return f"Ce document CDA ne dit pas de qui il parle : le numéro INS du patient manque. {ask}"
    if header.traits is None:
        return f"Ce document CDA donne le nom d’usage du patient, mais pas son nom de naissance. {ask}"
    return ""


def _of_somebody_else(passage: Passage, header: cda.Header, holder: Identity) -> bool:
    """Every identity that the document carries is the holder's, number and traits."""
    return (
        _of_another_number(passage, header, holder)
        or header.traits is None
        or bool(traits.differences(holder.traits, header.traits))
    )


def _of_another_number(passage: Passage, header: cda.Header, holder: Identity) -> bool:
    """Whether the document carries a number that is not the holder's."""
    return any(not numbers.is_of(Ins(*ins), holder, passage.dossier_id) for ins in header.ins)


def _lacks_a_name(passage: Passage, header: cda.Header, holder: Identity) -> bool:
    """Whether the document differs from the holder only by a name that it does not give."""
    theirs = header.traits
    if theirs is None or _of_another_number(passage, header, holder):
        return False
    untold = {traits.BIRTH_NAME} if traits.absent(theirs.birth_name) else set()
    if all(traits.absent(name) for name in theirs.given_names):
        untold.add(traits.GIVEN_NAME)
    return traits.differences(holder.traits, theirs) <= untold


# Rows -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filing:
    document_id: UUID
    type_code: str
    class_code: str
    created_on: date
    status: Status
    masked: bool
    withheld: bool
    hidden_from_representatives: bool
    media_type: str
    description: Description
    body: bytes | None
    unique_id: str | None
    checked: bool
    content_mac: bytes | None = None
    unless_there: bool = False
    replaces: DocumentRow | None = None


_COLUMNS = """id, dossier_id, type_code, class_code, created_on, deposited_at, status, verdict, masked,
    withheld, hidden_from_representatives, author_id, author_structure_id, media_type, size, page_count,
    unique_id_mac, content_mac, replaces_id, sealed, facts_mac"""
_VALUES = """%s::uuid, %s::uuid, %s, %s, %s::date, %s::timestamptz, %s, '',
    %s::boolean, %s::boolean, %s::boolean,
    %s::uuid, %s::uuid, %s, %s::int, 0, %s::bytea, %s::bytea, %s::uuid, %s::bytea, %s::bytea"""
# One document for one identifier of its own; a deposit has that of its form too.
_FILED_ONCE = "ON CONFLICT (dossier_id, unique_id_mac) WHERE unique_id_mac IS NOT NULL DO NOTHING"
_SENT_ONCE = "ON CONFLICT DO NOTHING"
_NO_TWIN = """NOT EXISTS (SELECT FROM documents_document twin
    WHERE twin.dossier_id = %s::uuid AND twin.content_mac = %s::bytea AND twin.author_id = %s::uuid
      AND twin.status IN ('quarantine', 'available'))"""
_KEEP = """kept AS (
    INSERT INTO documents_content (dossier_id, document_id, part, size, sealed, blob)
    SELECT %s::uuid, filed.id, %s, %s::int, %s::bytea, %s FROM filed
)"""


def _file(passage: Passage, filing: _Filing) -> bool:
    """One statement: the row, its content, its job, and what it replaces.

    False when it was there already, or when too many wait to be checked.
    """
    parts: list[str] = []
    values: list[object] = []
    conditions: list[str] = []
    asked_of: list[object] = []
    if not filing.checked:
        room, room_values = _room(passage)
        conditions, asked_of = [room], [*room_values]
    if filing.unless_there:
        conditions.append(_NO_TWIN)
        asked_of += [passage.dossier_id, filing.content_mac, passage.actor.id]
    once = _FILED_ONCE if filing.checked else _SENT_ONCE
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    if filing.replaces:
        parts.append(
            "replaced AS (UPDATE documents_document SET status = 'superseded', facts_mac = %s::bytea"
            " WHERE dossier_id = %s::uuid AND id = %s::uuid AND status = 'available' RETURNING id)"
        )
        values += [
            things.facts_mac(filing.replaces, Status.SUPERSEDED),
            passage.dossier_id,
            filing.replaces.document_id,
        ]
    source = "FROM replaced" if filing.replaces else ""
    parts.append(
        f"filed AS (INSERT INTO documents_document ({_COLUMNS})"
        f" SELECT {_VALUES} {source} {where} {once} RETURNING id)"
    )
    values += [*_row(passage, filing), *asked_of]
    if filing.body is not None:
        kept = keeping.keep(
            passage.keyring,
            filing.document_id,
            keeping.ORIGINAL,
            filing.body,
            text_like=filing.media_type == CDA,
        )
        parts.append(_KEEP)
        values += [passage.dossier_id, kept.part, kept.size, kept.sealed, kept.blob]
    if not filing.checked:
        asked = queue.enqueuing(
            CHECK,
            subject_id=passage.dossier_id,
            idem=str(filing.document_id),
            at=passage.at,
            author_id=passage.actor.id,
            structure_id=passage.actor.structure_id,
        )
        parts.append(f"asked AS ({asked.sql_if('filed')})")
        values += asked.params
        queue.ring_on_commit(asked)
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} SELECT count(*) FROM filed", values)  # noqa: S608
        return cursor.fetchone()[0] == 1


def _current(passage: Passage, document_id: UUID) -> DocumentRow:
    """The document about to be replaced, held until the act ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {things.DOCUMENT} FROM documents_document doc"  # noqa: S608 our own columns
            " WHERE doc.dossier_id = %s::uuid AND doc.id = %s::uuid AND doc.status = 'available' FOR UPDATE",
            [passage.dossier_id, document_id],
        )
        values = cursor.fetchone()
    if values is None:
        raise AlreadyReplaced(str(document_id))
    row = things.document_row(passage.facts.row.dossier, values, {})
    if not row.holds:
        raise Unsealable
    return row


def _room_for(passage: Passage) -> bool:
    sql, values = _room(passage)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql}", values)
        return bool(cursor.fetchone()[0])


def _room(passage: Passage) -> tuple[str, list[object]]:
    """The condition under which one more may wait to be checked."""
    actor = passage.actor
    return queue.room(Urgency.CHECKS, author_id=actor.id, structure_id=actor.structure_id)


def _row(passage: Passage, filing: _Filing) -> list[object]:
    actor, keyring = passage.actor, passage.keyring
    replaces = filing.replaces.document_id if filing.replaces else None
    return [
        filing.document_id,
        passage.dossier_id,
        filing.type_code,
        filing.class_code,
        filing.created_on,
        passage.at,
        str(filing.status),
        filing.masked,
        filing.withheld,
        filing.hidden_from_representatives,
        actor.id,
        actor.structure_id,
        filing.media_type,
        len(filing.body or b""),
        keyring.mac("unique_id", filing.unique_id.encode()) if filing.unique_id else None,
        filing.content_mac,
        replaces,
        things.seal(passage, filing.document_id, filing.description),
        DOCUMENT.mac(
            keyring,
            filing.document_id,
            passage.dossier_id,
            filing.type_code,
            filing.class_code,
            filing.created_on,
            passage.at,
            filing.status,
            filing.masked,
            filing.withheld,
            filing.hidden_from_representatives,
            actor.id,
            actor.structure_id,
            replaces,
        ),
    ]


# What is there already -------------------------------------------------------------------------


def _identifier(
    passage: Passage, sent_as: UUID | None, content_mac: bytes, answers: Iterable[object]
) -> UUID:
    """That of the document: made of the form, of who sends it and of what is in it, when the form has one."""
    if sent_as is None:
        return uuid4()
    said = [sent_as, passage.actor.id, content_mac.hex(), *answers]
    made = passage.keyring.mac("deposit", "\0".join(map(str, said)).encode())
    return UUID(bytes=made[:16], version=4)


@dataclass(frozen=True, slots=True)
class _Before:
    """What may have come before a deposit."""

    passage: Passage
    document_id: UUID
    unique_id: str | None
    content_mac: bytes
    pointed_out: bool

    def found(self) -> tuple[UUID, BadDocument | None] | None:
        """The document that this deposit already is, and why it is none; None when nothing came before.

        The same form was sent; or the same identifier is there, maybe of something else (IHE ITI-41); or the
        same bytes of the same author.
        """
        passage, content_mac, unique_mac = self.passage, self.content_mac, None
        if self.unique_id:
            unique_mac = passage.keyring.mac("unique_id", self.unique_id.encode())
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, unique_id_mac, content_mac, author_id, deposited_at, status"
                " FROM documents_document WHERE dossier_id = %s::uuid"
                " AND (id = %s::uuid OR unique_id_mac = %s::bytea OR content_mac = %s::bytea)"
                " ORDER BY deposited_at DESC",
                [passage.dossier_id, self.document_id, unique_mac, content_mac],
            )
            rows = cursor.fetchall()
        if any(row[0] == self.document_id for row in rows):
            return self.document_id, None
        for document_id, its_unique, its_content, author_id, deposited_at, _ in rows:
            if unique_mac is not None and its_unique is not None and bytes(its_unique) == unique_mac:
                if its_content is None or bytes(its_content) != content_mac:
                    return document_id, OTHER_CONTENT
                mine = author_id == passage.actor.id
                there = AlreadyThere(document_id, deposited_at, mine=mine, again=False)
                return document_id, there if self.pointed_out else None
        for document_id, _, its_content, author_id, deposited_at, status in rows:
            same = its_content is not None and bytes(its_content) == content_mac
            waits_or_is_read = status in (Status.QUARANTINE, Status.AVAILABLE)
            if self.pointed_out and same and author_id == passage.actor.id and waits_or_is_read:
                return document_id, AlreadyThere(document_id, deposited_at, mine=True, again=True)
        return None


__all__ = [
    "AlreadyReplaced",
    "AlreadyThere",
    "BadDocument",
    "Followed",
    "Receipt",
    "deposit",
    "file",
    "receipt",
]
