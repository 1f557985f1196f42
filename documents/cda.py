"""A CDA R2 document as we need it: who it is about, what it says, what travels inside it.

Read in the guard's one pass. Entries made for machines are not kept, nor anything that points elsewhere.
A « self-displaying » document is a style sheet with the document inside: the sheet is passed over.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from accounts.paris import paris_day
from accounts.traits import Traits

from . import carried, xmlguard
from .carried import Media
from .xmlguard import Rejected

BLOCKS = frozenset({"table", "list", "paragraph", "renderMultiMedia"})
PERSON_PARTS = ("prefix", "given", "family", "suffix")
USED_NAMES = ("CL", "SP")  # by which the person is called: the one used, the one of the spouse
INS_OIDS = frozenset(f"1.2.250.1.213.1.4.{kind}" for kind in (8, 9, 10, 11))


@dataclass(slots=True)
class Element:
    """A piece of narrative, as written."""

    name: str
    attributes: Mapping[str, str]
    children: "list[Element | str]" = field(default_factory=list)
    holds_blocks: bool = False  # is, or contains, something that stands on its own


@dataclass(slots=True)
class Section:
    level: int
    title: str = ""
    text: Element | None = None
    authors: "list[Signature]" = field(default_factory=list)  # of this section, when it names some


@dataclass(frozen=True, slots=True)
class Signature:
    """Who wrote or signed: a person or a device, and for whom they work. Each may be empty, not all."""

    person: str
    device: str
    organisation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    title: str
    type_code: str
    unique_id: str  # root^extension
    written_on: date | None
    ins: tuple[tuple[str, str], ...]  # (OID, number), of the INS kinds only
    traits: Traits | None
    used_name: str  # of the patient; the only name that some documents give
    authors: tuple[Signature, ...]  # as written, persons before devices
    signatories: tuple[Signature, ...]  # who answer for it by law
    attesting: tuple[Signature, ...]  # who say that it is right


@dataclass(frozen=True, slots=True)
class Cda:
    header: Header
    sections: tuple[Section, ...]
    body: Media | None  # level 1: the document is this file
    media: Mapping[str, Media]  # by identifier, one under several perhaps


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
# Under who signs, in their role (`assignedAuthor`, `assignedEntity`): whose name it is.
SIGNING: dict[tuple[str, ...], str] = {
    ("assignedPerson", "name"): "person",
    ("representedOrganization", "name"): "organisation",
    ("representedOrganization", "asOrganizationPartOf", "wholeOrganization", "name"): "whole",
    ("assignedAuthoringDevice", "softwareName"): "device",
    ("assignedAuthoringDevice", "manufacturerModelName"): "model",
}
# What is told of those who have no name, as an attribute.
UNNAMED = {
    ("assignedAuthoringDevice", "code"): ("kind", "displayName"),
    ("code",): ("role", "displayName"),
    ("id",): ("number", "extension"),
}
SIGNERS = frozenset({"author", "legalAuthenticator", "authenticator"})
# What some write in HTML inside a narrative, and what it is called there.
ALIKE: dict[str, tuple[str, Mapping[str, str]]] = {
    **dict.fromkeys(
        ("p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "dl", "dt", "dd"),
        ("paragraph", {}),
    ),
    **dict.fromkeys(("span", "u", "small", "font"), ("content", {})),
    **dict.fromkeys(("b", "strong"), ("content", {"styleCode": "Bold"})),
    **dict.fromkeys(("i", "em"), ("content", {"styleCode": "Italics"})),
    **dict.fromkeys(("del", "s", "strike"), ("content", {"revised": "delete"})),
    "ins": ("content", {"revised": "insert"}),
    "ul": ("list", {}),
    "ol": ("list", {"listType": "ordered"}),
    "li": ("item", {}),
    "a": ("linkHtml", {}),
}
LONGEST_NAME = 1000  # characters of a patient's name: what is longer is none, and takes long to compare
LONGEST_ATTRIBUTE = 200  # characters shown of what identifies somebody
WHOLE = frozenset({"name", "title"})  # whose words are theirs and those of their children, in order
SECTIONS = frozenset({"component", "structuredBody", "section"})  # what a section stands in
# Characters that turn over what follows them, and controls: they carry no word, and none is shown.
TURNING = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]+")


class _Reader:
    """What has been read so far. `path` counts from ClinicalDocument, which it leaves out."""

    def __init__(self, *, whole: bool = True) -> None:
        self.whole = whole
        self.documents = self.holders = self.entries = 0
        self.inside = False
        self.path: list[str] = []
        self.words: list[str] = []
        self.holding = 0  # how long the path is of the element whose words are not those of its children
        self.around: list[list[str]] = []  # under it, the words of the elements that are open
        self.title = self.type_code = self.unique_id = self.effective = ""
        self.ins: list[tuple[str, str]] = []
        self.sex = self.birth_date = self.qualifier = ""
        self.families: dict[str, str] = {}
        self.givens: dict[str, list[str]] = {}
        self.signer = 0  # how long the path of whoever signs is, while they are being read
        self.signing: dict[str, list[str]] = {}  # what is said of them
        self.authors: list[Signature] = []
        self.signatories: list[Signature] = []
        self.attesting: list[Signature] = []
        self.named: set[tuple[int, Signature]] = set()  # who was added to which of the lists
        self.sections: list[Section] = []
        self.open_sections: list[Section] = []
        self.narrative: list[Element] = []
        self.media: dict[str, Media] = {}
        self.media_ids: list[str] = []
        self.carried: Mapping[str, str] | None = None  # attributes of what is being carried
        self.reference = ""
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
        if self.holding:
            self.around.append(self.words)
            self.words = []
        else:
            self.words.clear()
        if self.signer:
            self.start_in_signature(attributes)
        elif name in SIGNERS and (len(self.path) == 1 or self.is_in_section(parent)):
            self.signer, self.signing = len(self.path), {}
        elif self.path[0] == "component":
            self.start_in_body(name, parent, attributes)
        else:
            self.start_in_header(name, attributes)
        if not self.holding and (name in WHOLE or self.carried is not None):
            self.holding = len(self.path)
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
        if self.signer:
            self.end_in_signature(name)
        elif self.path and self.path[0] == "component":
            self.end_in_body(name, self.path[-1])
        else:
            self.end_in_header(name)
        if len(self.path) < self.holding:
            self.holding = 0
        if not self.holding:
            self.words.clear()
            return
        within, self.words = self.words, self.around.pop()
        if self.path[-1] == "name":  # its parts, in the order in which they are written
            self.words += [" ", *within, " "]
        elif self.path[-1] == "title":
            self.words += within

    def text(self, text: str) -> None:
        if not (text.isascii() or text.isprintable()):
            text = TURNING.sub("", text).replace("\x85", "\n")
        if self.narrative:
            self.narrative[-1].children.append(text)
        elif self.inside:
            self.words.append(text)

    def is_in_section(self, parent: str) -> bool:
        """Whether what stands under this parent belongs to the section that is open."""
        return parent == "section" and bool(self.open_sections) and not self.entries

    def said(self) -> str:
        """The words of the element being read, and of those inside it that have their words in common."""
        return " ".join("".join(self.words).split())

    # Header -----------------------------------------------------------------------------------

    def start_in_header(self, name: str, attributes: Mapping[str, str]) -> None:
        match self.path:
            case ["id"] if not self.unique_id:
                self.unique_id = "^".join(filter(None, (attributes.get("root"), attributes.get("extension"))))
            case ["code"]:
                self.type_code = attributes.get("code", "")
                self.title = self.title or _shown(attributes.get("displayName", ""))
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

    def end_in_header(self, name: str) -> None:
        if not (said := self.said()):
            return
        at = tuple(self.path)
        if name == "title" and not at:
            self.title = said
        elif at == NAME and len(said) > LONGEST_NAME:
            raise Rejected("cda.long_name")
        elif at == NAME and name == "family":
            for qualifier in self.qualifier.split() or [""]:
                self.families.setdefault(qualifier, said)
        elif at == NAME and name == "given":
            for qualifier in self.qualifier.split() or [""]:
                self.givens.setdefault(qualifier, []).append(said)

    # Who wrote, who signed --------------------------------------------------------------------

    def start_in_signature(self, attributes: Mapping[str, str]) -> None:
        if (told := UNNAMED.get(tuple(self.path[self.signer + 1 :]))) is not None:
            whose, attribute = told
            if (said := _shown(attributes.get(attribute, ""))) and len(said) <= LONGEST_ATTRIBUTE:
                self.signing.setdefault(whose, []).append(said)

    def end_in_signature(self, name: str) -> None:
        if len(self.path) < self.signer:
            self.signer = 0
            self.end_of_signature(name)
            return
        if not (said := self.said()):
            return
        at = tuple(self.path[self.signer + 1 :])
        if (whose := SIGNING.get((*at, name))) is not None:
            self.signing.setdefault(whose, []).append(self.ordered(said) if whose == "person" else said)
        elif name in PERSON_PARTS and SIGNING.get(at) == "person":
            self.signing.setdefault(name, []).append(said)

    def ordered(self, written: str) -> str:
        """A person's name, its parts in the order in which people say them; as it is written when there is
        more in it than those parts."""
        parts = [part for key in PERSON_PARTS for part in self.signing.pop(key, ())]
        said = " ".join(parts)
        return said if sorted(said.split()) == sorted(written.split()) else written

    def end_of_signature(self, name: str) -> None:
        said = self.signing
        first = {whose: several[0] for whose, several in said.items()}
        person = first.get("person", "")
        device = next((first[key] for key in ("device", "model", "kind") if key in first), "")
        organisation = ", ".join(dict.fromkeys(said.get("organisation") or said.get("whole", ())))
        if not (person or device or organisation):
            person = first.get("role", "")
            if not person and "number" in first:
                person = f"l’auteur nº\u00a0{first['number']}"
        if not (person or device or organisation):
            return
        signature = Signature(person=person, device=device, organisation=organisation)
        if name == "legalAuthenticator":
            signed = self.signatories
        elif name == "authenticator":
            signed = self.attesting
        else:
            signed = self.open_sections[-1].authors if self.open_sections else self.authors
        if (once := (id(signed), signature)) not in self.named:
            self.named.add(once)
            signed.append(signature)

    # Narrative --------------------------------------------------------------------------------

    def start_in_narrative(self, name: str, attributes: Mapping[str, str]) -> None:
        bare = name.rpartition("}")[2]
        name, more = ALIKE.get(bare, (bare, {}))
        element = Element(name, {**attributes, **more})
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
            case "section" if parent in SECTIONS and not self.entries:
                section = Section(level=len(self.open_sections) + 1)
                self.sections.append(section)
                self.open_sections.append(section)
            case "text" if self.is_in_section(parent):
                if (text := self.open_sections[-1].text) is None:
                    text = self.open_sections[-1].text = Element(name, {})
                else:
                    text.children.append(Element("br", {}))
                self.narrative.append(text)
            case "text" if parent == "nonXMLBody":
                self.carried, self.reference = {"mediaType": "text/plain", **attributes}, ""
            case "reference" if self.carried is not None and parent in ("text", "value"):
                self.reference = attributes.get("value", "").strip()
            case "regionOfInterest" | "observationMedia":
                self.media_ids.append(attributes.get("ID", ""))
            case "value" if parent == "observationMedia":
                self.carried, self.reference = {"representation": "B64", **attributes}, ""
            case "value" | "text" if self.carried is None and _is_in_base64(attributes):
                self.carried, self.reference = attributes, ""

    def end_in_body(self, name: str, parent: str) -> None:
        match name:
            case "entry":
                self.entries -= 1
            case "section" if parent in SECTIONS and not self.entries and self.open_sections:
                self.open_sections.pop()
            case "title" if self.is_in_section(parent):
                section = self.open_sections[-1]
                section.title = " ".join(filter(None, (section.title, self.said())))
            case "text" if parent == "nonXMLBody" and self.carried is not None:
                self.body = self.carry()
            case "value" | "text" if self.carried is not None:
                names = [name for name in self.media_ids if name and name not in self.media]
                unnamed = f" {len(self.media)}"  # never referred to
                self.media.update(dict.fromkeys(names or [unnamed], self.carry()))
            case "regionOfInterest" | "observationMedia" if self.media_ids:
                self.media_ids.pop()

    def carry(self) -> Media:
        attributes, self.carried = self.carried or {}, None
        return carried.media("".join(self.words), attributes, self.reference)

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
                used_name=self.used_name(),
                authors=tuple(sorted(self.authors, key=lambda author: not author.person)),
                signatories=tuple(self.signatories),
                attesting=tuple(self.attesting),
            ),
            sections=tuple(self.sections),
            body=self.body,
            media=self.media,
        )

    def traits(self) -> Traits | None:
        birth_name = _first(self.families, "BR", "", but=USED_NAMES)
        given_names = _first(self.givens, "BR", "", but=("CL",)) or self.givens.get("CL")
        if not birth_name and self.used_name():
            return None  # a name that is used tells of nobody, though some people have no birth name
        return Traits(
            birth_name=birth_name or "",
            given_names=tuple(given_names or ()),
            sex=self.sex,
            birth_date=self.birth_date,
            used_name=self.used_name() or None,
        )

    def used_name(self) -> str:
        return next((self.families[kind] for kind in USED_NAMES if kind in self.families), "")


def _first(names: Mapping[str, Any], *kinds: str, but: Iterable[str]) -> Any:
    """The names of the first of these kinds that there is, or of any kind but some."""
    others = [kind for kind in names if kind not in but]
    return next((names[kind] for kind in (*kinds, *others) if kind in names), None)


def _shown(attribute: str) -> str:
    return " ".join(TURNING.sub("", attribute).split())


def _is_in_base64(attributes: Mapping[str, str]) -> bool:
    return attributes.get("representation", "").strip().upper() == "B64"


_INSTANT = re.compile(
    r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})([0-9]{2})?([0-9]{2})?(?:\.[0-9]+)?([+-][0-9]{2})([0-9]{2})?)?)?)?"
)


def _day(value: str) -> date | None:
    """The day in Paris of a time that says its offset; else the day as it is written."""
    try:
        if (match := _INSTANT.fullmatch(value.strip())) and match[7]:
            year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
            away = timedelta(hours=int(match[7][1:]), minutes=int(match[8] or 0))
            zone = timezone(-away if match[7][0] == "-" else away)
            return paris_day(datetime(year, month, day, hour, minute, second, tzinfo=zone))
        return date(int(value[:4]), int(value[4:6] or 1), int(value[6:8] or 1))
    except (ValueError, OverflowError):
        return None
