"""The day it is in the demonstration, written apart from the house's own calendar."""

from datetime import date, datetime

from django.utils import timezone


def today() -> date:
    return day_of(timezone.now())


def day_of(at: datetime) -> date:
    """The day of an instant in Paris, where the demonstration lives."""
    return timezone.localdate(at)
