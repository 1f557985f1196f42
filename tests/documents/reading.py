"""A second reading of CDA documents, that shares nothing with the first: words in their order, authors.

Compared with what the page says, word for word: what is lost, glued or invented shows at once.
"""

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree  # the corpora are files of ours

HL7 = "{urn:hl7-org:v3}"
APART = {
    "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "list", "item", "paragraph", "br",
    "renderMultiMedia",
}  # fmt: skip
APART_IN_HTML = {
    "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "ul", "ol", "li", "p", "br", "div",
    "figure", "figcaption", "img", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip
# What the page says of its own: of files, never of care.
OURS = re.compile(
    r"Un fichier (?:PDF )?accompagne [^.:]*(?:: [^.]*\.|\.(?: Il se lit en téléchargeant le document\.)?)"
    r"|Une image est annoncée ici, mais elle manque dans le document\."
)


def expected(path: Path) -> tuple[list[str], list[str]]:
    """The words of the narrative in their order, titles included, and the names of authors."""
    root = ElementTree.parse(path).getroot()
    document = next(root.iter(f"{HL7}ClinicalDocument"))
    words: list[str] = []
    for body in document.iterfind(f"{HL7}component/{HL7}structuredBody"):
        for component in body.iterfind(f"{HL7}component"):
            _section(component.find(f"{HL7}section"), words)
    names = []
    for author in document.iterfind(f"{HL7}author/{HL7}assignedAuthor"):
        for name in author.iterfind(f"{HL7}assignedPerson/{HL7}name"):
            names += "".join(name.itertext()).split()
        for device in author.iterfind(f"{HL7}assignedAuthoringDevice/{HL7}softwareName"):
            names += "".join(device.itertext()).split()
        for organisation in author.iterfind(f"{HL7}representedOrganization/{HL7}name"):
            names += "".join(organisation.itertext()).split()
    return words, names


def _section(section, words: list[str]) -> None:
    if section is None:
        return
    for child in section:
        if child.tag == f"{HL7}title":
            words += "".join(child.itertext()).split()
        elif child.tag == f"{HL7}text":
            pieces: list[str] = []
            _pieces(child, pieces)
            words += "".join(pieces).split()
    for component in section.iterfind(f"{HL7}component"):
        _section(component.find(f"{HL7}section"), words)


def _pieces(element, pieces: list[str]) -> None:
    name = element.tag.removeprefix(HL7)
    apart = name in APART
    pieces.append(" " if apart else "")
    pieces.append(element.text or "")
    for child in element:
        _pieces(child, pieces)
        pieces.append(child.tail or "")
    if (
        name == "linkHtml"
        and (address := element.get("href", ""))
        and not address.startswith(("#", "javascript:"))
    ):
        said = "".join(element.itertext())
        if address.rpartition("//")[2].rstrip("/") not in said:
            pieces.append(f" ({address})" if said.strip() else address)
    pieces.append(" " if apart else "")


class Page(HTMLParser):
    """The words that a page says, in their order; those of its first sentence apart."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.lead: list[str] = []
        self.in_lead = False
        self.unseen = 0

    def handle_starttag(self, tag, attributes):
        classes = dict(attributes).get("class", "")
        if tag == "p" and classes == "lead":
            self.in_lead = True
        elif self.unseen or "visually-hidden" in classes:
            self.unseen += tag not in ("br", "img")
        if tag in APART_IN_HTML:
            self.pieces.append(" ")

    def handle_endtag(self, tag):
        if self.unseen:
            self.unseen -= 1
        elif tag == "p":
            self.in_lead = False
        if tag in APART_IN_HTML:
            self.pieces.append(" ")

    def handle_data(self, data):
        if not self.unseen:
            (self.lead if self.in_lead else self.pieces).append(data)


def said(html: str) -> tuple[list[str], list[str]]:
    """The words of the page after its first sentence, and those of that sentence."""
    page = Page()
    page.feed(html)
    page.close()
    return OURS.sub(" ", " ".join("".join(page.pieces).split())).split(), " ".join(page.lead).split()
