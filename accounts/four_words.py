"""Four words drawn for somebody who chooses a password: easy to keep, and out of reach of whoever guesses.

The words (`words.txt`) are ours and those of the French list of BIP-0039 (MIT licence), without the sad, the
violent and the ill ones. More than 2 048 of them, so that four are worth 44 bits.
"""

import secrets
from functools import cache
from pathlib import Path

HOW_MANY = 4


@cache
def words() -> tuple[str, ...]:
    return tuple((Path(__file__).parent / "words.txt").read_text(encoding="utf-8").split())


def draw() -> tuple[str, ...]:
    """Four words at random, none twice."""
    drawn: dict[str, None] = {}
    while len(drawn) < HOW_MANY:
        drawn[secrets.choice(words())] = None
    return tuple(drawn)
