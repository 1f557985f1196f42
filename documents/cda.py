"""A CDA R2 document as we need it: who it is about, what it says, what travels inside it.

Read in the guard's one pass. Entries made for machines are not kept, nor anything that points elsewhere.
A « self-displaying » document is a style sheet with the document inside: the sheet is passed over.
"""

import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from accounts.traits import Traits

from . import xmlguard
from .xmlguard import Rejected

BLOCKS = frozenset({"table", "list", "paragraph", "renderMultiMedia"})
INS_OIDS = frozenset(f"1.2.250.1.213.1.4.{kind}" for kind in (8, 9, 10, 11))


@dataclass(slots=True)
class Element:
    """A piece of narrative, as written."""

    name: str
    attributes: Mapping[str, str]
    children: "list[Element | str]" = field(default_factory=list)
    holds_blocks: bool = False  # is, or contains, something that stands on its own


@dataclass(frozen=True, slots=True)
class Media:
    """Something carried in base64. `content` is None when it cannot be decoded."""

    media_type: str
    content: bytes | None


@dataclass(slots=True)
class Section:
    level: int
    title: str = ""
    text: Element | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    title: str
    type_code: str
    unique_id: str  # root^extension
    written_on: date | None
    ins: tuple[tuple[str, str], ...]  # (OID, number), of the INS kinds only
    traits: Traits | None
    author: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Cda:
    header: Header
    sections: tuple[Section, ...]
    body: Media | None  # level 1: the document is this file
    media: Mapping[str, Media]


def read(data: bytes) -> Cda:
    """The document that these bytes hold. Raises xmlguard.Rejected with its code."""
    return _read(data, _Reader())


def read_header(data: bytes) -> Header:
    """Who it is about, in little memory; the body is guarded, not kept. Raises xmlguard.Rejected."""
    return _read(data, _Reader(whole=False)).header


def _read(data: bytes, reader: "_Reader") -> Cda:
    xmlguard.parse(data, start=reader.start, end=reader.end, text=reader.text)
    return reader.finished()


NAME = ("recordTarget", "patientRole", "patient", "name")
AUTHOR_NAME = ("author", "assignedAuthor", "assignedPerson", "name")
ORGANISATION = ("author", "assignedAuthor", "representedOrganization", "name")
DEVICE = ("author", "assignedAuthor", "assignedAuthoringDevice", "softwareName")


