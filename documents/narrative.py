"""What a CDA says to people, as HTML of our own making.

Pure. No style sheet is executed and nothing is copied: each element of the narrative block has one fixed
rendering, whatever is unknown leaves its words alone, every text is escaped, nothing links out. nh3 looks
behind once more. Images come from the document itself and are written anew.
"""

import base64
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import nh3

from accounts.traits import normalise

from . import cda, days, inert_html, pictures
from .carried import PDF, TEXT, Media
from .cda import TURNING, Cda, Element, Signature
from .xmlguard import Rejected

FIRST_HEADING = 2  # the page's own title is the h1
TITLES = frozenset({"DR", "DOCTEUR", "DOCTEURE", "PR", "PROFESSEUR", "PROFESSEURE", "M", "MR", "MME", "MLLE"})
BORN = {"F": "née", "M": "né"}
# What stands inside a sentence, or a word.
RUN_ON = frozenset({"content", "sub", "sup", "br", "footnote", "footnoteRef", "caption", "linkHtml"})
CELLS = frozenset({"td", "th"})
GROUPS = frozenset({"thead", "tbody", "tfoot"})


NUMBERINGS = {"littlealpha": "a", "bigalpha": "A", "littleroman": "i", "bigroman": "I", "arabic": "1"}
WORDS_OF_OURS = frozenset({"footnote", "footnoteRef", "linkHtml"})
CALLED = {"delete": ("del", "supprimé"), "insert": ("ins", "ajouté")}
MOST_OF_AN_ADDRESS = 500  # characters
ADDRESS = re.compile(r"(?:https?|ftps?|mailto|tel|fax|sip|file):|[^:#]+(?:[/?#]|$)", re.IGNORECASE)
# Why the pages of a PDF that travels in a document are not shown.
NOT_SHOWN = {
    "pdf.password": "il est protégé par un mot de passe",
    "pdf.no_page": "il n’a aucune page",
    "pdf.too_complex": "il est trop lourd à lire sans danger",
}

NOTHING_MORE = "<p>Ce document ne contient aucun texte.</p>"

# Draws the pages of a PDF after the narrative; answers with the code for which it could not, if any.
Attach = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Rendering:
    """The narrative, and the PDF files that travel in the document, to be shown after it."""

    html: str
    files: tuple[bytes, ...]


def render(data: bytes) -> str:
    """The HTML of a CDA document. Raises xmlguard.Rejected with its code."""
    return rendering(cda.read(data)).html


def rendering(document: Cda, attach: Attach = lambda _: "") -> Rendering:
    """Of a level 1 document the body is shown, and everything that travels in the others, told where it comes
    or at the end. What `attach` raises leaves unchanged."""
    writer = _Writer(document.media, attach)
    parts = [_header(document)]
    if document.body is not None:
        parts.append(writer.body(document.body))
    for section in document.sections:
        if section.title:
            level = min(FIRST_HEADING + section.level - 1, 6)
            parts.append(f"<h{level}>{escape(section.title)}</h{level}>")
            writer.place = section.title
        if section.text is not None:
            writer.number_notes(section.text)
            parts.append(writer.flow(section.text.children))
    parts += writer.others()
    if not any(parts[1:]) and not writer.files:
        parts.append(NOTHING_MORE)
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
    if authors := _signed(header.authors):
        sentence += f" par {authors}" if header.written_on else f", établi par {authors}"
    if header.traits:
        traits = header.traits
        sentence += f", pour {traits.first_given_name} {traits.used_name or traits.birth_name}"
        if len(traits.birth_date) == 8:
            year, month, day = traits.birth_date[:4], traits.birth_date[4:6], traits.birth_date[6:]
            sentence += f", {BORN.get(traits.sex, 'né(e)')} le {day}/{month}/{year}"
    named = {_name(author) for author in header.authors}
    of_parts = dict.fromkeys(author for section in document.sections for author in section.authors)
    for several, act in (
        (of_parts, "Certaines parties sont établies par"),
        (header.signatories, "Signé par"),
        (header.attesting, "Validé par"),
    ):
        if others := [one for one in several if one not in header.authors and _name(one) not in named - {""}]:
            sentence += f". {act} {_signed(others)}"
    return f'<p class="lead">{escape(sentence)}.</p>'


