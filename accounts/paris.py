"""The clock and the calendar that people live by: those of Paris, whatever the machine's.

An instant has no day of its own: at 00:30 in Paris it is still the day before in UTC. Whatever needs the
day or the hour of an instant asks here, and nowhere else (tests/contracts/test_days_are_those_of_paris.py).
Pure: no clock is read, no Django.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def paris_time(at: datetime) -> datetime:
    """The same instant, as a clock on a wall in Paris says it. Raises ValueError without an offset."""
    if at.tzinfo is None:
        raise ValueError("an instant without an offset has no hour in Paris")
    return at.astimezone(PARIS)


def paris_day(at: datetime) -> date:
    """The day that it is in Paris at this instant. Raises ValueError without an offset."""
    return paris_time(at).date()
