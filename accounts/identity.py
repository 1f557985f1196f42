"""Numbers that identify people and places: NIR and INS, RPPS, FINESS, dates of birth.

Pure: no database, no clock. A number typed by a person is either understood or answered by one
French sentence saying what is wrong with it.
"""

import re
import string
from dataclasses import dataclass
from datetime import date
from typing import Self

REAL_OIDS = frozenset({"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9"})  # NIR, NIA
TEST_OIDS = frozenset({"1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"})  # NIR of test, of demonstration
NIR_OID = {"real": "1.2.250.1.213.1.4.8", "test": "1.2.250.1.213.1.4.10"}
OIDS = {"real": REAL_OIDS, "test": TEST_OIDS}

SEX_OF_FIRST_DIGIT = {"1": "M", "2": "F", "7": "M", "8": "F"}  # 7 and 8: numbers given while waiting


class BadNumber(ValueError):
    """A number that cannot be what it claims; `sentence` tells the person who typed it what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class BadNir(BadNumber):
    pass


class BadRpps(BadNumber):
    pass


class BadFiness(BadNumber):
    pass


class BadBirthDate(BadNumber):
    pass


class ForeignIns(BadNumber):
    """A real identity in an installation for tests, or the reverse."""


# NIR ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nir:
    """The thirteen characters that identify somebody; Corsica keeps its letter."""

    digits13: str

    @property
    def key(self) -> str:
        return nir_key(self.digits13)

    @property
    def text15(self) -> str:
        return self.digits13 + self.key

    @property
    def sex(self) -> str:
        return SEX_OF_FIRST_DIGIT[self.digits13[0]]

    @property
    def spaced(self) -> str:
        """As the carte Vitale prints it: 2 79 03 51 215 189 89."""
        n = self.digits13
        return " ".join((n[0], n[1:3], n[3:5], n[5:7], n[7:10], n[10:13], self.key))


def nir_key(digits13: str) -> str:
    """97 minus the remainder by 97, Corsica counted as 19 (2A) or 18 (2B); from 01 to 97."""
    number = int(digits13.replace("2A", "19", 1).replace("2B", "18", 1))
    return f"{97 - number % 97:02d}"


_SEPARATORS = re.compile(r"[\s.\-_/\u00a0\u202f\u2009]+")
_MONTH = re.compile(r"0[1-9]|1[0-2]|[2-9]\d")  # 20 and above: civil status known in part only
_DIGITS = frozenset(string.digits)


def parse_nir(text: str) -> Nir:
    """The NIR that a person typed, key included. Raises BadNir with the sentence to show."""
    typed = _SEPARATORS.sub("", text).upper()
    if not typed:
        raise BadNir("Saisissez votre numéro de sécurité sociale.")
    for place, character in enumerate(typed):
        if character not in _DIGITS and not (place == 6 and character in "AB"):
            raise BadNir("Le numéro ne contient que des chiffres, sauf 2A ou 2B pour la Corse.")
    if len(typed) < 15:
        raise BadNir(_missing(15 - len(typed)))
    if len(typed) > 15:
        raise BadNir(_too_many(len(typed) - 15))
    if typed[0] not in SEX_OF_FIRST_DIGIT:
        raise BadNir("Le numéro commence par 1 ou par 2.")
    if not _MONTH.fullmatch(typed[3:5]):
        raise BadNir("Les chiffres 4 et 5, le mois de naissance, ne conviennent pas.")
    if typed[5:7] == "00" or (typed[6] in "AB" and typed[5] != "2"):
        raise BadNir("Les caractères 6 et 7, le lieu de naissance, ne conviennent pas.")
    nir = Nir(typed[:13])
    if nir.key != typed[13:]:
        raise BadNir("Les 2 derniers chiffres, la clé, ne correspondent pas aux 13 premiers.")
    return nir


def _missing(count: int) -> str:
    return "Il manque 1 chiffre." if count == 1 else f"Il manque {count} chiffres."


def _too_many(count: int) -> str:
    return "Il y a 1 chiffre de trop." if count == 1 else f"Il y a {count} chiffres de trop."


# INS ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ins:
    """A national health identity: the authority's OID and fifteen characters, key included."""

    oid: str
    value: str

    @property
    def nir(self) -> Nir:
        return parse_nir(self.value)


def ins_of(nir: Nir, installation: str) -> Ins:
    """The identity of `nir` in an installation "real" or "test" (settings.DMP_INS_OIDS)."""
    return Ins(NIR_OID[installation], nir.text15)


