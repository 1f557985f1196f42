"""Where somebody was born, in words, from the code that a card and a number carry.

The codes are those of the Insee: a commune of France, `99` and three digits for a country. Pure.
"""

from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("birth_places.txt")
ABROAD = "99"


def named(code: str) -> str:
    """« Rodez (12) », « Sénégal »; the code itself when nobody knows the place."""
    names = _names(code)
    if not names:
        return f"code {code}" if code else ""
    return names if code.startswith(ABROAD) else f"{names} ({_department(code)})"


def _department(code: str) -> str:
    return code[:3] if code.startswith(("97", "98")) else code[:2]


def _names(code: str) -> str:
    # One text searched, rather than a dictionary of forty thousand places in each process.
    text, key = _text(), f"\n{code} "
    start = text.find(key) if len(code) == 5 else -1
    return text[start + len(key) : text.index("\n", start + 1)] if start >= 0 else ""


@cache
def _text() -> str:
    return "\n" + FILE.read_text(encoding="utf-8")
