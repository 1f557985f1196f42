"""Days typed by people: understood, or answered by one sentence that says what is wrong with this one.

Pure: whoever asks says which day it is.
"""

import re
import string
from calendar import monthrange
from datetime import date

MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
SHORTEST_YEAR = 1900
IN_FIGURES = "Écrivez la date en chiffres, par exemple 14/03/1958."

_DIGITS = frozenset(string.digits)
# Spaces of every kind, and what shows nothing, come along when one pastes.
_NOTHING = re.compile(r"[\s\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]+")
_BETWEEN = re.compile(r"[ /.,:;_\u2010-\u2015\u2212-]+")


class BadDay(ValueError):
    """What was typed is no day, or not a possible one; `sentence` says why to whoever typed it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def bare(text: str) -> str:
    """What was typed, without what shows nothing; spaces of every kind are one space."""
    return _NOTHING.sub(lambda found: " " if any(c.isspace() for c in found[0]) else "", text).strip()


def parts(text: str) -> tuple[str, str, str]:
    """Day, month and year, as typed in one field: 14/03/1958, 14-3-1958, 14 03 1958, 14031958, 1958-03-14.

    Raises BadDay.
    """
    typed = bare(text)
    pieces = [piece for piece in _BETWEEN.split(typed) if piece]
    if not all(_DIGITS.issuperset(piece) for piece in pieces):
        raise BadDay(IN_FIGURES)
    if len(pieces) == 1:
        [run] = pieces
        if len(run) == 8:
            return run[:2], run[2:4], run[4:]
        if len(run) == 6:
            return run[:2], run[2:4], run[4:]
    if len(pieces) == 3:
        first, second, third = pieces
        return (third, second, first) if len(first) == 4 else (first, second, third)
    if len(pieces) < 3:
        raise BadDay("Écrivez le jour, le mois et l’année, par exemple 14/03/1958.")
    raise BadDay(IN_FIGURES)


def numbers(day: str, month: str, year: str, *, on: date) -> tuple[int, int, int]:
    """Day, month and year typed apart, as numbers; whether a calendar has them is not asked. Raises BadDay.

    `on` is today.
    """
    typed = [bare(part) for part in (day, month, year)]
    missing = [name for name, part in zip(("le jour", "le mois", "l’année"), typed, strict=True) if not part]
    if missing:
        raise BadDay(_missing(missing))
    day, month, year = typed
    if not all(_DIGITS.issuperset(part) for part in typed):
        raise BadDay(IN_FIGURES)
    if len(day) == 4 and len(year) <= 2:
        raise BadDay("Écrivez le jour d’abord, puis le mois, puis l’année, par exemple 14/03/1958.")
    if len(year) == 2:
        raise BadDay(f"Écrivez l’année avec 4 chiffres : {_centuries(int(year), on)}.")
    if len(year) != 4:
        raise BadDay("Écrivez l’année avec 4 chiffres, par exemple 1958.")
    if len(day) > 2:
        raise BadDay("Écrivez le jour avec 1 ou 2 chiffres.")
    if len(month) > 2:
        raise BadDay("Écrivez le mois avec 1 ou 2 chiffres : mars est le mois 3.")
    return int(day), int(month), int(year)


def day_of(day: str, month: str, year: str, *, on: date) -> date:
    """A day of the calendar, from 1900 until `on`, which is today. Raises BadDay."""
    in_month, month_number, year_number = numbers(day, month, year, on=on)
    if wrong := not_of_the_calendar(in_month, month_number, year_number):
        raise BadDay(wrong)
    if year_number < SHORTEST_YEAR:
        raise BadDay(f"Vérifiez l’année : {year_number:04} est trop loin.")
    typed = date(year_number, month_number, in_month)
    if typed > on:
        raise BadDay(f"Cette date est dans le futur. Aujourd’hui, c’est le {on:%d/%m/%Y}.")
    return typed


def not_of_the_calendar(day: int, month: int, year: int) -> str:
    """Why no calendar has this day, in one sentence; nothing when it has."""
    if not 1 <= month <= 12:
        if month > 12 and 1 <= day <= 12:
            return f"Il n’y a pas de mois {month} : le jour s’écrit d’abord, puis le mois."
        return f"Il n’y a pas de mois {month} : le mois va de 1 à 12."
    if day == 0:
        return "Il n’y a pas de jour 0."
    if day > 31:
        return f"Il n’y a pas de jour {day} : le jour va de 1 à 31."
    if year == 0:
        return "Il n’y a pas d’année 0."
    last = monthrange(year, month)[1]
    if day <= last:
        return ""
    name = MONTHS[month - 1]
    if month == 2:
        return f"Il n’y a pas de {day} février en {year} : ce mois a {last} jours."
    return f"Il n’y a pas de {day} {name} : ce mois a {last} jours."


def _missing(names: list[str]) -> str:
    if len(names) == 3:
        return "Saisissez le jour, le mois et l’année."
    if len(names) == 2:
        return f"Il manque {names[0]} et {names[1]}."
    return f"Il manque {names[0]}."


def _centuries(year: int, on: date) -> str:
    """The years that two figures may mean, until today."""
    possible = [str(century + year) for century in (1900, 2000) if century + year <= on.year]
    return " ou ".join(possible)


__all__ = ["IN_FIGURES", "MONTHS", "BadDay", "bare", "day_of", "not_of_the_calendar", "numbers", "parts"]
