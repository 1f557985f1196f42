"""What is laid over the pages of a PDF: values typed into forms, signatures, stamps, notes, layers.

A copy is made in memory in which each of them has its own drawing, so that they can be drawn into the page
with the rest; the bytes received are never changed. What no drawing says (a note behind an icon, a ticked
box) is handed over as words.
"""

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from .layers import Layers
from .pdfnames import entry, name_of, written

MOST_ANNOTATIONS = 20_000  # of one document
MOST_MARKED = 200  # lines that one mark covers
MOST_WORDS = 4_000  # characters of one of them
DEEPEST = 30  # fields inside fields
UNKNOWN_ALONE, HIDDEN, NO_VIEW = 1 << 0, 1 << 1, 1 << 5
MULTILINE, PASSWORD, RADIO, PUSH, COMB = 1 << 12, 1 << 13, 1 << 15, 1 << 16, 1 << 24
WRITES = frozenset({"Tj", "TJ", "'", '"'})
UNSAID = frozenset({"/Link", "/Popup", "/PrinterMark", "/TrapNet"})
WITH_WORDS_OF_THEIR_OWN = frozenset({"/FreeText", "/Stamp", "/Watermark", "/Redact"})
STAMPS = {
    "Approved": "Approuvé",
    "AsIs": "En l’état",
    "Confidential": "Confidentiel",
    "Departmental": "Usage interne",
    "Draft": "Brouillon",
    "Experimental": "Essai",
    "Expired": "Périmé",
    "Final": "Définitif",
    "ForComment": "Pour avis",
    "ForPublicRelease": "Public",
    "NotApproved": "Non approuvé",
    "NotForPublicRelease": "Non public",
    "Sold": "Vendu",
    "TopSecret": "Très confidentiel",
}
TAG = re.compile(r"<[^>]*>")
BREAK = re.compile(r"<(?:/p|br|/div|/li)\b[^>]*>", re.IGNORECASE)


Rectangle = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass(frozen=True, slots=True)
class Said:
    """Words laid over a page. Those that `drawn` says are drawn are told only when the drawing lacks them."""

    label: str
    words: str
    drawn: bool

    def line(self) -> str:
        return f"{self.label} : {self.words}" if self.label else self.words


@dataclass(slots=True)
class Readied:
    """The copy to draw, and by the place of each page what to say beside it. Of a page in `silent`, the words
    cannot be told from those of a layer that is off: none is said."""

    content: bytes
    said: dict[int, list[Said]] = field(default_factory=dict)
    struck: dict[int, list[Rectangle]] = field(default_factory=dict)  # what somebody crossed out
    silent: set[int] = field(default_factory=set)

    def with_words(self, number: int, words: str, crossed_out: str = "") -> str:
        """The words of a page, what is said over it that they lack, which of them are crossed out."""
        if number in self.silent:
            words = crossed_out = ""
        there = "".join(words.split())
        more = [
            said.line()
            for said in self.said.get(number, ())
            if not (said.drawn and "".join(said.words.split()) in there)
        ]
        if crossed_out:
            more.append(f"Texte barré : {crossed_out}")
        return "\n".join(filter(None, [words, *more]))


def readied(content: bytes, *, pages: int) -> Readied:
    """The first pages of a document, ready to be drawn whole. Raises pikepdf.PdfError, ValueError."""
    with pikepdf.open(io.BytesIO(content)) as opened:
        layers = Layers(opened)
        form = opened.Root.get("/AcroForm")
        overlay = _Overlay(opened, layers, form if isinstance(form, Dictionary) else Dictionary())
        result = Readied(b"")
        for number, page in enumerate(opened.pages):
            if number >= pages:
                break
            result.said[number] = overlay.of(page)
            result.struck[number] = overlay.struck
            try:
                layers.take_out(page.obj, page.obj.get("/Resources"))
            except (pikepdf.PdfError, ValueError, TypeError):
                result.silent.add(number)
        layers.settle()
        overlay.write_form()
        written = io.BytesIO()
        with warnings.catch_warnings(action="ignore"):  # of fields on the pages that are not drawn
            opened.save(
                written,
                stream_decode_level=pikepdf.StreamDecodeLevel.none,
                compress_streams=False,
                object_stream_mode=pikepdf.ObjectStreamMode.disable,
            )
        result.content = written.getvalue()
        return result