class _Reader:
    """What has been read so far. `path` counts from ClinicalDocument, which it leaves out."""

    def __init__(self, *, whole: bool = True) -> None:
        self.whole = whole
        self.documents = self.holders = self.authors = self.entries = 0
        self.inside = False
        self.path: list[str] = []
        self.words: list[str] = []
        self.title = self.type_code = self.unique_id = self.effective = ""
        self.ins: list[tuple[str, str]] = []
        self.sex = self.birth_date = self.qualifier = ""
        self.families: dict[str, str] = {}
        self.givens: dict[str, list[str]] = {}
        self.author_parts: list[str] = []
        self.organisation = ""
        self.sections: list[Section] = []
        self.open_sections: list[Section] = []
        self.narrative: list[Element] = []
        self.media: dict[str, Media] = {}
        self.media_ids: list[str] = []
        self.carried: str | None = None  # media type of what is being carried
        self.base64 = True
        self.body: Media | None = None

    # Elements ---------------------------------------------------------------------------------

    def start(self, name: str, attributes: Mapping[str, str]) -> bool:
        """True to pass over what is not wanted: the body, when the header alone is."""
        if not self.inside:
            if name == "ClinicalDocument":
                self.inside = True
                self.documents += 1
                if self.documents > 1:
                    raise Rejected("cda.several_documents")
            return False
        if name == "component" and not self.path and not self.whole:
            return True
        parent = self.path[-1] if self.path else ""
        self.path.append(name)
        if self.narrative:
            self.start_in_narrative(name, attributes)
            return False
        self.words.clear()
        if self.path[0] == "component":
            self.start_in_body(name, parent, attributes)
        else:
            self.start_in_header(name, attributes)
        return False

    def end(self, name: str) -> None:
        if not self.inside:
            return
        if not self.path:
            self.inside = False
            return
        self.path.pop()
        if self.narrative:
            self.narrative.pop()
            return
        if self.path and self.path[0] == "component":
            self.end_in_body(name, self.path[-1])
        else:
            self.end_in_header(name)
        self.words.clear()

    def text(self, text: str) -> None:
        if self.narrative:
            self.narrative[-1].children.append(text)
        elif self.inside:
            self.words.append(text)

    def said(self) -> str:
        return " ".join("".join(self.words).split())

    # Header -----------------------------------------------------------------------------------

    def start_in_header(self, name: str, attributes: Mapping[str, str]) -> None:
        match self.path:
            case ["id"] if not self.unique_id:
                self.unique_id = "^".join(filter(None, (attributes.get("root"), attributes.get("extension"))))
            case ["code"]:
                self.type_code = attributes.get("code", "")
                self.title = self.title or attributes.get("displayName", "")
            case ["effectiveTime"]:
                self.effective = attributes.get("value", "")
            case ["recordTarget"]:
                self.holders += 1
                if self.holders > 1:
                    raise Rejected("cda.several_holders")
            case ["recordTarget", "patientRole", "id"]:
                if attributes.get("root") in INS_OIDS:
                    self.ins.append((attributes["root"], attributes.get("extension", "")))
            case ["recordTarget", "patientRole", "patient", "administrativeGenderCode"]:
                self.sex = attributes.get("code", "")
            case ["recordTarget", "patientRole", "patient", "birthTime"]:
                self.birth_date = attributes.get("value", "")[:8]
            case ["recordTarget", "patientRole", "patient", "name", _]:
                self.qualifier = attributes.get("qualifier", "")
            case ["author"]:
                self.authors += 1

    def end_in_header(self, name: str) -> None:
        if not (said := self.said()):
            return
        at = tuple(self.path)
        if name == "title" and not at:
            self.title = said
        elif at == NAME and name == "family":
            self.families.setdefault(self.qualifier, said)
        elif at == NAME and name == "given":
            self.givens.setdefault(self.qualifier, []).append(said)
        elif self.authors == 1:
            if (*at, name) == ORGANISATION:
                self.organisation = said
            elif (at == AUTHOR_NAME and name in ("prefix", "given", "family")) or (*at, name) in (
                AUTHOR_NAME,
                DEVICE,
            ):
                self.author_parts.append(said)

    # Narrative --------------------------------------------------------------------------------

    def start_in_narrative(self, name: str, attributes: Mapping[str, str]) -> None:
        element = Element(name, dict(attributes))
        self.narrative[-1].children.append(element)
        self.narrative.append(element)
        if name in BLOCKS:
            for around in self.narrative:
                around.holds_blocks = True

    # Body -------------------------------------------------------------------------------------

    def start_in_body(self, name: str, parent: str, attributes: Mapping[str, str]) -> None:
        match name:
            case "entry":
                self.entries += 1
            case "section" if parent == "component" and not self.entries:
                section = Section(level=len(self.open_sections) + 1)
                self.sections.append(section)
                self.open_sections.append(section)
            case "text" if parent == "section" and self.open_sections and not self.entries:
                if self.open_sections[-1].text is None:
                    self.open_sections[-1].text = Element(name, {})
                self.narrative.append(self.open_sections[-1].text)
            case "text" if parent == "nonXMLBody":
                self.carried = attributes.get("mediaType", "text/plain")
                self.base64 = attributes.get("representation") == "B64"
            case "regionOfInterest" | "observationMedia":
                self.media_ids.append(attributes.get("ID", ""))
            case "value" if parent == "observationMedia":
                self.carried = attributes.get("mediaType", "")
                self.base64 = True

    def end_in_body(self, name: str, parent: str) -> None:
        match name:
            case "entry":
                self.entries -= 1
            case "section" if parent == "component" and not self.entries and self.open_sections:
                self.open_sections.pop()
            case "title" if parent == "section" and self.open_sections and not self.entries:
                self.open_sections[-1].title = self.open_sections[-1].title or self.said()
            case "text" if parent == "nonXMLBody" and self.carried is not None:
                self.body = self.carry()
            case "value" if parent == "observationMedia" and self.carried is not None:
                carried = self.carry()
                self.media.update((known, carried) for known in self.media_ids if known)
            case "regionOfInterest" | "observationMedia" if self.media_ids:
                self.media_ids.pop()

    def carry(self) -> Media:
        media_type, self.carried = self.carried or "", None
        text = "".join(self.words)
        if not self.base64:
            return Media(media_type, text.encode())
        try:
            return Media(media_type, binascii.a2b_base64(text))
        except ValueError:
            return Media(media_type, None)

    # The whole --------------------------------------------------------------------------------

    def finished(self) -> Cda:
        if not self.documents:
            raise Rejected("cda.absent")
        return Cda(
            header=Header(
                title=self.title,
                type_code=self.type_code,
                unique_id=self.unique_id,
                written_on=_day(self.effective),
                ins=tuple(self.ins),
                traits=self.traits(),
                author=" ".join(self.author_parts),
                organisation=self.organisation,
            ),
            sections=tuple(self.sections),
            body=self.body,
            media=self.media,
        )

    def traits(self) -> Traits | None:
        birth_name = self.families.get("BR") or self.families.get("")
        given_names = self.givens.get("BR") or self.givens.get("")
        if not birth_name or not given_names:
            return None
        return Traits(
            birth_name=birth_name,
            given_names=tuple(given_names),
            sex=self.sex,
            birth_date=self.birth_date,
            used_name=self.families.get("CL"),
        )


def _day(value: str) -> date | None:
    try:
        return date(int(value[:4]), int(value[4:6] or 1), int(value[6:8] or 1))
    except ValueError:
        return None
