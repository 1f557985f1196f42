"""Text is brought to one form in a time that grows with its length, whatever it is made of."""

import time
import unicodedata
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import common_french, identity, logins, traits
from accounts.written import MOST_MARKS, normalized
from dmp.settings import BASE_DIR

# Two kinds of marks each, which are sorted: as such, and as what is written in full as marks.
HOSTILE = ("\u0301\u0323", "\uff9e\u0334", "\u0f73", "\u0344\u0323")


@given(st.text(max_size=MOST_MARKS))
@pytest.mark.parametrize("form", ["NFKC", "NFKD"])
def test_what_people_write_is_in_the_form_of_the_standard(form, text):
    assert normalized(form, "a" * MOST_MARKS + text) == unicodedata.normalize(form, "a" * MOST_MARKS + text)


@pytest.mark.parametrize("marks", HOSTILE, ids=ascii)
@pytest.mark.parametrize(
    "read", [traits.normalise, identity.card_serial, logins.normalised, common_french.plain]
)
def test_marks_without_end_take_no_more_time_than_letters(read, marks):
    first, *others = marks
    sorted_apart = first * 100_000 + "".join(others) * 100_000
    began = time.process_time()
    for text in (f"1{sorted_apart}", f"1{marks * 100_000}"):
        with suppress(identity.BadNumber):
            read(text)

    assert time.process_time() - began < 2


def test_nobody_else_calls_what_takes_longer():
    # a password as it is typed, at most 200 characters; one character of a terminal
    apart = {"accounts/written.py", "accounts/hashers.py", "dmp/terminal.py"}
    folders = ("access", "accounts", "api", "audit", "dmp", "documents", "dossiers", "history", "portal")
    sources = (source for folder in folders for source in Path(BASE_DIR, folder).rglob("*.py"))
    calling = {
        source.relative_to(BASE_DIR).as_posix()
        for source in sources
        if "unicodedata.normalize(" in source.read_text(encoding="utf-8")
    }

    assert calling == apart