class _Overlay:
    """Gives each annotation the drawing it must have, and gathers what they say."""

    def __init__(self, opened: pikepdf.Pdf, layers: Layers, form: Dictionary) -> None:
        self.opened, self.layers, self.form = opened, layers, form
        self.stale = bool(form.get("/NeedAppearances"))
        self.to_write: list[Any] = []  # fields whose value the drawing library is to write
        self.left = MOST_ANNOTATIONS
        self.said: list[Said] = []
        self.struck: list[Rectangle] = []

    def of(self, page: pikepdf.Page) -> list[Said]:
        """What is said over a page, whose annotations are made ready to be drawn."""
        self.said, self.struck = [], []
        annotations = page.obj.get("/Annots")
        if not isinstance(annotations, Array):
            return []
        kept = []
        for annotation in annotations:
            self.left -= 1
            if self.left < 0:
                raise pikepdf.PdfError("too many annotations")
            if isinstance(annotation, Dictionary) and (ready := self.ready(annotation)) is not None:
                kept.append(self.opened.make_indirect(ready))
        page.obj["/Annots"] = Array(kept)
        return self.said

    def write_form(self) -> None:
        """A form made of the fields to write alone, so that nothing else is written over."""
        idle = Dictionary(FT=Name.Tx, T=String("idle"))  # a form without a field is not opened
        fields = [self.opened.make_indirect(idle), *self.to_write]
        form = Dictionary(Fields=Array(fields), DA=self.form.get("/DA", String("/Helv 0 Tf 0 g")))
        if isinstance(resources := self.form.get("/DR"), Dictionary):
            form["/DR"] = resources
        self.opened.Root["/AcroForm"] = form

    def ready(self, annotation: Dictionary) -> Any:
        """The annotation as it is to be drawn; None when a reader would not show it."""
        flags = _number(annotation.get("/F"))
        if flags & UNKNOWN_ALONE:  # hides kinds that no standard knows, which are not drawn anyway
            annotation["/F"] = flags & ~UNKNOWN_ALONE
        if flags & (HIDDEN | NO_VIEW) or self.layers.hide(annotation.get("/OC")):
            return None
        normal = _normal(annotation)
        if isinstance(normal, pikepdf.Stream) and self.layers.hide(normal.get("/OC")):
            return None
        subtype = name_of(annotation.get("/Subtype"))
        if subtype == "/Popup":
            return None
        if subtype == "/Widget":
            return self.widget(annotation)
        drawing = self.drawing(annotation, "")
        words = _words(annotation.get("/Contents")) or _plain(annotation.get("/RC"))
        if subtype in UNSAID:
            return annotation
        if subtype == "/Stamp" and drawing is None and not words:
            name = written(name_of(annotation.get("/Name"))).removeprefix("#").removeprefix("SB") or "Draft"
            words = STAMPS.get(name, name)
        if words:
            self.said.append(self.note(annotation, subtype, words))
        if subtype == "/StrikeOut":
            self.struck += _quadrilaterals(annotation)
        if subtype in ("/FreeText", "/Stamp") and drawing is None and words:
            return self.written(annotation, words, MULTILINE, annotation.get("/DA"))
        return annotation

    def note(self, annotation: Dictionary, subtype: str, words: str) -> Said:
        if subtype in WITH_WORDS_OF_THEIR_OWN:
            return Said("", words, drawn=True)
        by = _words(annotation.get("/T"))
        return Said(f"Note de {by}" if by else "Note", words, drawn=False)

    # Fields -----------------------------------------------------------------------------------

    def widget(self, widget: Dictionary) -> Any:
        kind, flags = name_of(_inherited(widget, "/FT")), _number(_inherited(widget, "/Ff"))
        if kind == "/Btn" and not flags & PUSH:
            return self.box(widget, round_=bool(flags & RADIO))
        drawing = self.drawing(widget, "")
        if kind not in ("/Tx", "/Ch"):
            return _alone(widget, drawing) if drawing is not None else None
        value = _chosen(widget) if kind == "/Ch" else _value(widget)
        if flags & PASSWORD and kind == "/Tx":
            return _alone(widget, drawing) if drawing is not None else None
        if value:
            self.said.append(Said(_label(widget), value, drawn=True))
        if drawing is not None and not self.stale and (_writes(drawing) or not value):
            return _alone(widget, drawing)
        if not value:
            return _alone(widget, drawing) if drawing is not None and kind == "/Ch" else None
        kept = flags & (MULTILINE | COMB) if kind == "/Tx" else 0
        if "\n" in value:
            kept |= MULTILINE
        return self.written(widget, value, kept, _inherited(widget, "/DA"))

    def written(self, annotation: Dictionary, value: str, flags: int, style: Any) -> Any:
        """A field of its own, that the drawing library writes."""
        made = self.opened.make_indirect(
            Dictionary(
                Type=Name.Annot,
                Subtype=Name.Widget,
                FT=Name.Tx,
                T=String(f"written {len(self.to_write)}"),
                V=String(value),
                Ff=flags,
                F=4,
                Rect=annotation.get("/Rect", Array([0, 0, 0, 0])),
                DA=style if isinstance(style, String) else self.form.get("/DA", String("/Helv 0 Tf 0 g")),
                Q=_number(_inherited(annotation, "/Q") or self.form.get("/Q")),
            )
        )
        if flags & COMB:
            made["/MaxLen"] = max(1, _number(_inherited(annotation, "/MaxLen"))) or 1
        if isinstance(look := annotation.get("/MK"), Dictionary):
            made["/MK"] = look
        self.to_write.append(made)
        return made

    def box(self, widget: Dictionary, *, round_: bool) -> Any:
        """A box or a choice of several, ticked or not."""
        state, value = name_of(widget.get("/AS")), _state(_inherited(widget, "/V"))
        own = [key for key in _states(widget) if key != "/Off"]
        ticked = state if state not in ("", "/Off") else value if value in own or not own else ""
        ticked = "" if ticked == "/Off" else ticked
        if ticked:
            label = _label(widget)
            choice = _choice(widget, ticked) if round_ else ""
            words = " : ".join(filter(None, (label, choice)))
            self.said.append(Said("Choix" if round_ else "Case cochée", words or "sans nom", drawn=False))
        drawing = self.drawing(widget, ticked or "/Off")
        if drawing is not None:
            return _alone(widget, drawing)
        return _alone(widget, self.tick(widget)) if ticked else None

    def tick(self, widget: Dictionary) -> Any:
        """A cross in its box, for those that come without a drawing."""
        left, bottom, right, top = _rectangle(widget)
        width, height = right - left, top - bottom
        side = min(width, height)
        x, y = (width - side) / 2 + side * 0.2, (height - side) / 2 + side * 0.2
        end = side * 0.6
        drawn = (
            f"q {max(side * 0.1, 0.5):.2f} w {x:.2f} {y:.2f} m {x + end:.2f} {y + end:.2f} l S"
            f" {x:.2f} {y + end:.2f} m {x + end:.2f} {y:.2f} l S Q"
        )
        stream = self.opened.make_stream(drawn.encode())
        stream["/Type"], stream["/Subtype"] = Name.XObject, Name.Form
        stream["/BBox"] = Array([0, 0, width, height])
        return stream

    # Drawings ---------------------------------------------------------------------------------

    def drawing(self, annotation: Dictionary, state: str) -> Any:
        """The stream that draws the annotation in this state, if it has one that a reader would show."""
        normal = _normal(annotation)
        if isinstance(normal, Dictionary):
            normal = entry(normal, state or name_of(annotation.get("/AS")) or "/Off")
        if not isinstance(normal, pikepdf.Stream) or self.layers.hide(normal.get("/OC")):
            return None
        try:
            self.layers.take_out(normal, None)
        except (pikepdf.PdfError, ValueError, TypeError):
            return None
        return normal


