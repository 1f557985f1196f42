"""The HTML that a narrative may become: these tags and attributes, images of ours, nothing that acts."""

import re

TAGS = {
    "h2", "h3", "h4", "h5", "h6", "p", "div", "ul", "ol", "li", "table", "caption", "thead", "tbody", "tfoot",
    "tr", "th", "td", "br", "strong", "em", "del", "ins", "sub", "sup", "span", "figure", "figcaption", "img",
}  # fmt: skip
ATTRIBUTES = {
    "p": {"class"},
    "span": {"class"},
    "ol": {"type"},
    "div": {"class", "role", "aria-label", "tabindex"},
    "table": {"class"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "img": {"src", "alt", "width", "height"},
}
IMAGES = ("data:image/png;base64,", "data:image/jpeg;base64,")  # written anew by us
ALONE = frozenset({"br", "img"})  # without an end
DEEPEST = 500

TAG = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: [a-z-]+="[^"]*")*)>')
ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')


def is_inert(html: str) -> bool:
    """Whether it is made of these tags and attributes alone, written as nh3 writes them, each one ended.

    Takes one pass, whatever it is given: no tree is built of what a hostile child may have written.
    """
    open_tags: list[str] = []
    at = html.find("<")
    while at >= 0:
        tag = TAG.match(html, at)
        if tag is None or not _is_known(tag[2], tag[3]):
            return False
        if tag[1]:
            if tag[3] or not open_tags or open_tags.pop() != tag[2]:
                return False
        elif tag[2] not in ALONE:
            open_tags.append(tag[2])
        if len(open_tags) > DEEPEST:
            return False
        at = html.find("<", tag.end())
    return not open_tags


def _is_known(tag: str, attributes: str) -> bool:
    if tag not in TAGS:
        return False
    allowed = ATTRIBUTES.get(tag, set())
    return all(
        name in allowed and (name != "src" or value.startswith(IMAGES))
        for name, value in ATTRIBUTE.findall(attributes)
    )
