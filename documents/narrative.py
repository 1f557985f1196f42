"""What a CDA says to people, as HTML of our own making.

Pure. No style sheet is executed and nothing is copied: each element of the narrative block has one fixed
rendering, whatever is unknown leaves its words alone, every text is escaped, nothing links out. nh3 looks
behind once more. Images come from the document itself and are written anew.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape

import nh3

from . import cda, days, inert_html, pictures
from .cda import Cda, Element, Media

PDF = "application/pdf"
FIRST_HEADING = 2  # the page's own title is the h1
BORN = {"F": "née", "M": "né"}
CELLS = frozenset({"td", "th"})
GROUPS = frozenset({"thead", "tbody", "tfoot"})


@dataclass(frozen=True, slots=True)
class Rendering:
    """The narrative, and the PDF files that travel in the document, to be shown after it.

    A level 1 document around a PDF has no narrative of its own: `html` is empty, the file is all.
    """

    html: str
    files: tuple[bytes, ...]


def render(data: bytes) -> str:
    """The HTML of a CDA document. Raises xmlguard.Rejected with its code."""
    return rendering(cda.read(data)).html


def rendering(document: Cda) -> Rendering:
    body = document.body
    if body is not None and body.media_type == PDF and body.content is not None:
        return Rendering("", (body.content,))
    writer = _Writer(document.media)
    parts = [_header(document)]
    if body is not None:
        parts.append(writer.body(body))
    for section in document.sections:
        if section.title:
            level = min(FIRST_HEADING + section.level - 1, 6)
            parts.append(f"<h{level}>{escape(section.title)}</h{level}>")
            writer.place = section.title
        if section.text is not None:
            parts.append(writer.flow(section.text.children))
    return Rendering(_second_look("".join(parts)), tuple(writer.files))


def _second_look(html: str) -> str:
    return nh3.clean(
        html,
        tags=inert_html.TAGS,
        clean_content_tags={"script", "style"},
        attributes=inert_html.ATTRIBUTES,
        attribute_filter=_only_images_of_ours,
        url_schemes={"data"},
        link_rel=None,
    )


def _only_images_of_ours(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src":
        return value if value.startswith(inert_html.IMAGES) else None
    return value


def _header(document: Cda) -> str:
    """One sentence: what it is, when, by whom, for whom."""
    header = document.header
    sentence = header.title or "Document"
    if header.written_on:
        sentence += f", établi le {days.said(header.written_on)}"
    if author := ", ".join(filter(None, (header.author, header.organisation))):
        sentence += f" par {author}" if header.written_on else f", établi par {author}"
    if header.traits:
        traits = header.traits
        sentence += f", pour {traits.first_given_name} {traits.used_name or traits.birth_name}"
        if len(traits.birth_date) == 8:
            year, month, day = traits.birth_date[:4], traits.birth_date[4:6], traits.birth_date[6:]
            sentence += f", {BORN.get(traits.sex, 'né(e)')} le {day}/{month}/{year}"
    return f'<p class="lead">{escape(sentence)}.</p>'


Inline = Callable[[str], str]
STYLES: Mapping[str, Inline] = {
    "bold": lambda inner: f"<strong>{inner}</strong>",
    "italics": lambda inner: f"<em>{inner}</em>",
    "bolditalics": lambda inner: f"<strong><em>{inner}</em></strong>",
}


class _Writer:
    """Writes narrative blocks, and gathers the files they show."""

    def __init__(self, media: Mapping[str, Media]) -> None:
        self.media = media
        self.files: list[bytes] = []
        self.place = ""

    def body(self, media: Media) -> str:
        """The one file that a level 1 document consists of."""
        if media.media_type.startswith("text/plain") and media.content is not None:
            lines = media.content.decode(errors="replace").strip().splitlines()
            return f"<p>{'<br>'.join(escape(line) for line in lines)}</p>"
        return self.show(media, "")

    def flow(self, children: Iterable[Element | str]) -> str:
        """Blocks one after the other; words between them become paragraphs."""
        parts: list[str] = []
        words: list[str] = []

        def paragraph() -> None:
            if "".join(words).strip():
                parts.append(f"<p>{''.join(words).strip()}</p>")
            words.clear()

        for child in children:
            if isinstance(child, str):
                words.append(escape(child))
            elif child.holds_blocks:
                paragraph()
                parts.append(self.block(child))
            else:
                words.append(self.inline(child))
        paragraph()
        return "".join(parts)

    def block(self, element: Element) -> str:
        match element.name:
            case "table":
                return self.table(element)
            case "list":
                return self.list(element)
            case "paragraph":
                return self.paragraph(element)
            case "renderMultiMedia":
                return self.multimedia(element)
        return self.flow(element.children)

    def paragraph(self, element: Element) -> str:
        if any(isinstance(child, Element) and child.holds_blocks for child in element.children):
            return self.flow(element.children)
        inner = self.styled(element, self.inlines(element.children))
        return f"<p>{inner}</p>" if inner.strip() else ""

    def inline(self, element: Element) -> str:
        inner = self.inlines(element.children)
        match element.name:
            case "br":
                return "<br>"
            case "sub" | "sup":
                return f"<{element.name}>{inner}</{element.name}>"
            case "footnoteRef":
                return f"<sup>{inner}</sup>"
        return self.styled(element, inner)

    def inlines(self, children: Iterable[Element | str]) -> str:
        return "".join(escape(child) if isinstance(child, str) else self.inline(child) for child in children)

    def styled(self, element: Element, inner: str) -> str:
        wanted = element.attributes.get("styleCode", "").lower().split()
        for style, dress in STYLES.items():
            inner = dress(inner) if style in wanted else inner
        return inner

    # Lists ------------------------------------------------------------------------------------

    def list(self, element: Element) -> str:
        tag = "ol" if element.attributes.get("listType", "").lower() == "ordered" else "ul"
        items = [child for child in _elements(element) if child.name == "item"]
        inner = "".join(f"<li>{self.caption(item)}{self.cell(item)}</li>" for item in items)
        return self.caption(element) + (f"<{tag}>{inner}</{tag}>" if items else "")

    def caption(self, element: Element) -> str:
        return "".join(
            f"<p><strong>{self.inlines(child.children)}</strong></p>"
            for child in _elements(element)
            if child.name == "caption"
        )

    def cell(self, element: Element) -> str:
        """What a cell or an item holds: plain words without a paragraph around them."""
        children = [child for child in element.children if isinstance(child, str) or child.name != "caption"]
        if any(isinstance(child, Element) and child.holds_blocks for child in children):
            return self.flow(children)
        return self.styled(element, self.inlines(children).strip())

    # Tables -----------------------------------------------------------------------------------

    def table(self, element: Element) -> str:
        caption = next((child for child in _elements(element) if child.name == "caption"), None)
        said = f"<caption>{self.inlines(caption.children)}</caption>" if caption else ""
        groups = "".join(self.group(child) for child in _elements(element) if child.name in GROUPS)
        bare = [child for child in _elements(element) if child.name == "tr"]
        if bare:
            groups += f"<tbody>{''.join(self.row(row, 'tbody') for row in bare)}</tbody>"
        label = escape(f"Tableau : {self.place}" if self.place else "Tableau")
        return (
            f'<div class="scroller" role="group" aria-label="{label}" tabindex="0">'
            f'<table class="data-table">{said}{groups}</table></div>'
        )

    def group(self, element: Element) -> str:
        rows = "".join(self.row(row, element.name) for row in _elements(element) if row.name == "tr")
        return f"<{element.name}>{rows}</{element.name}>" if rows else ""

    def row(self, element: Element, group: str) -> str:
        cells = [child for child in _elements(element) if child.name in CELLS]
        scope = _scope(cells, group)
        written = []
        for cell in cells:
            inner = self.cell(cell)
            span = _span(cell)
            if cell.name == "th" and inner:
                written.append(f'<th scope="{scope}"{span}>{inner}</th>')
            else:  # a heading that says nothing is no heading
                written.append(f"<td{span}>{inner}</td>")
        return f"<tr>{''.join(written)}</tr>"

    # Images and files -------------------------------------------------------------------------

    def multimedia(self, element: Element) -> str:
        caption = " ".join(self.inlines(child.children) for child in _elements(element)).strip()
        names = element.attributes.get("referencedObject", "").split()
        return "".join(self.show(self.media.get(name), caption) for name in names)

    def show(self, media: Media | None, caption: str) -> str:
        said = f"<figcaption>{caption}</figcaption>" if caption else ""
        if media is None or media.content is None:
            return "<p>Une image est annoncée ici, mais elle manque dans le document.</p>"
        if media.media_type == PDF:
            self.files.append(media.content)
            return "<p>Un fichier PDF accompagne ce passage : ses pages suivent.</p>"
        picture = pictures.rewritten(media.content) if media.media_type.startswith("image/") else None
        if picture is None:
            return "<p>Un fichier accompagne ce passage. Il se lit en téléchargeant le document.</p>"
        address = f"data:{picture.media_type};base64,{base64.b64encode(picture.content).decode()}"
        return (
            f'<figure><img src="{address}" alt="{"" if caption else "Image jointe au document"}"'
            f' width="{picture.width}" height="{picture.height}">{said}</figure>'
        )


def _elements(element: Element) -> list[Element]:
    return [child for child in element.children if isinstance(child, Element)]


def _scope(cells: list[Element], group: str) -> str:
    if group == "thead":
        return "col"
    if any(cell.name == "td" for cell in cells):
        return "row"
    return "rowgroup" if len(cells) == 1 else "col"


def _span(cell: Element) -> str:
    written = ""
    for side in ("colspan", "rowspan"):
        value = cell.attributes.get(side, "")
        if value.isascii() and value.isdigit() and 1 < int(value[:4]) <= 100:
            written += f' {side}="{int(value)}"'
    return written
