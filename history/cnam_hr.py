"""Reading a CNAM-HR, the Assurance Maladie's care history: one pass, guarded, all or nothing.

What the narrative of a section shows is what is read; the coded entries under it are skipped (they may
differ, and the law of CDA makes the narrative the attested part). A document that departs from the model
is rejected whole with a code, rather than shown in part.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo

from accounts.identity import REAL_OIDS, TEST_OIDS, BadNir, Ins, parse_nir
from accounts.paris import PARIS, paris_day, paris_time
from accounts.traits import Traits
from documents import xmlguard

from . import sections
from .revisions import MARKS, without_empty

INS_OIDS = REAL_OIDS | TEST_OIDS

LIMITS = xmlguard.Limits(text=8 << 20)
# Counted up when the same bytes are understood otherwise: what an earlier way filed is then asked for whole,
# once, whatever the insurer says has not changed.
READING = 3
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
    """A care history as received: whom it is about, what it covers, and every line it shows.

    Its dates may be told in part, as CDA allows (`2024`, `202411`): `written_at` is then the first instant
    that it may mean and `written_until` the last; the period runs from the first day that its start may mean
    to the last that its end may. `partial` has what was told, as ISO writes it (`2024-11`), for those only:
    `start`, `end`, `written`. `sure` goes from the latest start to the earliest end: the days that the
    statement speaks for whatever it means.
    """

    ins: Ins
    traits: Traits
    document_id: str
    set_id: str
    version: int
    written_at: datetime
    written_until: datetime
    period_start: date
    period_end: date
    partial: Mapping[str, str]
    sure: tuple[date, date]
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
            if narrative is not None and narrative.tables:
                raise Rejected("wrong_section")
            self.mention = narrative.note() if narrative else ""
            return
        form = _form(code, translations, title)
        if form.key in self.sections:
            raise Rejected("duplicate_section")
        if narrative is None or not (narrative.tables or narrative.listed or narrative.note()):
            raise Rejected("missing_narrative")
        self.sections[form.key] = narrative.section(form)

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
        written = _told(self.one("written_at", "no_date"))
        start, end = _told(self.one("period_start", "no_period")), _told(self.one("period_end", "no_period"))
        if end.last_day < start.first_day:
            raise Rejected("period_reversed")
        dates = {"start": start, "end": end, "written": written}
        return Statement(
            ins=self.ins(),
            traits=self.traits(),
            document_id=self.one("document_id", "no_identifier"),
            set_id=self.one("set_id", "no_identifier"),
            version=_number(self.one("version", "no_version")),
            written_at=written.first,
            written_until=written.last,
            period_start=start.first_day,
            period_end=end.last_day,
            partial={name: told.partial for name, told in dates.items() if told.partial},
            sure=(start.last_day, end.first_day),
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
        names, birth_name = _given_names(firsts, given), families[0] if families else ""
        # Some people have no birth name or no given name; a statement that tells another kind of it does
        # not say whom it is about.
        for told_of, kind in ((birth_name, "family."), (names, "given.")):
            if not told_of and any(any(texts) for fact, texts in told.items() if fact.startswith(kind)):
                raise Rejected("no_traits")
        return Traits(
            birth_name=birth_name,
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
    if _plain(title) in {_plain(form.title) for form in sections.FORMS} - {_plain(candidates[0].title)}:
        raise Rejected("section_under_another_title")
    return candidates[0]


# --- What a section shows -------------------------------------------------------------------------

BREAK = "\v"  # a vertical tab has no place in XML: it cannot come from the document
# What may stand in a cell, a note or a mention and whose words are still whole once it is plain text. What
# says more than its words (a footnote, an exponent, an address, a picture) departs from the model.
_BLOCKS = frozenset({"br", "paragraph", "item", "list", "caption"})
FIRST_YEAR = 1900  # nobody's care is older
MARKERS = frozenset({"", "H"})


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
            if line[0] not in MARKERS:
                raise Rejected("unknown_marker")
            if line[0] and not any(line[1:]):  # a mark upon nothing
                raise Rejected("wrong_table")
            if any(line):
                yield tuple(line)

    def layout(self, form: sections.Form) -> list[int]:
        """For each cell of a row, its column of the model: 1 and on, 0 for the marker before the date."""
        known = {_plain(column): rank for rank, column in enumerate(form.columns, start=1)} | {"": 0}
        layout = [known.get(_plain(heading), -1) for heading in self.headings]
        named = [position for position in layout if position != 0]
        if sorted(named) != list(range(1, len(form.columns) + 1)):
            raise Rejected("wrong_columns")
        if 0 in layout and (layout.count(0) > 1 or layout[layout.index(0) + 1 :][:1] != [1]):
            raise Rejected("wrong_columns")
        return layout


class _Narrative:
    """One narrative block: its table becomes rows of cells, the words beside it a note.

    What the model does not have is not guessed at: it raises Rejected, and the whole is held.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.tables: list[_Table] = []
        self.listed = False
        self.beside: list[str] = []
        self.words = self.beside
        self.shown = 0
        self.table: _Table | None = None
        self.heading = self.captioned = False
        self.row: list[str] | None = None
        self.cells = self.headers = 0
        self.wide = False  # a cell of this row runs over several columns
        self.span = 1
        self.revisions: list[str] = []  # for each `content` that is open, what closes its revision

    def note(self) -> str:
        return _shown(self.beside)

    def section(self, form: sections.Form) -> Section:
        """What the section says: lines under the headings of the model, or the sentence that there are
        none; nothing else is taken for either."""
        note = self.note()
        if self.listed:
            raise Rejected("lines_in_a_list")
        lines = tuple(line for table in self.tables for line in table.lines(form))
        nothing = " ".join(note.split()) == sections.EMPTY
        if nothing and self.tables:
            raise Rejected("says_both")
        if not lines and not nothing:
            raise Rejected("table_without_lines" if self.tables else "lines_out_of_table")
        return Section(form.key, note, lines)

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        self.depth += 1
        revised = attributes.get("revised") if attributes else None
        if revised is not None and name != "content":
            raise Rejected("revised_lines")
        if name in ("td", "th"):
            self.open_cell(name, attributes)
        elif name == "tr":
            if self.table is None or self.row is not None:
                raise Rejected("wrong_table")
            self.row, self.cells, self.headers, self.wide = [], 0, 0, False
        elif name == "content":
            self.revisions.append("" if revised is None else self.open_revision(revised))
        elif name in _BLOCKS:
            if self.row is None and name in ("list", "item"):
                self.listed = True
            if name == "caption":
                self.captioned = True
            self.words.append(BREAK)
        else:
            self.open_part_of_table(name)

    def open_part_of_table(self, name: str) -> None:
        if name == "table":
            if self.tables or self.depth != 1:
                raise Rejected("wrong_table")
            self.table = _Table([], [])
            self.tables.append(self.table)
        elif self.table is None or self.row is not None:
            raise Rejected("unknown_markup")
        elif name == "thead":
            self.heading = True
        elif name == "tfoot":
            raise Rejected("table_foot")
        elif name not in ("tbody", "colgroup", "col"):
            raise Rejected("unknown_markup")

    def closed(self, name: str) -> None:
        self.depth -= 1
        if name in ("td", "th"):
            self.close_cell()
        elif name == "tr":
            self.close_row()
        elif name == "content":
            if end := self.revisions.pop():
                self.words.append(end)
        elif name == "table":
            self.table = None
        elif name == "thead":
            self.heading = False
        elif name in _BLOCKS:
            if name == "caption":
                self.captioned = False
            self.words.append(BREAK)

    def said(self, text: str) -> None:
        self.shown += len(text)
        if self.shown > MOST_SHOWN:
            raise Rejected("too_much_text")
        if self.table is not None and self.words is self.beside and not self.captioned and text.strip():
            raise Rejected("wrong_table")
        self.words.append(text)

    def open_revision(self, revised: str) -> str:
        """What will close it."""
        if self.words is self.beside or revised not in MARKS:
            raise Rejected("revised_lines")
        begin, end = MARKS[revised]
        self.words.append(begin)
        return end

    def open_cell(self, name: str, attributes: Mapping[str, str]) -> None:
        if self.row is None or self.words is not self.beside:
            raise Rejected("wrong_table")
        self.span = _span(attributes.get("colspan")) if attributes else 1
        if attributes and _span(attributes.get("rowspan")) != 1:
            raise Rejected("wide_cell")
        self.cells += 1
        self.headers += name == "th"
        self.words = []

    def close_cell(self) -> None:
        assert self.row is not None
        # A heading over two columns names the second: the one before it, of markers, bears no name.
        if self.span > 1:
            self.row += [""] * (self.span - 1)
            self.wide = True
        self.row.append(_shown(self.words))
        self.words = self.beside

    def close_row(self) -> None:
        table, row = self.table, self.row
        assert table is not None
        assert row is not None
        self.row = None
        if self.heading or 0 < self.headers == self.cells:
            if table.headings:
                raise Rejected("wrong_table")
            table.headings = row
        elif self.wide:
            raise Rejected("wide_cell")
        else:
            table.rows.append(row)


