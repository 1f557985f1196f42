"""An address says nothing about anybody: opaque identifiers, places in a list, steps of signing in."""

import re
from pathlib import Path

from django.urls.converters import IntConverter, UUIDConverter

from tests.contracts.test_routes import get_resolver, routes

ROOT = Path(__file__).parents[2]
# What follows « ? »: a place in a list, the page to come back to, another sign-in, what the page already
# shows, which lines to show; and what Pro Santé Connect answers by its standard.
ASKED = {"avant", "suite", "autre", "vu", "voir", "texte"} | {"code", "state", "iss", "error"}


def converters(resolver):
    for pattern in resolver.url_patterns:
        yield from pattern.pattern.converters.values()
        yield from converters(pattern) if hasattr(pattern, "url_patterns") else ()


def test_an_address_holds_identifiers_and_numbers_alone():
    assert len(dict(routes(get_resolver()))) > 50
    assert {type(each) for each in converters(get_resolver())} == {UUIDConverter, IntConverter}


def test_whatever_is_typed_is_sent_in_the_body():
    forms = [
        (path.name, form)
        for path in (ROOT / "templates").rglob("*.html")
        for form in re.findall(r"<form\b[^>]*>", path.read_text(encoding="utf-8"))
    ]

    assert len(forms) > 20
    assert [each for each in forms if 'method="post"' not in each[1]] == []


def test_what_is_read_after_the_question_mark_is_known():
    read = re.compile(r"\"(\w+)\" (?:not )?in request\.GET|request\.GET(?:\.get\(|\[)\s*\"(\w+)\"")
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for package in ("accounts", "api", "dmp", "portal")
        for path in (ROOT / package).rglob("*.py")
    )
    names = {one or other for one, other in read.findall(code)}

    assert names <= ASKED
    assert len(re.findall(r"request\.GET\b", code)) == len(read.findall(code)), "read in another way"
