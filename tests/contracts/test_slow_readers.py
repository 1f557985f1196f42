"""The pages that count are read by people who read slowly: short sentences, one idea each.

Read from the templates, each `{% if %}` by its longest branch: no visitor reads a longer sentence than
the one counted here.
"""

import re
from html.parser import HTMLParser
from statistics import median

import pytest
from django.template import engines
from django.template.base import Node, NodeList, TextNode, VariableNode
from django.template.defaulttags import ForNode, IfNode
from django.template.loader_tags import BlockNode, ExtendsNode, IncludeNode

from dossiers import information
from portal.counter.forms import AgreementForm
from portal.public.questions import ConsentForm
from portal.public.signing_in import SignInForm

MEDIAN, LONGEST = 9, 18  # words
PAGES = {
    "information": [],
    "consent": ["public/enrolment/consent.html"],
    "sheet": [
        f"counter/sheets/{name}.html"
        for name in (
            *("awake", "first_code", "wake_code", "letter", "silence"),
            *("no_access", "second_visit", "woken"),
        )
    ],
    "sign-in": ["public/sign_in.html", "public/sign_in_code.html", "public/asleep.html"],
    "first visit": ["public/first_password.html", "counter/sheets/_first_visit.html"],
    "who can read": ["patient/people.html", "patient/withdraw.html"],
    "her home": ["patient/home.html"],
    "public home": ["public/home.html"],
    "help": ["public/help.html"],
    "counter, aloud": [
        f"counter/{name}.html" for name in ("agreement", "_contacts", "code", "exists", "turned", "thinking")
    ],
}
APART = frozenset(
    ("p", "li", "h1", "h2", "h3", "dt", "dd", "summary", "legend", "label", "button", "div", "section")
)


FORMS = {"consent": ConsentForm, "counter, aloud": AgreementForm, "sign-in": SignInForm}


class Words(HTMLParser):
    """The text, a line for each element that stands apart; what is drawn or hidden says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.drawn = "", 0

    def handle_starttag(self, tag, attrs):
        self.drawn += tag == "svg"
        if tag in APART or tag in {"br", "input"}:
            self.text += "\n"

    def handle_endtag(self, tag):
        self.drawn -= tag == "svg"
        if tag in APART:
            self.text += "\n"

    def handle_data(self, data):
        if not self.drawn:
            self.text += data


def written(node: Node | NodeList) -> str:
    """What a part of a template writes: a word for each value, the longest branch of each choice."""
    match node:
        case TextNode():
            return node.s
        case VariableNode():
            return "valeur"
        case IfNode():
            return max((written(branch) for _, branch in node.conditions_nodelists), key=count, default="")
        case IncludeNode():
            name = node.template.var
            return written(template(name).nodelist) if isinstance(name, str) else ""
        case ForNode():
            return written(node.nodelist_loop)
        case BlockNode() if node.name in {"title", "space"}:
            return ""
        case NodeList():
            return "".join(map(written, node))
    inside = getattr(node, "nodelist", None)
    return written(inside) if inside else ""


def count(text: str) -> int:
    return len(re.findall(r"[\wÀ-ÿ’'-]+", re.sub(r"<[^>]*>", " ", text)))


def template(name: str):
    return engines["django"].get_template(name).template


def body(name: str) -> str:
    nodes = template(name).nodelist
    blocks = [block for node in nodes if isinstance(node, ExtendsNode) for block in node.blocks.values()]
    return "\n".join(map(written, blocks)) if blocks else written(nodes)


def sentences(html: str) -> list[str]:
    reader = Words()
    reader.feed(html)
    found = re.split(r"\n|(?<=[.?!…])[\s»]+|\s[:;](?=\s)", reader.text)
    return [" ".join(one.split()) for one in found if count(one) > 2]


def said(page: str) -> list[str]:
    if page == "information":
        return [one for _, text in information.SECTIONS for one in sentences(f"<p>{text}</p>")]
    fields = FORMS[page].base_fields.values() if page in FORMS else ()
    asked = [f"<p>{text}</p>" for field in fields for text in (field.label, field.help_text)]
    return [one for html in (*map(body, PAGES[page]), *asked) for one in sentences(html)]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_counts_is_read_a_short_sentence_at_a_time(page):
    found = said(page)

    assert len(found) > 5
    assert [one for one in found if count(one) > LONGEST] == []
    assert median(map(count, found)) <= MEDIAN


def test_sentences_are_counted_as_they_are_read():
    html = "<p>Il est parti <b>hier</b>. Attendez-le : il vient.</p><ul><li>Un mot de plus</li></ul>"

    assert sentences(html) == ["Il est parti hier.", "Un mot de plus"]
    assert count("L’accès s’ouvre au <b>premier code</b>") == 5
