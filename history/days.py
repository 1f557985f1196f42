"""The days that a cell names, as far as the cell says them."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from .revisions import current

# A day, or a month; nothing that stands inside a longer number.
_DATES = re.compile(r"(?<![\d/])(?:([0-9]{2})/)?([0-9]{2})/([0-9]{4})(?![\d/])")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Named:
    """A day of the calendar, or a month, or a year, when no more is said."""

    year: int
    month: int | None = None
    day: int | None = None

    @property
    def first(self) -> date:
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def last(self) -> date:
        month = self.month or 12
        return date(self.year, month, self.day or monthrange(self.year, month)[1])


def named(cell: str) -> list[Named]:
    """The dates of a cell in order. What no calendar has is not a date, nor is what was deleted."""
    text = current(cell)
    if _YEAR.fullmatch(text):
        return [Named(int(text))]
    found = []
    for day, month, year in _DATES.findall(text):
        one = Named(int(year), int(month), int(day) if day else None)
        try:
            one.first, one.last  # noqa: B018 - a date of no calendar raises
        except ValueError:
            continue
        found.append(one)
    return found


def says_only_a_day(cell: str) -> bool:
    """Whether the cell is one day written in figures: understanding it, one has read it whole."""
    found = named(cell)
    return len(found) == 1 and cell == f"{found[0].first:%d/%m/}{found[0].year:04}"
