"""Reading a CNAM-HR, the Assurance Maladie's care history: one pass, guarded, all or nothing.

What the narrative of a section shows is what is read; the coded entries under it are skipped (they may
differ, and the law of CDA makes the narrative the attested part). A document that departs from the model
is rejected whole with a code, rather than shown in part.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from accounts.identity import REAL_OIDS, TEST_OIDS, BadNir, Ins, parse_nir
from accounts.traits import Traits
from documents import xmlguard

from . import sections

PARIS = ZoneInfo("Europe/Paris")
INS_OIDS = REAL_OIDS | TEST_OIDS

LIMITS = xmlguard.Limits(text=8 << 20)
MOST_SHOWN = 4 << 20  # characters of narrative; five hundred lines show a hundred thousand

Line = tuple[str, ...]


class Rejected(ValueError):
    """The document is not a care history that can be read. `code` is stable and carries no content."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Section:
    """What one section shows: its lines, and whatever it says beside its table."""

    key: str
    note: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A care history as received: whom it is about, what it covers, and every line it shows."""

    ins: Ins
    traits: Traits
    document_id: str
    set_id: str
    version: int
    written_at: datetime
    period_start: date
    period_end: date
    mention: str
    sections: tuple[Section, ...]

    @property
    def line_count(self) -> int:
        return sum(len(section.lines) for section in self.sections)


def read(data: bytes) -> Statement:
    """The care history that `data` holds, or Rejected. Costs one pass, whatever `data` is."""
    reader = _Reader()
    try:
        xmlguard.parse(data, start=reader.opened, end=reader.closed, text=reader.said, limits=LIMITS)
    except xmlguard.Rejected as rejection:
        raise Rejected(_guard_code(rejection.code, data, reader)) from None
    return reader.statement()


def _guard_code(code: str, data: bytes, reader: "_Reader") -> str:
    code = code.removeprefix("xml.")
    if code == "malformed":
        cut = reader.begun and not data[-64:].rstrip().endswith(b"ClinicalDocument>")
        return "truncated" if cut else "not_xml"
    return code


# --- Where things stand in the document -----------------------------------------------------------

Act = Callable[["_Reader", Mapping[str, str]], None]


@dataclass(slots=True)
class _Place:
    """One element of the path we follow; whatever stands elsewhere is skipped with all it holds."""

    enter: Act | None = None
    keep: str | None = None  # the fact that its text tells
    leave: Callable[["_Reader"], None] | None = None
    inside: "dict[str, _Place] | None" = None


def _attribute(fact: str, name: str) -> Act:
    def enter(reader: "_Reader", attributes: Mapping[str, str]) -> None:
        reader.tell(fact, attributes.get(name, "").strip())

    return enter


def _identifier(fact: str) -> Act:
    def enter(reader: "_Reader", attributes: Mapping[str, str]) -> None:
        root, extension = attributes.get("root", "").strip(), attributes.get("extension", "").strip()
        reader.tell(fact, f"{root}^{extension}" if extension else root)

    return enter


def _name_part(kind: str) -> Act:
    def enter(reader: "_Reader", attributes: Mapping[str, str]) -> None:
        reader.keeping = f"{kind}.{attributes.get('qualifier', '')}"

    return enter


def _section_code(reader: "_Reader", attributes: Mapping[str, str]) -> None:
    if attributes.get("codeSystem") == sections.LOINC:
        reader.code = attributes.get("code", "")


def _section_translation(reader: "_Reader", attributes: Mapping[str, str]) -> None:
    if attributes.get("codeSystem") == sections.LOINC:
        reader.translations.add(attributes.get("code", ""))


def _section_text(reader: "_Reader", _: Mapping[str, str]) -> None:
    if reader.narrative is not None:
        raise Rejected("wrong_section")
    reader.narrative = reader.narrating = _Narrative()


def _no_section_within(_reader: "_Reader", _: Mapping[str, str]) -> None:
    raise Rejected("wrong_section")


_NAME = _Place(
    inside={
        "family": _Place(enter=_name_part("family")),
        "given": _Place(enter=_name_part("given")),
    }
)
_PATIENT = _Place(
    inside={
        "name": _NAME,
        "administrativeGenderCode": _Place(enter=_attribute("sex", "code")),
        "birthTime": _Place(enter=_attribute("birth", "value")),
        "birthplace": _Place(
            inside={"place": _Place(inside={"addr": _Place(inside={"county": _Place(keep="birth_place")})})}
        ),
    }
)
_SECTION = _Place(
    leave=lambda reader: reader.close_section(),
    inside={
        "code": _Place(enter=_section_code, inside={"translation": _Place(enter=_section_translation)}),
        "title": _Place(keep="section_title"),
        "text": _Place(enter=_section_text),
        "component": _Place(enter=_no_section_within),
    },
)
_DOCUMENT = _Place(
    inside={
        "templateId": _Place(enter=_attribute("template", "root")),
        "id": _Place(enter=_identifier("document_id")),
        "code": _Place(enter=_attribute("type", "code")),
        "effectiveTime": _Place(enter=_attribute("written_at", "value")),
        "setId": _Place(enter=_identifier("set_id")),
        "versionNumber": _Place(enter=_attribute("version", "value")),
        "recordTarget": _Place(
            enter=lambda reader, _: reader.tell("patient", "1"),
            inside={
                "patientRole": _Place(
                    inside={"id": _Place(enter=lambda reader, a: reader.patient_id(a)), "patient": _PATIENT}
                )
            },
        ),
        "author": _Place(
            inside={"assignedAuthor": _Place(inside={"code": _Place(enter=_attribute("author", "code"))})}
        ),
        "documentationOf": _Place(
            inside={
                "serviceEvent": _Place(
                    inside={
                        "effectiveTime": _Place(
                            inside={
                                "low": _Place(enter=_attribute("period_start", "value")),
                                "high": _Place(enter=_attribute("period_end", "value")),
                            }
                        )
                    }
                )
            }
        ),
        "component": _Place(
            inside={
                "structuredBody": _Place(inside={"component": _Place(inside={"section": _SECTION})}),
            }
        ),
    }
)
_ROOT = _Place(inside={"ClinicalDocument": _DOCUMENT})


class _Reader:
    """Follows the places that matter and collects the facts found there."""

    def __init__(self) -> None:
        self.facts: dict[str, list[str]] = {}
        self.path: list[_Place] = [_ROOT]
        self.begun = False
        self.keeping: str | None = None
        self.words: list[str] = []
        self.narrating: _Narrative | None = None
        self.narrative: _Narrative | None = None
        self.code = ""
        self.translations: set[str] = set()
        self.mention: str | None = None
        self.sections: dict[str, Section] = {}

    # What the guard calls, for each element and each run of text.

    def opened(self, name: str, attributes: Mapping[str, str]) -> bool:
        """Whether the guard may pass over the element and all it holds."""
        if self.narrating is not None:
            self.narrating.opened(name, attributes)
            return False
        inside = self.path[-1].inside
        place = inside.get(name) if inside else None
        if place is None:
            if not self.begun:
                raise Rejected("wrong_template")
            return True
        self.begun = True
        self.path.append(place)
        if place.keep:
            self.keeping = place.keep
        if place.enter:
            place.enter(self, attributes)
        return False

    def closed(self, name: str) -> None:
        if self.narrating is not None:
            if self.narrating.depth:
                self.narrating.closed(name)
                return
            self.narrating = None
        place = self.path.pop()
        if self.keeping is not None:
            self.tell(self.keeping, _spaced("".join(self.words)))
            self.keeping = None
            self.words.clear()
        if place.leave:
            place.leave(self)

    def said(self, text: str) -> None:
        if self.narrating is not None:
            self.narrating.said(text)
        elif self.keeping is not None:
            self.words.append(text)

    # What the places do.

    def tell(self, fact: str, value: str) -> None:
        self.facts.setdefault(fact, []).append(value)

    def patient_id(self, attributes: Mapping[str, str]) -> None:
        if (oid := attributes.get("root", "").strip()) in INS_OIDS:
            self.tell("ins", f"{oid}^{attributes.get('extension', '').strip()}")

    def close_section(self) -> None:
        title = self.facts.pop("section_title", [""])[0]
        code, translations, narrative = self.code, self.translations, self.narrative
        self.code, self.translations, self.narrative = "", set(), None
        if code == sections.MENTION_CODE:
            if self.mention is not None:
                raise Rejected("duplicate_section")
            self.mention = narrative.note() if narrative else ""
            return
        form = _form(code, translations, title)
        if form.key in self.sections:
            raise Rejected("duplicate_section")
        if narrative is None or not (narrative.tables or narrative.note()):
            raise Rejected("missing_narrative")
        lines = tuple(line for table in narrative.tables for line in table.lines(form))
        self.sections[form.key] = Section(form.key, narrative.note(), lines)

    # What comes of it.

    def one(self, fact: str, code: str) -> str:
        match self.facts.get(fact):
            case [value] if value:
                return value
        raise Rejected(code)

    def statement(self) -> Statement:
        self.vouch()
        if self.mention is None or len(self.sections) != len(sections.FORMS):
            raise Rejected("missing_section")
        return Statement(
            ins=self.ins(),
            traits=self.traits(),
            document_id=self.one("document_id", "no_identifier"),
            set_id=self.one("set_id", "no_identifier"),
            version=_number(self.one("version", "no_version")),
            written_at=_instant(self.one("written_at", "bad_date")),
            period_start=_day(self.one("period_start", "no_period")),
            period_end=_day(self.one("period_end", "no_period")),
            mention=self.mention,
            sections=tuple(self.sections[form.key] for form in sections.FORMS),
        )

    def vouch(self) -> None:
        if sections.TEMPLATE not in self.facts.get("template", ()):
            raise Rejected("wrong_template")
        if self.facts.get("type") != [sections.TYPE_CODE]:
            raise Rejected("wrong_type")
        if set(self.facts.get("author", ())) != {sections.AUTHOR_ROLE}:
            raise Rejected("wrong_author")
        if len(self.facts.get("patient", ())) != 1:
            raise Rejected("several_patients")

    def ins(self) -> Ins:
        oid, _, number = self.one("ins", "no_ins").partition("^")
        try:
            return Ins(oid, parse_nir(number).text15)
        except BadNir:
            raise Rejected("bad_nir") from None

    def traits(self) -> Traits:
        told = self.facts
        families, firsts, given = told.get("family.BR"), told.get("given.BR"), told.get("given.")
        names = _given_names(firsts, given)
        if not families or not families[0] or not names:
            raise Rejected("no_traits")
        return Traits(
            birth_name=families[0],
            given_names=names,
            sex=self.one("sex", "no_traits"),
            birth_date=self.one("birth", "no_traits")[:8],
            used_name=next(iter(told.get("family.CL", ())), "") or None,
            birth_place=next(iter(told.get("birth_place", ())), "") or None,
        )


def _given_names(firsts: list[str] | None, registered: list[str] | None) -> tuple[str, ...]:
    """The first given name of the birth certificate, then the others it lists."""
    listed = registered[0] if registered else ""
    if not firsts or not firsts[0]:
        return tuple(listed.split())
    first = firsts[0]
    others = listed.removeprefix(first) if (listed + " ").startswith(first + " ") else ""
    return (first, *others.split())


def _form(code: str, translations: set[str], title: str) -> sections.Form:
    candidates = [form for form in sections.FORMS if form.code == code]
    if len(candidates) > 1:
        told = [form for form in candidates if form.translation in translations]
        candidates = told or [form for form in candidates if _plain(form.title) == _plain(title)]
    if len(candidates) != 1:
        raise Rejected("unknown_section")
    return candidates[0]


# --- What a section shows -------------------------------------------------------------------------

BREAK = "\v"  # a vertical tab has no place in XML: it cannot come from the document
_BLOCKS = frozenset({"br", "paragraph", "item", "list", "caption", "footnote"})


@dataclass(slots=True)
class _Table:
    headings: list[str]
    rows: list[list[str]]

    def lines(self, form: sections.Form) -> Iterable[Line]:
        """Its rows, each cell put under the column of the model that its heading names."""
        layout = self.layout(form)
        width = len(form.columns) + 1
        for row in self.rows:
            if len(row) != len(layout):
                raise Rejected("wrong_table")
            line = [""] * width
            for position, cell in zip(layout, row, strict=True):
                line[position] = cell
            if any(line):
                yield tuple(line)

    def layout(self, form: sections.Form) -> list[int]:
        known = {_plain(column): rank for rank, column in enumerate(form.columns, start=1)} | {"": 0}
        layout = [known.get(_plain(heading), -1) for heading in self.headings]
        named = [position for position in layout if position != 0]
        if sorted(named) != list(range(1, len(form.columns) + 1)) or layout.count(0) > 1:
            raise Rejected("wrong_columns")
        return layout


class _Narrative:
    """One narrative block: tables become rows of cells, whatever else it says becomes a note."""

    def __init__(self) -> None:
        self.depth = 0
        self.tables: list[_Table] = []
        self.beside: list[str] = []
        self.words = self.beside
        self.shown = 0
        self.table: _Table | None = None
        self.heading = False
        self.row: list[str] | None = None
        self.headers = 0
        self.span = 1

    def note(self) -> str:
        return _shown(self.beside)

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        self.depth += 1
        if name in ("td", "th"):
            self.open_cell(name, attributes)
        elif name == "tr":
            if self.table is None or self.row is not None:
                raise Rejected("wrong_table")
            self.row, self.headers = [], 0
        elif name == "table":
            if self.table is not None:
                raise Rejected("wrong_table")
            self.table = _Table([], [])
            self.tables.append(self.table)
        elif name == "thead":
            self.heading = True
        elif name in _BLOCKS:
            self.words.append(BREAK)
        elif name == "renderMultiMedia":
            raise Rejected("wrong_table")

    def closed(self, name: str) -> None:
        self.depth -= 1
        if name in ("td", "th"):
            self.close_cell()
        elif name == "tr":
            self.close_row()
        elif name == "table":
            self.table = None
        elif name == "thead":
            self.heading = False
        elif name in _BLOCKS:
            self.words.append(BREAK)

    def said(self, text: str) -> None:
        self.shown += len(text)
        if self.shown > MOST_SHOWN:
            raise Rejected("too_much_text")
        self.words.append(text)

    def open_cell(self, name: str, attributes: Mapping[str, str]) -> None:
        if self.row is None or self.words is not self.beside:
            raise Rejected("wrong_table")
        self.span = _span(attributes.get("colspan")) if attributes else 1
        if attributes and _span(attributes.get("rowspan")) != 1:
            raise Rejected("wrong_table")
        self.headers += name == "th"
        self.words = []

    def close_cell(self) -> None:
        assert self.row is not None
        # A heading over several columns names the last one: those before it bear no name of their own.
        if self.span > 1:
            self.row += [""] * (self.span - 1)
        self.row.append(_shown(self.words))
        self.words = self.beside

    def close_row(self) -> None:
        table, row = self.table, self.row
        assert table is not None
        assert row is not None
        self.row = None
        if self.heading or (not table.headings and self.headers == len(row)):
            if table.headings:
                raise Rejected("wrong_table")
            table.headings = row
        else:
            table.rows.append(row)


def _span(value: str | None) -> int:
    if value is None:
        return 1
    if value.isdecimal() and 1 <= int(value[:4]) <= 16:
        return int(value[:4])
    raise Rejected("wrong_table")


# --- Words, dates ---------------------------------------------------------------------------------

_BLANKS = re.compile(r"[ \t\r\n]+")
_DROPPED = str.maketrans({"’": "'", "É": "e", "é": "e", "è": "e"})
_TS = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?(?:\.\d+)?([+-]\d{4})?)?")


def _spaced(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _shown(pieces: list[str]) -> str:
    """The text of a cell or a note, one line per line shown, all other blanks run together."""
    if not pieces:
        return ""
    if len(pieces) == 1 and pieces[0].isprintable() and "  " not in pieces[0]:  # nearly every cell
        return pieces[0].strip()
    return "\n".join(filter(None, map(_spaced, "".join(pieces).split(BREAK))))


def _plain(heading: str) -> str:
    return heading.translate(_DROPPED).casefold()


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise Rejected("no_version")
    return int(text)


def _instant(text: str) -> datetime:
    if (match := _TS.fullmatch(text)) is None:
        raise Rejected("bad_date")
    year, month, day, hour, minute, second, offset = match.groups()
    zone: Any = PARIS
    if offset:
        away = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
        if away >= timedelta(days=1):
            raise Rejected("bad_date")
        zone = timezone(-away if offset[0] == "-" else away)
    try:
        return datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=zone
        )
    except ValueError:
        raise Rejected("bad_date") from None


def _day(text: str) -> date:
    return _instant(text).date()
