"""What no page may do, whatever the test was about: run on every HTML answer of every portal test."""

from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

from django.http import HttpResponse
from django.test import Client

VOID = {"meta", "link", "input", "img", "br", "hr", "use", "path", "rect", "circle", "line"}
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
SPOKEN_ELSEWHERE = {"hidden", "submit", "button"}


class Page(HTMLParser):
    """What is counted while a page is read from top to bottom."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.labelled: set[str | None] = set()
        self.pointed_at: set[str] = set()
        self.fields: list[dict[str, Any]] = []
        self.headings: list[int] = []
        self.posts: list[bool] = []
        self.faults: list[str] = []
        self.title = ""
        self._in_title = False
        self._form: int | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        attributes = dict(pairs)
        self.tags[tag] += 1
        self._in_title = tag == "title" and self.tags["svg"] == 0
        if "id" in attributes:
            self.ids[attributes["id"] or ""] += 1
        for name in ("aria-describedby", "aria-labelledby"):
            self.pointed_at.update((attributes.get(name) or "").split())
        if tag == "label":
            self.labelled.add(attributes.get("for"))
        if tag in {"input", "select", "textarea"} and attributes.get("type") not in SPOKEN_ELSEWHERE:
            self.fields.append(attributes)
        if tag in HEADINGS:
            self.headings.append(int(tag[1]))
        if tag == "form" and (attributes.get("method") or "").lower() == "post":
            self.posts.append(False)
        if tag == "input" and attributes.get("name") == "csrfmiddlewaretoken" and self.posts:
            self.posts[-1] = True
        self._forbidden(tag, attributes)

    def _forbidden(self, tag: str, attributes: dict[str, str | None]) -> None:
        if tag == "img" and "alt" not in attributes:
            self.faults.append("image without alt")
        if tag == "script" and "src" not in attributes:
            self.faults.append("inline script")
        if tag == "style" or "style" in attributes:
            self.faults.append("inline style")
        if tag == "html" and attributes.get("lang") != "fr":
            self.faults.append("page without lang=fr")
        if tag == "th" and not attributes.get("scope"):
            self.faults.append("th without scope")
        if tag == "meta" and attributes.get("http-equiv") == "refresh":
            self.faults.append("page that moves on by itself")
        self.faults += [f"inline handler {name}" for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            value = attributes.get(name) or ""
            if value.startswith("javascript:"):
                self.faults.append("javascript address")
            if value.startswith(("//", "http:")) or (name == "src" and value.startswith("https:")):
                self.faults.append(f"something from elsewhere: {value}")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False


def faults(html: str) -> list[str]:
    """What is wrong with a page, or with a part of one; empty when nothing is."""
    page = Page(html)
    found = list(page.faults)
    if page.tags["html"]:
        found += _whole(page)
    found += [f"id {i} used twice" for i, n in page.ids.items() if n > 1]
    if page.tags["html"]:
        found += [f"nothing has the id {i}" for i in sorted(page.pointed_at - set(page.ids))]
    found += [
        f"field {field.get('name')} without label"
        for field in page.fields
        if field.get("id") not in page.labelled and "aria-label" not in field
    ]
    found += ["form without CSRF token"] * page.posts.count(False)
    found += [f"heading h{b} after h{a}" for a, b in pairwise(page.headings) if b > a + 1]
    return found


def _whole(page: Page) -> list[str]:
    found = []
    if page.tags["h1"] != 1:
        found.append(f"{page.tags['h1']} h1")
    if page.tags["main"] != 1:
        found.append(f"{page.tags['main']} main")
    if not page.title.endswith("– DMP") or page.title.startswith(" "):
        found.append(f"title « {page.title} »")
    return found


class Conscience(Client):
    """Django's client, which reads every HTML answer it gets and fails on the first that is not right."""

    def request(self, **request: Any) -> HttpResponse:
        response = super().request(**request)
        if response.get("Content-Type", "").startswith("text/html") and response.content:
            wrong = faults(response.content.decode())
            assert not wrong, f"{request['PATH_INFO']}: {'; '.join(wrong)}"
        return response
