"""PDF files from outside: what they would do if they were opened, and what their pages show.

The bytes are never changed, they are evidence. A file that would act (run a script, start a program, send a
form, fetch or play something: `actions`) is refused; one that only says something is shown as pictures of its
pages, with what is laid over them (`overlays`), and their words beside them.
"""

import ctypes
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from . import actions, overlays
from .pdfnames import name_of

MOST_OBJECTS = 200_000
DEEPEST = 30
MOST_IN_ONE_OBJECT = 20_000
MOST_PAGES = 80
WIDTH = 1240  # pixels: an A4 page at 150 dots per inch
MOST_PIXELS = 4_000_000  # of one page
MOST_PIXELS_IN_ALL = 200_000_000  # eighty A4 pages and some more
MOST_WORDS = 20_000  # characters of one page

KEYS = {
    "/JS": "pdf.script",
    "/JavaScript": "pdf.script",
    "/XFA": "pdf.form",
    "/RichMediaContent": "pdf.media",
    "/EmbeddedFiles": "pdf.attachment",
    "/EF": "pdf.attachment",
}
SUBTYPES = {
    "/RichMedia": "pdf.media",
    "/Movie": "pdf.media",
    "/Sound": "pdf.media",
    "/Screen": "pdf.media",
    "/3D": "pdf.media",
}
LAID_OVER = "pdf.laid_over"  # something is drawn, or said, that the page itself does not hold
# Annotations that show or say something of their own; links and the windows of notes do not.
OVERLAYS = {
    "/Widget", "/Stamp", "/FreeText", "/Text", "/Highlight", "/Underline", "/StrikeOut", "/Squiggly",
    "/Square", "/Circle", "/Line", "/Polygon", "/PolyLine", "/Ink", "/Caret", "/FileAttachment", "/Watermark",
    "/Redact", "/Projection",
}  # fmt: skip
HARMLESS = frozenset(
    {"pdf.attachment", "pdf.link", LAID_OVER}
)  # nobody presses or opens anything on our pages


def _forget_the_fonts_of_this_machine() -> None:
    """Only the file's own fonts and those of the library: a page looks the same on every machine."""
    pdfium.FPDF_DestroyLibrary()  # pypdfium2 initialised it as it was imported
    pdfium.FPDF_InitLibraryWithConfig(pdfium.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=NO_FOLDERS))


NO_FOLDERS = (ctypes.POINTER(ctypes.c_char) * 1)()  # a list that ends at once
_forget_the_fonts_of_this_machine()