def _alone(annotation: Dictionary, drawing: Any) -> Dictionary:
    """What is drawn as it is: no field any more, so that nobody writes over it."""
    return Dictionary(
        Type=Name.Annot,
        Subtype=Name.Stamp,
        F=4,
        Rect=annotation.get("/Rect", Array([0, 0, 0, 0])),
        AP=Dictionary(N=drawing),
    )


def _writes(drawing: Any) -> bool:
    """Whether a drawing has words, or hands over to another drawing."""
    try:
        for instruction in pikepdf.parse_content_stream(drawing):
            operator = str(instruction.operator)
            if operator == "Do" or (operator in WRITES and any(map(_has_glyphs, instruction.operands))):
                return True
    except (pikepdf.PdfError, ValueError, TypeError):
        return True
    return False


def _has_glyphs(operand: Any) -> bool:
    if isinstance(operand, Array):
        return any(map(_has_glyphs, operand))
    return isinstance(operand, String) and bool(bytes(operand).strip(b" \0"))


def _fields_around(widget: Dictionary) -> Iterator[Dictionary]:
    """The field itself, then those that hold it."""
    here: Any = widget
    for _ in range(DEEPEST):
        if not isinstance(here, Dictionary):
            return
        yield here
        here = here.get("/Parent")


def _inherited(widget: Dictionary, key: str) -> Any:
    return next((around[key] for around in _fields_around(widget) if key in around), None)


