"""How few tries a password is worth to somebody who knows what French people choose.

A modest list of our own (`common_words.txt`), and rules: what people write is made of a few words that many
write, of names, towns, clubs, months, years, rows of the keyboard, repetitions, and signs in the place of
letters. The cheapest way to write a password with those is what it is worth, in bits.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path

from .written import normalized


def _read() -> dict[str, frozenset[str]]:
    """The lists of `common_words.txt`, each under its heading."""
    lists: dict[str, list[str]] = {}
    for line in (Path(__file__).parent / "common_words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            under = lists.setdefault(line.removeprefix("# "), [])
        else:
            under.extend(line.split())
    return {heading: frozenset(words) for heading, words in lists.items()}


_LISTS = _read()
GIVEN_NAMES, _LITTLE = _LISTS["Given names"], _LISTS["Little words"]
COMMON = _LISTS["Written by many"] | _LISTS["Calendar"] | _LISTS["Places and clubs"] | GIVEN_NAMES
_ROWS = (
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1234567890",
    "aqwzsxedcrfvtgbyhnujikolpm",
    "1a2z3e4r5t6y7u8i9o0p",
    "aqwxszedcvfrtgbnhyujklpoi",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)
_IN_ORDER = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789")
_SEEN_AS = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "€": "e", "!": "i", "|": "il", "+": "t", "&": "e", "(": "c", "£": "l",
}  # fmt: skip

A_COMMON_WORD, A_LITTLE_WORD, A_ROW, A_YEAR, DISGUISED = 9.0, 5.0, 6.0, 7.0, 1.0
A_LETTER, A_DIGIT, ANOTHER_SIGN, A_SEPARATOR = 4.7, 3.33, 5.5, 2.0
ENOUGH_BITS = 34.0
LOOKED_AT = 72


def too_common(clear: str) -> bool:
    """Whether a password is made of what many people write."""
    return bits(clear) < ENOUGH_BITS


def plain(text: str) -> str:
    """Lower case, without accents nor ligatures: what is left is what people remember they typed."""
    text = normalized("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return "".join(c for c in text if not unicodedata.combining(c)).replace("’", "'")


def bits(clear: str) -> float:
    """The cheapest way of writing a password, piece by piece, in bits."""
    text = plain(clear)[:LOOKED_AT]
    upper = 1.0 if any(c.isupper() for c in clear) else 0.0
    return upper + min(_cheapest(text), _repeated(text), _cheapest(text[::-1]) + DISGUISED)


def _repeated(text: str) -> float:
    """The whole of it is one piece, several times."""
    for length in range(1, len(text) // 2 + 1):
        if text == (text[:length] * len(text))[: len(text)]:
            return _cheapest(text[:length]) + 2.0
    return float("inf")


def _cheapest(text: str) -> float:
    cost = [0.0] + [float("inf")] * len(text)
    for start in range(len(text)):
        for end, price in _pieces(text, start):
            cost[end] = min(cost[end], cost[start] + price)
    return cost[-1]


def _pieces(text: str, start: int) -> list[tuple[int, float]]:
    """What may stand here: where it ends and what it is worth."""
    sign = text[start]
    found = [(start + 1, A_LETTER if sign.isalpha() else A_DIGIT if sign.isdecimal() else ANOTHER_SIGN)]
    if not sign.isalnum():
        again = start > 0 and sign in text[:start]
        found.append((start + 1, 0.5 if again else A_SEPARATOR))
    found += _words(text, start)
    if match := _YEAR.match(text, start):
        found.append((match.end(), A_YEAR))
    found += [(match.end(), price) for form, price in _DATES if (match := form.match(text, start))]
    for row in (*_ROWS, *_IN_ORDER):
        for along in (row, row[::-1]):
            length = _shared(text, start, along)
            if length >= 3:
                found.append((start + length, A_ROW))
    length = len(text) - start - len(text[start:].lstrip(sign))
    if length >= 3:
        found.append((start + length, A_ROW))
    return found


_YEAR = re.compile(r"(19|20)\d\d")
_DATES = (
    (re.compile(r"(0?[1-9]|[12]\d|3[01])[ ./-]?(0?[1-9]|1[0-2])[ ./-]?(19|20)\d\d"), 15.0),
    (re.compile(r"(19|20)\d\d[ ./-]?(0[1-9]|1[0-2])[ ./-]?(0[1-9]|[12]\d|3[01])"), 15.0),
    (re.compile(r"(0[1-9]|[12]\d|3[01])[ ./-]?(0[1-9]|1[0-2])[ ./-]?\d\d"), 14.0),
)


def _shared(text: str, start: int, row: str) -> int:
    """How many signs from here on stand in this row, one after the other."""
    at, length = row.find(text[start]), 0
    while at >= 0 and start + length < len(text) and at + length < len(row):
        if text[start + length] != row[at + length]:
            break
        length += 1
    return length


def _words(text: str, start: int) -> list[tuple[int, float]]:
    found = []
    for first in (text[start], *_SEEN_AS.get(text[start], "")):
        for word, price in _by_first_letter().get(first, ()):
            end = start + len(word)
            if end > len(text):
                continue
            typed = text[start:end]
            if typed == word:
                found.append((end, price))
            elif len(word) >= 4 and all(
                a == b or b in _SEEN_AS.get(a, "") for a, b in zip(typed, word, strict=True)
            ):
                found.append((end, price + DISGUISED))
    return found


@cache
def _by_first_letter() -> dict[str, list[tuple[str, float]]]:
    letters: dict[str, list[tuple[str, float]]] = {}
    for words, price in (
        (COMMON, A_COMMON_WORD),
        (_LITTLE, A_LITTLE_WORD),
    ):
        for word in words:
            letters.setdefault(word[0], []).append((word, price))
    return letters


@cache
def published(shortest: int) -> frozenset[str]:
    """Passwords of that length at least which leaked and are on published lists: those that Django and zxcvbn
    carry. In lower case."""
    from django.contrib.auth.password_validation import CommonPasswordValidator
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    known = (*CommonPasswordValidator().passwords, *FREQUENCY_LISTS["passwords"])
    return frozenset(each.lower() for each in known if len(each) >= shortest)


def dictionary() -> tuple[str, ...]:
    """Our words, for an estimator that knows only English ones."""
    return tuple(sorted(COMMON))
