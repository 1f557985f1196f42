"""Calendar days in the words that lists and narratives show, prepared once for each day."""

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from accounts.typed_days import MONTHS

SHORT_MONTHS = (
    "janv.", "févr.", "mars", "avr.", "mai", "juin",
    "juil.", "août", "sept.", "oct.", "nov.", "déc.",
)  # fmt: skip


class Day(NamedTuple):
    iso: str  # 2019-11-12
    number: str  # 12, 1er
    month: str  # nov.
    year: str
    said: str  # 12 novembre 2019


@lru_cache(maxsize=4096)
def day(on: date) -> Day:
    number = "1er" if on.day == 1 else str(on.day)
    return Day(
        on.isoformat(),
        number,
        SHORT_MONTHS[on.month - 1],
        str(on.year),
        f"{number}\u00a0{MONTHS[on.month - 1]}\u00a0{on.year}",
    )


def said(on: date) -> str:
    return day(on).said