def _name(one: Signature) -> str:
    """The words of a person's name, without the title that some write and others do not."""
    return " ".join(sorted(set(normalise(one.person).split()) - TITLES)) or one.person


def _signed(several: Sequence[Signature]) -> str:
    """« Dr Anne LEFÈVRE, Cabinet des Tilleuls » ; of several, each with its place: « A (X), B (Y) et C »."""
    if len(several) == 1:
        return ", ".join(filter(None, (several[0].person, several[0].device, several[0].organisation)))
    each = [_with_place(one) for one in several]
    return " et ".join(filter(None, (", ".join(each[:-1]), *each[-1:])))


def _with_place(one: Signature) -> str:
    who = ", ".join(filter(None, (one.person, one.device)))
    return f"{who} ({one.organisation})" if who and one.organisation else who or one.organisation


Inline = Callable[[str], str]
STYLES: Mapping[str, Inline] = {
    "bold": lambda inner: f"<strong>{inner}</strong>",
    "italics": lambda inner: f"<em>{inner}</em>",
    "emphasis": lambda inner: f"<em>{inner}</em>",
    "bolditalics": lambda inner: f"<strong><em>{inner}</em></strong>",
}


class _Writer:
    """Writes narrative blocks, and gathers the files they show."""

    def __init__(self, media: Mapping[str, Media], attach: Attach) -> None:
        self.media, self.attach = media, attach
        self.files: list[bytes] = []
        self.shown: set[int] = set()  # what was shown already, by identity
        self.place = ""
        self.notes: dict[str, str] = {}  # what each note that is referred to is called

    def body(self, media: Media) -> str:
        """The one file that a level 1 document consists of."""
        if media.media_type == TEXT and media.content is not None:
            return _lines(media)
        if media.media_type == PDF and media.content is not None:
            self.files.append(media.content)
            if code := self.attach(media.content):  # nothing else to show
                raise Rejected(code)
            return ""
        return self.show(media, "", where="ce document", what="Le contenu de ce document")

    def flow(self, children: Iterable[Element | str]) -> str:
        """Blocks one after the other; words between them become paragraphs."""
        parts: list[str] = []
        run: list[Element | str] = []

        def paragraph() -> None:
            if inner := self.inlines(run).strip():
                parts.append(f"<p>{inner}</p>")
            run.clear()

        for child in children:
            if isinstance(child, Element) and (child.holds_blocks or child.name == "caption"):
                paragraph()
                parts.append(self.block(child))
            else:
                run.append(child)
        paragraph()
        return "".join(parts)

    def block(self, element: Element) -> str:
        if element.name == "caption":
            return self.revised(element, self.captions([element]))
        match element.name:
            case "table":
                inner = self.table(element)
            case "list":
                inner = self.list(element)
            case "paragraph":
                inner = self.paragraph(element)
            case "renderMultiMedia":
                inner = self.multimedia(element)
            case "linkHtml":
                address = self.link(element, "")
                inner = self.flow(element.children) + (f"<p>{address}</p>" if address else "")
            case "footnote":
                inner = f"<p>{self.note(element)}\u00a0:</p>{self.flow(element.children)}"
            case _:
                inner = self.flow(element.children)
        return self.revised(element, inner)

    def paragraph(self, element: Element) -> str:
        if any(_stands_alone(child) for child in element.children):
            return self.flow(element.children)
        inner = self.styled(element, self.inlines(element.children))
        return f"<p>{inner}</p>" if inner.strip() else ""

    def inline(self, element: Element) -> str:
        inner = self.inlines(element.children)
        match element.name:
            case "br":
                return "<br>"
            case "sub" | "sup":
                inner = f"<{element.name}>{inner}</{element.name}>" if inner.strip() else inner
            case "footnote":
                inner = f" ({self.note(element)}\u00a0: {inner.strip()})" if inner.strip() else ""
            case "footnoteRef":
                name = self.notes.get(element.attributes.get("IDREF", ""), "")
                said = f"<sup>{inner}</sup>" if inner.strip() else ""
                inner = said + (f" (voir {name})" if name else "")
            case "caption":
                inner = f"<strong>{inner.strip()}</strong> " if inner.strip() else ""
            case "linkHtml":
                inner = self.link(element, inner)
            case name if name not in RUN_ON:  # out of its place, or of no place that we know
                inner = f" {inner} "
        return self.revised(element, self.styled(element, inner))

    def inlines(self, children: Iterable[Element | str]) -> str:
        parts: list[str] = []
        after_a_revision = after_words_of_ours = False
        for child in children:
            if isinstance(child, str):
                if after_words_of_ours and child[:1].isalnum():
                    parts.append(" ")
                parts.append(escape(child))
                after_a_revision = after_words_of_ours = False
                continue
            # What replaces does not touch what is replaced, nor what goes on our own words.
            replaces = after_a_revision and _is_revised_at(child, 0)
            if replaces or (after_words_of_ours and _plain(child)[:1].isalnum()):
                parts.append(" ")
            written = self.inline(child)
            parts.append(written)
            if written.strip():
                after_words_of_ours = _ends_with_ours(child)
                after_a_revision = _is_revised_at(child, -1)
        return "".join(parts)

    def styled(self, element: Element, inner: str) -> str:
        wanted = element.attributes.get("styleCode", "").lower().split()
        if not inner.strip():
            return inner
        for style, dress in STYLES.items():
            inner = dress(inner) if style in wanted else inner
        return inner

    def revised(self, element: Element, inner: str) -> str:
        """What was taken out or put in, with words for those who do not see the line."""
        tag, said = CALLED.get(_revision(element), ("", ""))
        if not tag or not inner.strip():
            return inner
        begins, ends = (
            f'<span class="visually-hidden">{word}</span>'
            for word in (f"[{said}\u00a0: ", f" fin du texte {said}]")
        )
        return f"<{tag}>{begins}{inner}{ends}</{tag}>"

    def link(self, element: Element, inner: str) -> str:
        """The words of a link, then where it leads, as text: nothing links out."""
        address = "".join(c for c in element.attributes.get("href", "") if c.isprintable()).strip()
        if not ADDRESS.match(address):
            return inner
        if _bare(address) in map(_bare, _plain(element).split()):
            return inner
        if len(address) > MOST_OF_AN_ADDRESS:
            address = f"{address[:MOST_OF_AN_ADDRESS]}…"
        said = escape(address)
        inner = inner if inner.strip() else escape(element.attributes.get("title", "").strip())
        return f"{inner.rstrip()} ({said})" if inner.strip() else f" {said}"

    # Notes ------------------------------------------------------------------------------------

    def number_notes(self, text: Element) -> None:
        """Name the notes to which something refers."""
        notes, referred = [], set()
        pending = [text]
        while pending:
            here = pending.pop()
            pending += reversed(_elements(here))
            if here.name == "footnote" and (name := here.attributes.get("ID")):
                notes.append(name)
            elif here.name == "footnoteRef":
                referred.add(here.attributes.get("IDREF", ""))
        for name in notes:
            if name in referred:
                self.notes.setdefault(name, f"note\u00a0{len(self.notes) + 1}")

    def note(self, element: Element) -> str:
        return self.notes.get(element.attributes.get("ID", ""), "note")

    # Lists ------------------------------------------------------------------------------------

    def list(self, element: Element) -> str:
        is_ordered = element.attributes.get("listType", "").strip().lower() == "ordered"
        tag = "ol" if is_ordered else "ul"
        opening = f"ol{_numbering(element)}" if is_ordered else "ul"
        captions = [child for child in _elements(element) if child.name == "caption"]
        items = []
        for child in element.children:
            if isinstance(child, Element) and child.name == "item":
                items.append(self.revised(child, self.cell(child)))
            elif isinstance(child, str):
                if child.strip():
                    items.append(escape(child.strip()))
            elif child.name != "caption":
                items.append(self.flow([child]))
        inner = "".join(f"<li>{item}</li>" for item in items)
        return self.captions(captions) + (f"<{opening}>{inner}</{tag}>" if items else "")

    def captions(self, several: Iterable[Element]) -> str:
        said = (
            self.flow(each.children) if each.holds_blocks else self.inlines(each.children) for each in several
        )
        return "".join(
            words if words.startswith("<p>") else f"<p><strong>{words.strip()}</strong></p>"
            for words in said
            if words.strip()
        )

    def cell(self, element: Element) -> str:
        """What a cell or an item holds: plain words without a paragraph around them."""
        if any(_stands_alone(child) for child in element.children):
            return self.flow(element.children)
        return self.styled(element, self.inlines(element.children).strip())

    # Tables -----------------------------------------------------------------------------------

    def table(self, element: Element) -> str:
        captions = [child for child in _elements(element) if child.name == "caption"]
        inner = " ".join(
            self.revised(
                each, self.flow(each.children) if each.holds_blocks else self.inlines(each.children).strip()
            )
            for each in captions
        )
        said = f"<caption>{inner}</caption>" if inner.strip() else ""
        astray = [child for child in element.children if not _is(child, {"tr", "caption", *GROUPS})]
        groups = ""
        bare: list[Element] = []
        for child in _elements(element):
            if child.name == "tr":
                bare.append(child)
            elif child.name in GROUPS:
                groups += self.group_of("tbody", bare) + self.revised_group(child)
                astray += [
                    part for inner in child.children if not _is(inner, {"tr"}) for part in (" ", inner)
                ]
                bare = []
        groups += self.group_of("tbody", bare)
        for row in (
            row for child in (element, *_elements(element)) for row in _elements(child) if row.name == "tr"
        ):
            astray += [part for child in row.children if not _is(child, CELLS) for part in (" ", child)]
        label = escape(f"Tableau : {self.place}" if self.place else "Tableau")
        return (
            f'<div class="scroller" role="group" aria-label="{label}" tabindex="0">'
            f'<table class="data-table">{said}{groups}</table></div>{self.flow(astray)}'
        )

    def revised_group(self, element: Element) -> str:
        rows = [row for row in _elements(element) if row.name == "tr"]
        return self.group_of(element.name, rows, _revision(element))

    def group_of(self, name: str, rows: Iterable[Element], revised: str = "") -> str:
        inner = "".join(self.row(row, name, revised) for row in rows)
        return f"<{name}>{inner}</{name}>" if inner else ""

    def row(self, element: Element, group: str, revised: str) -> str:
        cells = [child for child in _elements(element) if child.name in CELLS]
        scope = _scope(cells, group)
        written = []
        for cell in cells:
            inner = self.cell(cell)
            # What was taken out with its row stays so, whatever is said of its cell.
            for revision in dict.fromkeys((_revision(cell), _revision(element), revised)):
                inner = self.revised(Element(cell.name, {"revised": revision}), inner)
            span = _span(cell)
            if cell.name == "th" and inner:
                written.append(f'<th scope="{scope}"{span}>{inner}</th>')
            else:  # a heading that says nothing is no heading
                written.append(f"<td{span}>{inner}</td>")
        return f"<tr>{''.join(written)}</tr>"

    # Images and files -------------------------------------------------------------------------

    def multimedia(self, element: Element) -> str:
        said = (
            self.inlines(child.children if isinstance(child, Element) else [child]).strip()
            for child in element.children
        )
        caption = " ".join(filter(None, said))
        names = element.attributes.get("referencedObject", "").split() or [""]
        first, *others = names
        return self.show(self.media.get(first), caption) + "".join(
            self.show(self.media.get(name), "") for name in others
        )

    def others(self) -> Iterable[str]:
        """What travels in the document and that no passage shows."""
        for media in self.media.values():
            if id(media) not in self.shown:
                yield self.show(media, "", where="ce document")

    def show(
        self,
        media: Media | None,
        caption: str,
        *,
        where: str = "ce passage",
        what: str = "Une image annoncée ici",
    ) -> str:
        said = f"<p>{caption}</p>" if caption else ""
        if media is None:
            return f"{said}<p>Une image est annoncée ici, mais elle manque dans le document.</p>"
        again = id(media) in self.shown
        self.shown.add(id(media))
        if media.content is None and media.reference:
            name = escape(media.reference) if ADDRESS.match(media.reference) else ""
            called = f" («\u202f{name}\u202f»)" if name and len(name) <= MOST_OF_AN_ADDRESS else ""
            return (
                f"{said}<p>{what} est dans un autre fichier{called}, qui n’est pas joint."
                " Demandez-le à l’auteur du document.</p>"
            )
        if media.content is None:
            return f"{said}<p>Un fichier accompagne {where}, mais il est vide ou abîmé.</p>"
        if media.media_type == TEXT:
            return said + _lines(media)
        if media.media_type == PDF:
            if again:
                return f"{said}<p>Le fichier PDF annoncé plus haut accompagne aussi {where}.</p>"
            return said + self.pdf(media.content, where)
        picture = pictures.rewritten(media.content) if media.media_type.startswith("image/") else None
        if picture is None:
            return f"{said}<p>Un fichier accompagne {where}. Il se lit en téléchargeant le document.</p>"
        address = f"data:{picture.media_type};base64,{base64.b64encode(picture.content).decode()}"
        below = f"<figcaption>{caption}</figcaption>" if caption else ""
        return (
            f'<figure><img src="{address}" alt="{"" if caption else "Image jointe au document"}"'
            f' width="{picture.width}" height="{picture.height}">{below}</figure>'
        )

    def pdf(self, content: bytes, where: str) -> str:
        code = self.attach(content)
        if code:
            why = NOT_SHOWN.get(code, "il est abîmé")
            return (
                f"<p>Un fichier PDF accompagne {where}, mais ses pages ne peuvent pas être montrées"
                f"\u00a0: {why}.</p>"
            )
        self.files.append(content)
        return f"<p>Un fichier PDF accompagne {where}\u00a0: ses pages suivent.</p>"


