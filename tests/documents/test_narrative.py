import base64
import io
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from documents import cda, inert_html, narrative
from documents.xmlguard import Rejected

from .files import CORPORA, needs_corpora, pdf
from .files import cda as a_cda

SECTION = re.compile(r"<h2>Conclusion</h2>(.*)", re.S)


def told(written: str, **more) -> str:
    """What one narrative block becomes."""
    html = narrative.render(a_cda(written, **more))
    return SECTION.search(html)[1]


def picture(kind="PNG", size=(4, 3)):
    written = io.BytesIO()
    Image.new("RGB", size, "red").save(written, kind)
    return written.getvalue()


def media(content: bytes, kind="image/png", name="X"):
    return (
        f'<entry><observationMedia ID="{name}"><value mediaType="{kind}" representation="B64">'
        f"{base64.b64encode(content).decode()}</value></observationMedia></entry>"
    )


def level_one(text):
    return f"<nonXMLBody><text {text}</text></nonXMLBody>"


def test_a_sentence_says_what_it_is():
    html = narrative.render(a_cda())

    assert html.startswith(
        '<p class="lead">Compte rendu de consultation, établi le 20&nbsp;novembre&nbsp;2026'
        " par Dr Anne LEFÈVRE, Cabinet des Tilleuls, pour DOMINIQUE PAT-TROIS, née le 28/03/1979.</p>"
    )


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("20261120", "20&nbsp;novembre"),
        ("20261120233000", "20&nbsp;novembre"),
        ("20261120233000+0000", "21&nbsp;novembre"),
        ("20261120233000.123+0000", "21&nbsp;novembre"),
        ("202611202330+00", "21&nbsp;novembre"),
        ("20261120233000+0100", "20&nbsp;novembre"),
        ("20261121043000+0600", "20&nbsp;novembre"),
        ("20260720223000+0000", "21&nbsp;juillet"),
    ],
)
def test_a_time_is_of_its_day_in_paris(written, day):
    document = a_cda().replace(b'effectiveTime value="20261120"', f'effectiveTime value="{written}"'.encode())

    assert f"établi le {day}&nbsp;2026" in narrative.render(document)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Bien.<br/>Très bien.", "<p>Bien.<br>Très bien.</p>"),
        ("Avant<paragraph>Dedans</paragraph>après", "<p>Avant</p><p>Dedans</p><p>après</p>"),
        ('<paragraph styleCode="Bold">A</paragraph>', "<p><strong>A</strong></p>"),
        ('<content styleCode="Italics">A</content>', "<p><em>A</em></p>"),
        ("H<sub>2</sub>O", "<p>H<sub>2</sub>O</p>"),
        ("<list><item>A</item><item>B</item></list>", "<ul><li>A</li><li>B</li></ul>"),
        ('<list listType="ordered"><item>A</item></list>', "<ol><li>A</li></ol>"),
        ("a &lt;script&gt; b", "<p>a &lt;script&gt; b</p>"),
    ],
)
def test_each_block_has_one_rendering(written, expected):
    assert told(written) == expected


def test_headings_of_a_table_say_what_they_head():
    html = told(
        "<table><caption>Bilan</caption><thead><tr><th/><th colspan='2'>Valeur</th></tr></thead><tbody>"
        "<tr><th>Fer</th><td>12</td><td rowspan='2'>g</td></tr><tr><th>Fin</th></tr></tbody></table>"
    )

    assert html == (
        '<div class="scroller" role="group" aria-label="Tableau : Conclusion" tabindex="0">'
        '<table class="data-table"><caption>Bilan</caption>'
        '<thead><tr><td></td><th scope="col" colspan="2">Valeur</th></tr></thead>'
        '<tbody><tr><th scope="row">Fer</th><td>12</td><td rowspan="2">g</td></tr>'
        '<tr><th scope="rowgroup">Fin</th></tr></tbody></table></div>'
    )


def test_an_image_is_written_anew():
    sent = picture() + b"<script>alert(1)</script>"

    html = told('<renderMultiMedia referencedObject="X"/>', entries=media(sent))

    shown = base64.b64decode(re.search(r'src="data:image/png;base64,([^"]+)"', html)[1])
    assert b"script" not in shown
    assert 'alt="Image jointe au document" width="4" height="3"' in html


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
        (b"GIF89a/*<script>*/=alert(1)", "image/gif"),
        (b"<html>", "text/html"),
        (picture()[:40], "image/png"),
    ],
)
def test_what_is_no_image_is_not_shown(content, kind):
    html = told('<renderMultiMedia referencedObject="X"/>', entries=media(content, kind))

    assert "<img" not in html
    assert "en téléchargeant le document" in html


def test_a_pixel_flood_is_not_decoded():
    html = told('<renderMultiMedia referencedObject="X"/>', entries=media(picture(size=(9000, 9000))))

    assert "<img" not in html


def test_a_pdf_inside_is_handed_over():
    rendering = narrative.rendering(
        cda.read(a_cda('<renderMultiMedia referencedObject="X"/>', entries=media(pdf(), "application/pdf")))
    )

    assert rendering.files == (pdf(),) or rendering.files[0].startswith(b"%PDF")
    assert "ses pages suivent" in rendering.html


