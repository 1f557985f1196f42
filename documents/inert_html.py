"""The HTML that a narrative may become: these tags and attributes, images of ours, nothing that acts."""

import nh3

TAGS = {
    "h2", "h3", "h4", "h5", "h6", "p", "div", "ul", "ol", "li", "table", "caption", "thead", "tbody", "tfoot",
    "tr", "th", "td", "br", "strong", "em", "sub", "sup", "span", "figure", "figcaption", "img",
}  # fmt: skip
ATTRIBUTES = {
    "p": {"class"},
    "div": {"class", "role", "aria-label", "tabindex"},
    "table": {"class"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "img": {"src", "alt", "width", "height"},
}


def cleaned(html: str) -> str:
    """What of it may be shown. What is clean comes out as it was."""
    return nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags={"script", "style"},
        attributes=ATTRIBUTES,
        attribute_filter=_only_images_of_ours,
        url_schemes={"data"},
        link_rel=None,
    )


def _only_images_of_ours(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src":
        return value if value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,")) else None
    return value