def parse_ins(oid: str, value: str, installation: str) -> Ins:
    """An identity received from outside, its key checked. Raises BadNir, or ForeignIns when it is
    real in a test installation or of test in a real one."""
    if oid not in OIDS[installation]:
        raise ForeignIns("Cette identité n’est pas reconnue par cette installation.")
    return Ins(oid, parse_nir(value).text15)


def ins_mac_input(ins: Ins) -> str:
    """What the blind index of an identity is computed on: the key adds nothing."""
    return f"{ins.oid}:{ins.value[:13]}"


# RPPS, FINESS ---------------------------------------------------------------------------------


def luhn_holds(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def parse_rpps(text: str) -> str:
    """Eleven digits with their Luhn key. Raises BadRpps."""
    typed = _SEPARATORS.sub("", text)
    if not typed or not _DIGITS.issuperset(typed):
        raise BadRpps("Le numéro RPPS ne contient que des chiffres.")
    if len(typed) < 11:
        raise BadRpps(_missing(11 - len(typed)))
    if len(typed) > 11:
        raise BadRpps(_too_many(len(typed) - 11))
    if not luhn_holds(typed):
        raise BadRpps("Le dernier chiffre du numéro RPPS ne correspond pas aux autres.")
    return typed


def parse_finess(text: str) -> str:
    """Nine characters with their Luhn key, the letter of Corsica kept. Raises BadFiness."""
    typed = _SEPARATORS.sub("", text).upper()
    digits = typed.replace("2A", "20", 1).replace("2B", "20", 1) if typed[:2] in ("2A", "2B") else typed
    if not digits or not _DIGITS.issuperset(digits):
        raise BadFiness("Le numéro FINESS ne contient que des chiffres, sauf 2A ou 2B pour la Corse.")
    if len(typed) < 9:
        raise BadFiness(_missing(9 - len(typed)))
    if len(typed) > 9:
        raise BadFiness(_too_many(len(typed) - 9))
    # The key of a Corsican number is not published: its form is checked, no more.
    if typed == digits and not luhn_holds(digits):
        raise BadFiness("Le dernier chiffre du numéro FINESS ne correspond pas aux autres.")
    return typed


# Dates of birth -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class BirthDate:
    """A date of birth as the civil register and the carte Vitale hold it: YYYYMMDD.

    A « lunar » date names a day or a month that no calendar has (31/02, 00/00, month 15): it is
    somebody's date all the same, so it stays a text and is compared as such.
    """

    text: str

    @classmethod
    def from_fields(cls, day: str, month: str, year: str, *, on: date) -> Self:
        """The date typed in three fields, at the latest `on`. Raises BadBirthDate."""
        day, month, year = (part.strip() for part in (day, month, year))
        if not (day and month and year):
            raise BadBirthDate("Saisissez le jour, le mois et l’année de naissance.")
        if not all(_DIGITS.issuperset(part) for part in (day, month, year)) or max(len(day), len(month)) > 2:
            raise BadBirthDate("Écrivez la date de naissance en chiffres, par exemple 27 03 1979.")
        if len(year) != 4:
            raise BadBirthDate("Écrivez l’année avec 4 chiffres, par exemple 1979.")
        return cls.parse(f"{year}{int(month):02d}{int(day):02d}", on=on)

    @classmethod
    def parse(cls, text: str, *, on: date) -> Self:
        """YYYYMMDD, at the latest `on`. Raises BadBirthDate."""
        if len(text) != 8 or not _DIGITS.issuperset(text):
            raise BadBirthDate("Écrivez la date de naissance en chiffres, par exemple 27 03 1979.")
        if not on.year - 130 <= int(text[:4]) <= on.year:
            raise BadBirthDate("Vérifiez l’année de naissance.")
        born = cls(text)
        if not born.is_lunar and born._fields > (on.year, on.month, on.day):
            raise BadBirthDate("La date de naissance est dans le futur.")
        return born

    @property
    def is_lunar(self) -> bool:
        try:
            date(*self._fields)
        except ValueError:
            return True
        return False

    def age_on(self, on: date) -> int:
        """Whole years on a day. A month or a day that nobody knows counts as the last one, so that
        an uncertain date never makes an adult of a minor."""
        year, month, day = self._fields
        if not 1 <= month <= 12:
            month, day = 12, 31
        elif day == 0:
            day = 31
        return max(0, on.year - year - ((on.month, on.day) < (month, day)))

    @property
    def _fields(self) -> tuple[int, int, int]:
        return int(self.text[:4]), int(self.text[4:6]), int(self.text[6:8])

    def __str__(self) -> str:
        return f"{self.text[6:8]}/{self.text[4:6]}/{self.text[:4]}"
