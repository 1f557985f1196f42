"""What a hostile file is, and what may be shown of it: the work of the checker.

`python -m documents.checker SOCKET` serves it: a process that knows neither the database nor any key,
imports no Django, and looks at each file in a jailed child (`jail`). `documents.child` is who asks. Nobody
else imports this module, nor the libraries that read files from outside.
"""

import base64
import codecs
import io
import json
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import pikepdf
from pikepdf import Name
from PIL import Image

from jail import server
from jail.confinement import Budget, Mode, NoJail

from . import carried, cda, narrative, pdf, pictures, xmlguard
from .inspection import CDA, PDF, Inspection, told
from .xmlguard import Rejected

BUDGET = Budget(memory=512 << 20, seconds=30)


def inspect(content: bytes, media_type: str) -> Inspection:
    """What the file is, and what may be shown of it."""
    try:
        return _inspect(content, media_type)
    except (Rejected, pdf.Unreadable) as refusal:
        return Inspection(refusal.code, 0, 0, ())


def _inspect(content: bytes, media_type: str) -> Inspection:
    html, draws = "", _Pages()
    if media_type == CDA:
        html = narrative.rendering(cda.read(content), draws.attached).html
    else:
        draws.draw(content)
    pages, in_all = draws.pages, draws.in_all
    parts = [("narrative", html.encode())] if html else []
    if pages:
        parts.append(("texts", json.dumps([page.words for page in pages], ensure_ascii=False).encode()))
        parts += [(f"page/{number}", page.image) for number, page in enumerate(pages, 1)]
    return Inspection("", len(pages), in_all, tuple(parts))


class _Pages:
    """The pages of a document, those of its several files one after the other."""

    def __init__(self) -> None:
        self.pages: list[pdf.Page] = []
        self.in_all = 0
        self.allowance = pdf.Allowance(pdf.MOST_PAGES, pdf.MOST_PIXELS_IN_ALL)

    def draw(self, file: bytes) -> None:
        """Raises Rejected of a file that would act, pdf.Unreadable."""
        found = pdf.findings(file)
        if code := pdf.acts(found):
            raise Rejected(code)
        count, drawn = pdf.pages(file, self.allowance, laid_over=pdf.LAID_OVER in found)
        self.in_all += count
        self.pages += drawn

    def attached(self, file: bytes) -> str:
        """The code of a file that cannot be read: it hides none of the others. Raises Rejected."""
        try:
            self.draw(file)
        except pdf.Unreadable as unreadable:
            return unreadable.code
        return ""


def work(content: bytes, media_type: str) -> bytes:
    """What a child writes of its file."""
    return told(inspect(content, media_type))


def warm() -> None:
    """Load whatever is loaded on first use: a child opens no file, not even a module."""
    logging.disable(logging.CRITICAL)  # what libraries say of somebody's file is for nobody
    warnings.simplefilter("ignore")
    Image.init()
    for encoding in (*xmlguard.ENCODINGS, *carried.CHARSETS.values(), *ENCODINGS):
        codecs.lookup(encoding)
    pictures.rewritten(_sample_picture())
    samples = ((_sample_pdf(), PDF), (_sample_form(), PDF), (_sample_cda(), CDA), (b"<", CDA), (b"%PDF", PDF))
    for content, media_type in samples:
        inspect(content, media_type)
    paper = Image.new("RGB", (2, 2))
    pdf.in_webp(paper)
    pdf.in_colours(paper, [(4, (0, 0, 0))])


ENCODINGS = ("utf-8-sig", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "pdfdoc")


def _sample_pdf() -> bytes:
    written = io.BytesIO()
    with pikepdf.new() as made:
        page = made.add_blank_page()
        font = pikepdf.Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
        page.Contents = made.make_stream(b"BT /F 18 Tf 60 300 Td (Bonjour) Tj ET")
        made.save(written)
    return written.getvalue()


def _sample_form() -> bytes:
    """A page over which something is laid, with a layer that is off."""
    with pikepdf.open(io.BytesIO(_sample_pdf())) as made:
        off = made.make_indirect(pikepdf.Dictionary(Type=Name.OCG, Name=pikepdf.String("a")))
        made.Root.OCProperties = pikepdf.Dictionary(
            OCGs=pikepdf.Array([off]), D=pikepdf.Dictionary(OFF=pikepdf.Array([off]))
        )
        page = made.pages[0].obj
        page.Resources.Properties = pikepdf.Dictionary(O=off)
        page.Contents = made.make_stream(b"/OC /O BDC BT /F 18 Tf (a) Tj ET EMC")
        value = pikepdf.Dictionary(
            Subtype=Name.Widget,
            FT=Name.Tx,
            V=pikepdf.String("Bonjour"),
            Rect=pikepdf.Array([9, 9, 99, 29]),
        )
        page.Annots = pikepdf.Array([value])
        written = io.BytesIO()
        made.save(written)
    return written.getvalue()


def _sample_picture() -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (2, 2)).save(drawn, "JPEG")
    return drawn.getvalue()


def _sample_cda() -> bytes:
    picture = base64.b64encode(_sample_picture()).decode()
    return f"""<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Essai</title><effectiveTime value="20260102"/>
<component><structuredBody><component><section><title>Essai</title><text>
<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>
<list><item>c</item></list><renderMultiMedia referencedObject="d"/></text>
<entry><observationMedia ID="d"><value mediaType="image/jpeg" representation="B64">{picture}</value>
</observationMedia></entry></section></component></structuredBody></component></ClinicalDocument>""".encode()


def main(arguments: Sequence[str]) -> str | None:
    """The sentence for which it did not start, if any."""
    address, *mode = arguments
    try:
        server.serve(Path(address), work, BUDGET, warm=warm, mode=Mode(mode[0]) if mode else None)
    except NoJail as sentence:
        return str(sentence)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