class Unreadable(ValueError):
    """The file cannot be read as a PDF. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Page:
    image: bytes  # PNG or WebP
    words: str


def findings(content: bytes) -> frozenset[str]:
    """What is in the file beside pages, without inflating its streams. Raises Unreadable."""
    found: set[str] = set()
    try:
        with pikepdf.open(io.BytesIO(content)) as opened:
            for number, thing in enumerate(opened.objects):
                if number > MOST_OBJECTS:
                    raise Unreadable("pdf.too_complex")
                found |= _findings_in(thing)
    except pikepdf.PasswordError:
        raise Unreadable("pdf.password") from None
    except (pikepdf.PdfError, ValueError, RuntimeError) as failure:
        raise failure if isinstance(failure, Unreadable) else Unreadable("pdf.unreadable") from None
    return frozenset(found)


def acts(found: frozenset[str]) -> str:
    """The code of the refusal that findings call for, empty when there is none."""
    return min(found - HARMLESS, default="")


def _findings_in(thing: Any) -> set[str]:
    found: set[str] = set()
    pending: list[tuple[Any, int]] = [(thing, 0)]
    for _ in range(MOST_IN_ONE_OBJECT):
        if not pending:
            return found
        here, depth = pending.pop()
        if depth > DEEPEST:
            raise Unreadable("pdf.too_complex")
        if isinstance(here, pikepdf.Array):
            pending += [(inner, depth + 1) for inner in here if _is_nested(inner)]
        elif isinstance(here, pikepdf.Dictionary | pikepdf.Stream):
            found |= _said_by(here)
            for key in here.keys():  # noqa: SIM118 - a Stream iterates otherwise
                inner = here[key]
                if _is_nested(inner):
                    pending.append((inner, depth + 1))
    raise Unreadable("pdf.too_complex")


def _said_by(here: Any) -> set[str]:
    said: set[str] = set()
    for key in here.keys():  # noqa: SIM118
        if key in KEYS:
            said.add(KEYS[key])
        elif key == "/S":
            said |= set(filter(None, [actions.loose(here)]))
        elif key in actions.HOLDERS:
            said |= set(actions.held_by(here, key))
        elif key == "/Subtype":
            subtype = name_of(here[key])
            if subtype in SUBTYPES:
                said.add(SUBTYPES[subtype])
            elif subtype in OVERLAYS:
                said.add(LAID_OVER)
        elif key == "/OCProperties":
            said.add(LAID_OVER)
        elif key in ("/F", "/FFilter") and isinstance(here, pikepdf.Stream):
            said.add("pdf.elsewhere")  # a stream whose bytes are in another file
    return said


def _is_nested(inner: Any) -> bool:
    """Inside this object: an indirect one is met in its own turn."""
    return isinstance(inner, pikepdf.Dictionary | pikepdf.Array) and not inner.is_indirect


@dataclass(slots=True)
class Allowance:
    """What may still be drawn of one document. Counted in pages and pixels, never in seconds: the same pages
    are drawn on a machine that rests and on one that is busy."""

    pages: int
    pixels: int

    def takes(self, pixels: int) -> bool:
        """Whether one page more may be drawn; then it is counted."""
        if self.pages < 1 or self.pixels < pixels:
            return False
        self.pages -= 1
        self.pixels -= pixels
        return True


def pages(content: bytes, allowance: Allowance, *, laid_over: bool = True) -> tuple[int, list[Page]]:
    """How many pages there are, and the first of them, as far as the allowance goes. Raises Unreadable.

    What is laid over the pages is drawn with them; `laid_over` says whether there is any (`LAID_OVER`).
    """
    overlay = _overlay(content, allowance.pages) if laid_over else None
    try:
        opened = pypdfium2.PdfDocument(overlay.content if overlay else content)
    except pypdfium2.PdfiumError:
        raise Unreadable("pdf.unreadable") from None
    drawn: list[Page] = []
    try:
        if overlay:
            opened.init_forms()
        in_all = len(opened)
        if not in_all:
            raise Unreadable("pdf.no_page")
        for number in range(in_all):
            page = _page(opened, number, allowance, overlay)
            if page is None:
                break
            drawn.append(page)
    except pypdfium2.PdfiumError:
        raise Unreadable("pdf.unreadable") from None
    finally:
        opened.close()
    return in_all, drawn


def _overlay(content: bytes, most: int) -> overlays.Readied:
    try:
        return overlays.readied(content, pages=most)
    except (pikepdf.PdfError, ValueError, RuntimeError):
        raise Unreadable("pdf.unreadable") from None


def _page(
    opened: pypdfium2.PdfDocument, number: int, allowance: Allowance, overlay: overlays.Readied | None
) -> Page | None:
    if not allowance.pages:
        return None
    page = opened[number]
    try:
        width, height = page.get_size()
        scale = WIDTH / max(width, 1)
        scale = min(scale, (MOST_PIXELS / max(width * height, 1)) ** 0.5)
        scale = min(scale, 16_000 / max(width, height, 1))
        if not allowance.takes(math.ceil(width * scale) * math.ceil(height * scale)):
            return None
        if overlay and pdfium.FPDFPage_Flatten(page.raw, pdfium.FLAT_NORMALDISPLAY) == pdfium.FLATTEN_SUCCESS:
            page.close()
            page = opened[number]  # read again, now that its annotations are part of it
        image = page.render(scale=scale, may_draw_forms=False).to_pil()
        words, crossed_out = _words(page, overlay.struck.get(number, ()) if overlay else ())
        return Page(_written(image), overlay.with_words(number, words, crossed_out) if overlay else words)
    finally:
        page.close()


# Images of pages -----------------------------------------------------------------------------------

SHADES = 256
LEVELS = 16  # four bits a pixel
CONSPICUOUS = 1000  # a shade that one pixel in so many has is shown as it is
PHOTOGRAPH = 0.25  # the share of a page that is neither of its two most frequent shades: words never reach it

Counted = list[tuple[int, tuple[int, int, int]]]  # how many pixels have each colour


def _written(image: Image.Image) -> bytes:
    """Words on paper stay sharp, in sixteen greys or in their own few colours; photographs go in WebP."""
    counted: Counted | None = image.getcolors(SHADES)
    if counted is None or _is_a_photograph(counted):
        return in_webp(image)
    if all(red == green == blue for _, (red, green, blue) in counted):
        return in_greys(image, counted)
    return in_colours(image, counted)


def _is_a_photograph(counted: Counted) -> bool:
    pixels = sorted((count for count, _ in counted), reverse=True)
    return sum(pixels[2:]) > PHOTOGRAPH * sum(pixels)


def in_webp(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "WEBP", quality=80, method=1)
    return written.getvalue()


def in_greys(image: Image.Image, counted: Counted) -> bytes:
    """Four bits a pixel: the shades that cover something as they are, those between them to the nearest."""
    shades = _levels([(count, grey) for count, (grey, _, _) in counted])
    nearest = [min(range(LEVELS), key=lambda at, grey=grey: abs(shades[at] - grey)) for grey in range(SHADES)]
    pixels = image.convert("L").point(nearest)
    paletted = Image.frombytes("P", pixels.size, pixels.tobytes())
    paletted.putpalette([channel for shade in shades for channel in (shade, shade, shade)])
    written = io.BytesIO()
    paletted.save(written, "PNG", bits=4)
    return written.getvalue()


def _levels(counted: list[tuple[int, int]]) -> list[int]:
    """Sixteen greys: black, white, the conspicuous ones, and steps in the widest gaps between them."""
    pixels = sum(count for count, _ in counted)
    frequent = sorted(counted, reverse=True)[: LEVELS // 2]
    shades = {0, SHADES - 1} | {grey for count, grey in frequent if count * CONSPICUOUS > pixels}
    while len(shades) < LEVELS:
        ordered = sorted(shades)
        width, below = max((above - below, below) for below, above in pairwise(ordered))
        shades.add(below + width // 2)
    return sorted(shades)


def in_colours(image: Image.Image, counted: Counted) -> bytes:
    """Every colour as it is: there are few."""
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for _, colour in counted for channel in colour])
    written = io.BytesIO()
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(written, "PNG")
    return written.getvalue()


def _words(page: pypdfium2.PdfPage, struck: Iterable[overlays.Rectangle] = ()) -> tuple[str, str]:
    """The words of a page, and those of them that stand in these rectangles."""
    text_page = page.get_textpage()
    try:
        count = min(text_page.count_chars(), MOST_WORDS)
        words = text_page.get_text_range(0, count) if count else ""
        crossed_out = " ".join(text_page.get_text_bounded(*each) for each in struck) if count else ""
    finally:
        text_page.close()
    return _readable(words), " ".join(_readable(crossed_out[:MOST_WORDS]).split())


def _readable(words: str) -> str:
    words = words.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in words if c in "\n\t" or c.isprintable())
    return kept.encode(errors="ignore").decode().strip()