def _span(value: str | None) -> int:
    if value is None:
        return 1
    if value.isdecimal() and 1 <= int(value[:4]) <= 16:
        return int(value[:4])
    raise Rejected("wide_cell")


# --- Words, dates ---------------------------------------------------------------------------------

_BLANKS = re.compile(r"[ \t\r\n\x85\u2028\u2029]+")
# Characters that show nothing and may turn over, hide or split what is read: directions, joiners, marks of
# order, controls. They carry no word.
_UNSEEN = re.compile(
    "[\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_DROPPED = str.maketrans({"’": "'", "É": "e", "é": "e", "è": "e"})
_TS = re.compile(
    r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:\.[0-9]+)?)?)?)?)?)?"
    r"([+-][0-9]{2}(?:[0-9]{2})?)?"
)


def _spaced(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _shown(pieces: list[str]) -> str:
    """The text of a cell or a note, one line per line shown, all other blanks run together."""
    if not pieces:
        return ""
    if len(pieces) == 1 and pieces[0].isprintable() and "  " not in pieces[0]:  # nearly every cell
        return pieces[0].strip()
    text = without_empty(_UNSEEN.sub("", "".join(pieces)))
    return "\n".join(filter(None, map(_spaced, text.split(BREAK))))


def _plain(heading: str) -> str:
    return " ".join(heading.translate(_DROPPED).casefold().split())


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise Rejected("no_version")
    return int(text)


@dataclass(frozen=True, slots=True)
class _Told:
    """An instant as CDA tells it, perhaps in part: from the first that it may be to the last."""

    first: datetime
    last: datetime
    partial: str = ""  # `2024` or `2024-11`; empty when the day is told

    @property
    def first_day(self) -> date:
        return paris_day(self.first)

    @property
    def last_day(self) -> date:
        return paris_day(self.last)


def _told(text: str) -> _Told:
    """Raises Rejected when it is no date of the calendar. Without an offset, it is told in France."""
    if (match := _TS.fullmatch(text)) is None:
        raise Rejected("bad_date")
    year, month, day, hour, minute, second, offset = match.groups()
    if int(year) < FIRST_YEAR:
        raise Rejected("bad_date")
    try:
        if day is None:
            return _partial(int(year), int(month) if month else None)
        zone = PARIS if hour is None else _zone(offset)  # a day alone is one, wherever it is told
        instant = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=zone
        )
        paris_time(instant)
        return _Told(instant, instant)
    except (ValueError, OverflowError):
        raise Rejected("bad_date") from None


def _partial(year: int, month: int | None) -> _Told:
    first = datetime(year, month or 1, 1, tzinfo=PARIS)
    rank = year * 12 + (month or 12)  # of the month after the last
    after = datetime(rank // 12, rank % 12 + 1, 1, tzinfo=PARIS)
    return _Told(first, after - timedelta(seconds=1), f"{year:04}-{month:02}" if month else f"{year:04}")


def _zone(offset: str | None) -> tzinfo:
    if not offset:
        return PARIS
    hours, minutes = int(offset[1:3]), int(offset[3:] or 0)
    if hours > 14 or minutes > 59:
        raise ValueError(offset)
    away = timedelta(hours=hours, minutes=minutes)
    return timezone(-away if offset[0] == "-" else away)
