"""PDF files from outside: what they would do if they were opened, and what their pages show.

The bytes are never changed, they are evidence. A file that would act (run a script, start a program, send a
form, fetch or play something) is refused; one that only says something is shown as pictures of its pages,
with their words beside them.
"""

import io
import time
from dataclasses import dataclass
from typing import Any

import pikepdf
import pypdfium2
from PIL import Image

MOST_OBJECTS = 200_000
DEEPEST = 30
MOST_IN_ONE_OBJECT = 20_000
MOST_PAGES = 80
WIDTH = 1240  # pixels: an A4 page at 150 dots per inch
MOST_PIXELS = 4_000_000
SHADES = 256
MOST_WORDS = 20_000  # characters of one page

# What the file would do, by the type of the action and not by the mere key: opening at a page is harmless.
ACTIONS = {
    "/JavaScript": "pdf.script",
    "/Launch": "pdf.launch",
    "/ImportData": "pdf.form",
    "/GoToR": "pdf.elsewhere",
    "/GoToE": "pdf.elsewhere",
    "/Rendition": "pdf.media",
    "/Movie": "pdf.media",
    "/Sound": "pdf.media",
    "/RichMediaExecute": "pdf.media",
    "/GoTo3DView": "pdf.media",
}
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
REACHES_OUT = ("/URI", "/SubmitForm")  # by itself when the file opens, or when somebody presses
STARTS = ("/OpenAction", "/AA")
HARMLESS = frozenset({"pdf.attachment", "pdf.link"})  # nobody presses or opens anything on our pages


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
    pending: list[tuple[Any, int, bool]] = [(thing, 0, False)]
    for _ in range(MOST_IN_ONE_OBJECT):
        if not pending:
            return found
        here, depth, at_start = pending.pop()
        if depth > DEEPEST:
            raise Unreadable("pdf.too_complex")
        if isinstance(here, pikepdf.Array):
            pending += [(inner, depth + 1, at_start) for inner in here if _is_nested(inner)]
        elif isinstance(here, pikepdf.Dictionary | pikepdf.Stream):
            found |= _said_by(here, at_start)
            for key in here.keys():  # noqa: SIM118 - a Stream iterates otherwise
                inner = here[key]
                starts = key in STARTS
                if _is_nested(inner) or (starts and _is_container(inner)):
                    pending.append((inner, depth + 1, at_start or starts))
    raise Unreadable("pdf.too_complex")


def _said_by(here: Any, at_start: bool) -> set[str]:
    said: set[str] = set()
    for key in here.keys():  # noqa: SIM118
        if key in KEYS:
            said.add(KEYS[key])
        elif key == "/S":
            action = str(here[key])
            if action in ACTIONS:
                said.add(ACTIONS[action])
            elif action in REACHES_OUT:
                said.add("pdf.elsewhere" if at_start else "pdf.link")
        elif key == "/Subtype":
            subtype = str(here[key])
            if subtype in SUBTYPES:
                said.add(SUBTYPES[subtype])
        elif key in ("/F", "/FFilter") and isinstance(here, pikepdf.Stream):
            said.add("pdf.elsewhere")  # a stream whose bytes are in another file
    return said


def _is_container(inner: Any) -> bool:
    return isinstance(inner, pikepdf.Dictionary | pikepdf.Array)


def _is_nested(inner: Any) -> bool:
    """Inside this object: an indirect one is met in its own turn."""
    return _is_container(inner) and not inner.is_indirect


def pages(content: bytes, *, at_most: int = MOST_PAGES, seconds: float) -> tuple[int, list[Page]]:
    """How many pages there are, and as many as may be drawn in that processor time. Raises Unreadable."""
    deadline = time.process_time() + seconds
    try:
        opened = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError:
        raise Unreadable("pdf.unreadable") from None
    drawn: list[Page] = []
    try:
        in_all = len(opened)
        for number in range(min(in_all, at_most)):
            if time.process_time() > deadline:
                break
            drawn.append(_page(opened, number))
    except pypdfium2.PdfiumError:
        raise Unreadable("pdf.unreadable") from None
    finally:
        opened.close()
    if not drawn:
        raise Unreadable("pdf.no_page")
    return in_all, drawn


def _page(opened: pypdfium2.PdfDocument, number: int) -> Page:
    page = opened[number]
    try:
        width, height = page.get_size()
        scale = WIDTH / max(width, 1)
        scale = min(scale, (MOST_PIXELS / max(width * height, 1)) ** 0.5)
        scale = min(scale, 16_000 / max(width, height, 1))
        image = page.render(scale=scale, may_draw_forms=False).to_pil()
        return Page(_written(image), _words(page))
    finally:
        page.close()


def _written(image: Image.Image) -> bytes:
    """Words on paper stay sharp in a few shades of PNG; photographs go in WebP."""
    written = io.BytesIO()
    if image.getcolors(SHADES) is not None:
        image.quantize(32).save(written, "PNG")
    else:
        image.save(written, "WEBP", quality=80, method=2)
    return written.getvalue()


def _words(page: pypdfium2.PdfPage) -> str:
    text_page = page.get_textpage()
    try:
        count = min(text_page.count_chars(), MOST_WORDS)
        words = text_page.get_text_range(0, count) if count else ""
    finally:
        text_page.close()
    words = words.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in words if c in "\n\t" or c.isprintable())
    return kept.encode(errors="ignore").decode().strip()
