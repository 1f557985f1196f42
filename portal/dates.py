"""Dates as French people read them, in Paris."""

import math
from datetime import date, datetime, timedelta

from accounts.paris import paris_day, paris_time
from accounts.typed_days import MONTHS
from documents.days import SHORT_MONTHS
from portal.typography import NBSP

WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")


def parsed(written: str) -> datetime:
    """The instant that `isoformat` wrote."""
    return datetime.fromisoformat(written)


def in_paris(moment: date) -> date:
    """An instant as the clock on the wall says it; a calendar date stays itself."""
    if isinstance(moment, datetime):
        return paris_time(moment)
    return moment


def day_in_month(moment: date) -> str:
    return "1er" if moment.day == 1 else str(moment.day)


def day(moment: date) -> str:
    """12 novembre 2019"""
    moment = in_paris(moment)
    return f"{day_in_month(moment)}{NBSP}{MONTHS[moment.month - 1]}{NBSP}{moment.year}"


def known(written: str) -> str:
    """novembre 2019, or 2019: a date known in part, from `2019-11` or `2019`."""
    year, _, month = written.partition("-")
    return f"{MONTHS[int(month) - 1]}{NBSP}{year}" if month else year


def weekday(moment: date) -> str:
    """jeudi 21 novembre 2019"""
    return f"{WEEKDAYS[in_paris(moment).weekday()]} {day(moment)}"


def short_day(moment: date) -> str:
    """12 nov. 2019, the year free to go to the next line"""
    moment = in_paris(moment)
    return f"{day_in_month(moment)}{NBSP}{SHORT_MONTHS[moment.month - 1]} {moment.year}"


def in_figures(moment: date) -> str:
    """12/11/2019, where there is little room"""
    return f"{in_paris(moment):%d/%m/%Y}"


def short_month(moment: date) -> str:
    """nov."""
    return SHORT_MONTHS[in_paris(moment).month - 1]


def hour(moment: datetime) -> str:
    """9 h 40"""
    moment = paris_time(moment)
    return f"{moment.hour}{NBSP}h{NBSP}{moment.minute:02}" if moment.minute else f"{moment.hour}{NBSP}h"


def instant(moment: datetime) -> str:
    """12 novembre 2019 à 9 h 40"""
    return f"{day(moment)} à {hour(moment)}"


def soon(moment: datetime, *, at: datetime) -> str:
    """aujourd’hui à 14 h 30, demain à 2 h, ou le 3 mars 2020 à 9 h 40"""
    days = (paris_day(moment) - paris_day(at)).days
    match days:
        case 0:
            return f"aujourd’hui à {hour(moment)}"
        case 1:
            return f"demain à {hour(moment)}"
    return f"le {instant(moment)}"


def lasting(time: timedelta) -> str:
    """40 secondes, 12 minutes, 1 heure, 2 heures et 5 minutes: rounded up, never less than what is left"""
    seconds = max(1, math.ceil(time.total_seconds()))
    if seconds < 60:
        return _count(seconds, "seconde")
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    parts = [_count(number, word) for number, word in ((hours, "heure"), (minutes, "minute")) if number]
    return " et ".join(parts)


def _count(number: int, word: str) -> str:
    return f"{number}{NBSP}{word}{'s' if number > 1 else ''}"


def birth(birth_date: str) -> str:
    """14 mars 1958, from YYYYMMDD; of a date known in part, the part that is known."""
    year, month, in_month = birth_date[:4], birth_date[4:6], birth_date[6:8]
    if not month.isdigit() or not 1 <= int(month) <= 12:
        return year
    if not in_month.isdigit() or not 1 <= int(in_month) <= 31:
        return f"{MONTHS[int(month) - 1]}{NBSP}{year}"
    return f"{'1er' if int(in_month) == 1 else int(in_month)}{NBSP}{MONTHS[int(month) - 1]}{NBSP}{year}"
