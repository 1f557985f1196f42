"""Text as Unicode writes it in one way (UAX 15), in a time that grows with its length.

Python sorts the marks that follow a letter in a time that grows with the square of their number: one second
for 60 kB of them, hours for a document. The standard has an answer (« Stream-Safe Text Format »): no language
writes more than thirty marks on one letter. Those beyond are left out. Pure.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

MOST_MARKS = 30


def normalized(form: Literal["NFKC", "NFKD"], text: str) -> str:
    """The text in this form, with thirty marks at most on any letter."""
    if len(text) > MOST_MARKS and not text.isascii():
        text = "".join(_with_few_marks(text))
    return unicodedata.normalize(form, text)


def _with_few_marks(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if _is_a_mark(character) else 0
        if marks <= MOST_MARKS:
            yield character


@lru_cache(maxsize=4096)
def _is_a_mark(character: str) -> bool:
    """Whether it is sorted among those that follow a letter: a mark, or what is written in full as one."""
    return unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) > 0