def test_a_document_around_a_pdf_is_that_pdf():
    carried = base64.b64encode(pdf()).decode()
    body = level_one(f'mediaType="application/pdf" representation="B64">{carried}')

    rendering = narrative.rendering(cda.read(a_cda(body=body)))

    assert rendering.html.startswith('<p class="lead">Compte rendu de consultation')
    assert rendering.html.count("<p") == 1
    assert rendering.files[0].startswith(b"%PDF")


ATTACKS = [
    '<paragraph onmouseover="alert(1)">A</paragraph>',
    '<content onclick="alert(1)" style="background:url(http://127.0.0.1:9)">A</content>',
    '<linkHtml href="javascript:alert(1)">A</linkHtml>',
    '<linkHtml href="http://127.0.0.1:9/">A</linkHtml>',
    '<table border="1" onmouseover="alert(1)"><tbody><tr><td onfocus="alert(1)">A</td></tr></tbody></table>',
    '<td colspan="2&quot; onmouseover=&quot;alert(1)">A</td>',
    '<table><tbody><tr><td rowspan="9999999999999999999">A</td></tr></tbody></table>',
    '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>',
    "<script>alert(1)</script>",
    '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><use href="#x"/></svg>',
    '<iframe src="javascript:alert(1)"/>',
    '<object data="http://127.0.0.1:9/"/>',
    '<img src="x" onerror="alert(1)"/>',
    '<renderMultiMedia referencedObject="javascript:alert(1)"/>',
    '<content styleCode="Bold&quot; onclick=&quot;alert(1)">A</content>',
    "&lt;img src=x onerror=alert(1)&gt;",
    "]]&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
    '<paragraph xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="javascript:alert(1)">A</paragraph>',
    '<include xmlns="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>',
]
ALLOWED = {
    "class",
    "role",
    "aria-label",
    "tabindex",
    "scope",
    "colspan",
    "rowspan",
    "src",
    "alt",
    "width",
    "height",
}


class Auditor(HTMLParser):
    """Fails on any element, attribute or address that is not ours."""

    def handle_starttag(self, tag, attributes):
        assert tag in inert_html.TAGS, tag
        for name, value in attributes:
            assert name in ALLOWED, name
            if name == "src":
                assert value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,"))

    def handle_comment(self, data):
        raise AssertionError("a comment")

    def handle_decl(self, decl):
        raise AssertionError("a declaration")


def audited(html):
    auditor = Auditor()
    auditor.feed(html)
    auditor.close()
    return html


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_survives(attack):
    audited(narrative.render(a_cda(attack)))


def test_header_and_titles_are_escaped():
    hostile = "&lt;script&gt;alert(1)&lt;/script&gt;"
    data = a_cda(family=hostile, given=hostile).replace(b"Conclusion", hostile.encode())

    assert "<script" not in audited(narrative.render(data))


def test_a_level_one_reference_is_not_followed():
    body = (
        '<nonXMLBody><text mediaType="text/html"><reference value="javascript:alert(1)"/></text></nonXMLBody>'
    )

    assert "javascript" not in audited(narrative.render(a_cda(body=body)))


def test_plain_text_is_shown_as_lines():
    body = level_one('mediaType="text/plain">un\n&lt;b&gt;deux')

    assert "<p>un<br>&lt;b&gt;deux</p>" in narrative.render(a_cda(body=body))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<a/>", "cda.absent"),
        (b"<x>" + a_cda().partition(b"?>\n")[2].partition(b"?>")[2] * 2 + b"</x>", "cda.several_documents"),
        (
            a_cda().replace(b"<author>", b"<recordTarget><patientRole/></recordTarget><author>"),
            "cda.several_holders",
        ),
    ],
)
def test_what_is_not_one_document_about_one_person_is_refused(data, code):
    with pytest.raises(Rejected) as rejected:
        cda.read(data)

    assert rejected.value.code == code


def test_a_self_displaying_document_is_unwrapped_and_not_run():
    document = a_cda().partition(b"?>\n")[2].partition(b"?>")[2]
    sheet = (
        b'<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><Contenu>'
        + document
        + b"</Contenu>"
        b'<xsl:template match="/"><script>alert(1)</script><xsl:value-of select="document(\'http://127.0.0.1:9\')"/>'
        b"</xsl:template></xsl:stylesheet>"
    )

    assert narrative.render(sheet) == narrative.render(a_cda())


def test_the_header_alone_reads_as_the_whole_does():
    data = a_cda("<table><tbody><tr><td>x</td></tr></tbody></table>")

    assert cda.read_header(data) == cda.read(data).header


@pytest.mark.corpus
@needs_corpora
def test_every_official_sample_is_rendered_whole_and_harmless():
    samples = sorted(CORPORA.glob("cda-fr-ans-*/*.xml"))
    assert len(samples) == 102

    for sample in samples:
        document = cda.read(sample.read_bytes())
        rendering = narrative.rendering(document)

        audited(rendering.html)
        assert document.header.ins, sample
        assert document.header.traits, sample
        assert rendering.html or rendering.files, sample
        assert "elle manque" not in rendering.html, sample
        for section in document.sections:
            words = " ".join(_words(section.text)) if section.text else ""
            shown = " ".join(re.sub(r"<[^>]+>", " ", rendering.html).split())
            for word in words.split()[:200]:
                assert narrative.escape(word, quote=False) in shown or narrative.escape(word) in shown, sample


def _words(element):
    for child in element.children:
        if isinstance(child, str):
            yield child
        else:
            yield from _words(child)