def _label(widget: Dictionary) -> str:
    """What the form calls the field, for people if it has such a name."""
    return next(
        (said for key in ("/TU", "/T") if (said := _words(_inherited(widget, key)))),
        "",
    )


def _value(widget: Dictionary) -> str:
    value = _inherited(widget, "/V")
    if isinstance(value, pikepdf.Stream):
        return _readable(value.read_bytes()[: 4 * MOST_WORDS].decode("utf-8", "replace"))
    if isinstance(value, pikepdf.Name):  # neither is of the standard; both are written
        return _readable(written(name_of(value)))
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    return _words(value) or _plain(_inherited(widget, "/RV"))


def _chosen(widget: Dictionary) -> str:
    """The labels of what was chosen in a list."""
    value, options = _inherited(widget, "/V"), _inherited(widget, "/Opt")
    labels: dict[str, str] = {}
    for option in options if isinstance(options, Array) else ():
        pair = list(option) if isinstance(option, Array) else [option, option]
        if len(pair) == 2:
            labels.setdefault(_words(pair[0]), _words(pair[1]))
    values = list(value) if isinstance(value, Array) else [value]
    if value is None and isinstance(options, Array):  # chosen by their places alone
        places = [_number(place) for place in _listed(_inherited(widget, "/I"))]
        values = [_value_of(options[place]) for place in places if 0 <= place < len(options)]
    return ", ".join(labels.get(said, said) for each in values if (said := _words(each)))


def _value_of(option: Any) -> Any:
    return option[0] if isinstance(option, Array) and len(option) else option


def _listed(thing: Any) -> list[Any]:
    return list(thing) if isinstance(thing, Array) else []


def _state(value: Any) -> str:
    """The name of the state that a box is said to be in; some write it as words."""
    return f"/{value}" if isinstance(value, String) and str(value) else name_of(value)


def _choice(widget: Dictionary, state: str) -> str:
    """What one of several choices is called."""
    name, options = written(state), _inherited(widget, "/Opt")
    if isinstance(options, Array) and name.isascii() and name.isdigit() and int(name[:6]) < len(options):
        return _words(options[int(name[:6])])
    return name


def _states(widget: Dictionary) -> list[str]:
    normal = _normal(widget)
    return list(normal.keys()) if isinstance(normal, Dictionary) else []


def _normal(annotation: Dictionary) -> Any:
    """What draws the annotation at rest: a stream, or several by their states."""
    appearance = annotation.get("/AP")
    return appearance.get("/N") if isinstance(appearance, Dictionary) else None


def _quadrilaterals(annotation: Dictionary) -> list[Rectangle]:
    """The rectangles around the words that a mark of the text covers."""
    try:
        sides = [float(side) for side in annotation.get("/QuadPoints", ())]
    except (TypeError, ValueError, OverflowError):
        return []
    found = []
    for at in range(0, min(len(sides), 8 * MOST_MARKED) - 7, 8):
        across, along = sides[at : at + 8 : 2], sides[at + 1 : at + 8 : 2]
        found.append((min(across), min(along), max(across), max(along)))
    return found


def _rectangle(widget: Dictionary) -> Rectangle:
    try:
        x1, y1, x2, y2 = (float(side) for side in widget["/Rect"])
    except (KeyError, ValueError, TypeError):
        return 0.0, 0.0, 0.0, 0.0
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _words(thing: Any) -> str:
    return _readable(str(thing)) if isinstance(thing, String) else ""


def _plain(rich: Any) -> str:
    """The words of a rich text (XHTML)."""
    if isinstance(rich, pikepdf.Stream):
        rich = String(rich.read_bytes()[: 16 * MOST_WORDS].decode("utf-8", "replace"))
    if not isinstance(rich, String):
        return ""
    said = TAG.sub("", BREAK.sub("\n", str(rich)[: 16 * MOST_WORDS]))
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#160;", " "), ("&amp;", "&")):
        said = said.replace(entity, character)
    return _readable(said)


def _readable(said: str) -> str:
    said = said[:MOST_WORDS].replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in said if c in "\n\t" or c.isprintable()).strip()


def _number(thing: Any) -> int:
    try:
        return int(thing)
    except (TypeError, ValueError, OverflowError):
        return 0