def _lines(media: Media) -> str:
    """The words of a text, line by line."""
    lines = TURNING.sub("", media.text()).strip().splitlines()
    return f"<p>{'<br>'.join(escape(line) for line in lines)}</p>"


def _revision(element: Element) -> str:
    return element.attributes.get("revised", "").strip().lower()


def _is_revised_at(child: Element | str, end: int) -> bool:
    """Whether its first words (`end` 0) or its last ones (-1) are revised."""
    while isinstance(child, Element):
        if _revision(child) in CALLED:
            return True
        inner = [each for each in child.children if each]
        if not inner:
            return False
        child = inner[end]
    return False


def _ends_with_ours(child: Element | str) -> bool:
    """Whether its last words are ours: a note, or an address."""
    while isinstance(child, Element):
        if child.name in WORDS_OF_OURS:
            return True
        inner = [each for each in child.children if each]
        if not inner:
            return False
        child = inner[-1]
    return False


def _bare(address: str) -> str:
    """An address without what does not tell it from another."""
    before, colon, after = address.strip("«»<>()[].,;\"'\u202f\u00a0").partition(":")
    return (after if colon and before.isalpha() else before + colon + after).removeprefix("//").rstrip("/")


def _numbering(element: Element) -> str:
    """How the items of an ordered list are numbered, which the text may refer to."""
    styles = element.attributes.get("styleCode", "").lower().split()
    return next((f' type="{NUMBERINGS[style]}"' for style in styles if style in NUMBERINGS), "")


def _stands_alone(child: Element | str) -> bool:
    return isinstance(child, Element) and (child.holds_blocks or child.name == "caption")


def _is(child: Element | str, names: Collection[str]) -> bool:
    """Whether it is one of these elements, or says nothing."""
    if isinstance(child, str):
        return not child.strip()
    return child.name in names


def _plain(element: Element) -> str:
    return "".join(child if isinstance(child, str) else _plain(child) for child in element.children)


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
        value = cell.attributes.get(side, "").strip()
        if value.isascii() and value.isdigit() and 1 < int(value[:4]) <= 100:
            written += f' {side}="{int(value)}"'
    return written
