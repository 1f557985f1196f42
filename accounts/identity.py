"""Numbers that identify people and places: NIR and INS, RPPS, FINESS, dates of birth.

Pure: no database, no clock. A number typed by a person is either understood or answered by one
French sentence saying what is wrong with it.
"""

import re
import string
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from .typed_days import IN_FIGURES, MONTHS, BadDay, not_of_the_calendar, numbers
from .written import normalized

REAL_OIDS = frozenset({"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9"})  # NIR, NIA
TEST_OIDS = frozenset({"1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"})  # the same, for tests
NIR_OID = {"real": "1.2.250.1.213.1.4.8", "test": "1.2.250.1.213.1.4.10"}
NIA_OID = {"real": "1.2.250.1.213.1.4.9", "test": "1.2.250.1.213.1.4.11"}
OIDS = {"real": REAL_OIDS, "test": TEST_OIDS}

# 3, 4, 7 and 8 begin a NIA: the number given while one waits for a NIR.
SEX_OF_FIRST_DIGIT = {"1": "M", "2": "F", "3": "M", "4": "F", "7": "M", "8": "F"}
PROVISIONAL = frozenset("3478")
MOST_FORMER = 5  # numbers that somebody had before
OLDEST = 125  # years: nobody has lived longer


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
    def provisional(self) -> bool:
        """Whether it is a NIA."""
        return self.digits13[0] in PROVISIONAL

    def contradicts(self, born: "BirthDate") -> bool:
        """Whether the year or the month that the number tells is not that of this date of birth.

        A month from 31 to 42 is a month known from an incomplete act; any other above 12 tells nothing.
        """
        if self.digits13[1:3] != born.text[2:4]:
            return True
        month, theirs = int(self.digits13[3:5]), int(born.text[4:6])
        month = month - 30 if 31 <= month <= 42 else month
        return 1 <= month <= 12 and 1 <= theirs <= 12 and month != theirs

    @property
    def birth_said(self) -> str:
        """« mars 79 »: when the number says that somebody was born."""
        month = int(self.digits13[3:5])
        month = month - 30 if 31 <= month <= 42 else month
        year = self.digits13[1:3]
        return f"{MONTHS[month - 1]} {year}" if 1 <= month <= 12 else f"l’année {year}"

    @property
    def spaced(self) -> str:
        """As the carte Vitale prints it: 2 79 03 51 215 189 89."""
        n = self.digits13
        return " ".join((n[0], n[1:3], n[3:5], n[5:7], n[7:10], n[10:13], self.key))


def nir_key(digits13: str) -> str:
    """97 minus the remainder by 97, Corsica counted as 19 (2A) or 18 (2B); from 01 to 97."""
    number = int(digits13.replace("2A", "19", 1).replace("2B", "18", 1))
    return f"{97 - number % 97:02d}"


_SEPARATORS = re.compile(r"[\s.,:;_/|'\"\u00b7\u2022\u2212-]+")
_MONTH = re.compile(r"0[1-9]|1[0-2]|[2-9]\d")  # 20 and above: civil status known in part only
_DIGITS = frozenset(string.digits)
_INS_C = 22  # characters of the identifier that was computed from traits, before the INS


def _pasted(text: str) -> str:
    """A number as typed or pasted, without what separates its figures or shows nothing."""
    kept = (c for c in normalized("NFKC", text) if unicodedata.category(c) not in _BETWEEN_FIGURES)
    return _SEPARATORS.sub("", "".join(kept)).upper()


# Spaces, dashes, brackets, quotes, controls, signs of format, and marks that only change how another
# character looks.
_BETWEEN_FIGURES = frozenset({"Zs", "Zl", "Zp", "Pd", "Ps", "Pe", "Pi", "Pf", "Cc", "Cf", "Mn"})


def parse_nir(text: str) -> Nir:
    """The number of social security that a person typed, key included: a NIR, or a NIA while they wait.

    Raises BadNir with the sentence to show.
    """
    typed = _pasted(text)
    if not typed:
        raise BadNir("Saisissez votre numéro de sécurité sociale.")
    if len(typed) == _INS_C and _DIGITS.issuperset(typed):
        raise BadNir("Ce numéro de 22 chiffres ne sert plus. Saisissez les 15 chiffres de la carte Vitale.")
    for place, character in enumerate(typed):
        if character not in _DIGITS and not (place == 6 and character in "AB"):
            raise BadNir("Le numéro ne contient que des chiffres, sauf 2A ou 2B pour la Corse.")
    if len(typed) < 15:
        raise BadNir(_missing(15 - len(typed)))
    if len(typed) > 15:
        raise BadNir(_too_many(len(typed) - 15))
    if typed[0] not in SEX_OF_FIRST_DIGIT:
        raise BadNir("Le numéro commence par 1 ou 2, ou par 3, 4, 7 ou 8 quand il est provisoire.")
    nir = Nir(typed[:13])
    # A provisional number is given before anybody knows which act of birth is right.
    if not nir.provisional and not _MONTH.fullmatch(typed[3:5]):
        raise BadNir("Les chiffres 4 et 5, le mois de naissance, ne conviennent pas.")
    if (typed[5:7] == "00" and not nir.provisional) or (typed[6] in "AB" and typed[5] != "2"):
        raise BadNir("Les caractères 6 et 7, le lieu de naissance, ne conviennent pas.")
    if nir.key != typed[13:]:
        which = "Dans ce numéro provisoire, les" if nir.provisional else "Les"
        raise BadNir(f"{which} 2 derniers chiffres, la clé, ne correspondent pas aux 13 premiers.")
    return nir


def _missing(count: int) -> str:
    return "Il manque 1 chiffre." if count == 1 else f"Il manque {count} chiffres."


def _too_many(count: int) -> str:
    return "Il y a 1 chiffre de trop." if count == 1 else f"Il y a {count} chiffres de trop."


# The carte Vitale -----------------------------------------------------------------------------

SHORTEST_SERIAL, LONGEST_SERIAL = 8, 13  # figures: cards with a photograph, and without


class BadSerial(BadNumber):
    pass


def card_serial(text: str, *, nir: str = "") -> str:
    """The serial number of a carte Vitale as somebody typed it, `nir` being what they typed as theirs.

    Raises BadSerial.
    """
    typed = _pasted(text)
    if not typed:
        raise BadSerial("Saisissez le numéro de série de votre carte Vitale.")
    if len(typed) >= 13 and nir and typed[:13] == nir[:13]:
        raise BadSerial(
            "C’est votre numéro de sécurité sociale. Le numéro de série est un autre numéro de la carte."
        )
    if not _DIGITS.issuperset(typed):
        raise BadSerial("Le numéro de série ne contient que des chiffres.")
    if len(typed) < SHORTEST_SERIAL:
        raise BadSerial(f"Le numéro de série a de 8 à 13 chiffres : vous en avez saisi {len(typed)}.")
    if len(typed) > LONGEST_SERIAL:
        raise BadSerial(
            "Le numéro de série a de 8 à 13 chiffres. S’il est plus long, saisissez les 11 derniers."
        )
    return typed


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
    return Ins((NIA_OID if nir.provisional else NIR_OID)[installation], nir.text15)


def parse_ins(oid: str, value: str, installation: str) -> Ins:
    """An identity received from outside, its key checked, under the OID of its kind: the number tells
    whether it is a NIR or a NIA, whatever the OID says of it. Raises BadNir, or ForeignIns when it is
    real in a test installation or of test in a real one."""
    if oid not in OIDS[installation]:
        raise ForeignIns("Cette identité n’est pas reconnue par cette installation.")
    return ins_of(parse_nir(value), installation)


def former_numbers(told: Any, *, of: Ins, installation: str) -> tuple[Ins, ...]:
    """The numbers that somebody had before `of`, as [{"oid": …, "valeur": …}]; none when nothing is told.

    Raises BadNumber, KeyError or TypeError when what is told is no list of numbers.
    """
    found = [parse_ins(str(one["oid"]), str(one["valeur"]), installation) for one in told or ()]
    return tuple(dict.fromkeys(one for one in found if not same_ins(one, of)))[:MOST_FORMER]


def ins_mac_input(ins: Ins) -> str:
    """What the blind index of an identity is computed on, the same whichever OID its number came under:
    one number is one person. The key adds nothing."""
    [oid] = [NIR_OID[kind] for kind, oids in OIDS.items() if ins.oid in oids] or [ins.oid]
    return f"{oid}:{ins.value[:13]}"


def ins_mac_inputs(ins: Ins) -> list[str]:
    """The same, and what it was computed on when a number under each OID was somebody of its own."""
    authorities = next((sorted(oids) for oids in OIDS.values() if ins.oid in oids), [ins.oid])
    first = ins_mac_input(ins)
    return [first, *(old for oid in authorities if (old := f"{oid}:{ins.value[:13]}") != first)]


def same_ins(one: Ins, other: Ins) -> bool:
    """Whether two identities are one: the same number, real or of test."""
    return ins_mac_input(one) == ins_mac_input(other)


# RPPS, FINESS ---------------------------------------------------------------------------------


def luhn_holds(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def parse_rpps(text: str) -> str:
    """Eleven digits with their Luhn key. Raises BadRpps."""
    typed = _pasted(text)
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
    typed = _pasted(text)
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
        try:
            in_month, month_number, year_number = numbers(day, month, year, on=on)
        except BadDay as bad:
            raise BadBirthDate(bad.sentence) from None
        return cls.parse(f"{year_number:04d}{month_number:02d}{in_month:02d}", on=on)

    @classmethod
    def parse(cls, text: str, *, on: date) -> Self:
        """YYYYMMDD, at the latest `on`. Raises BadBirthDate."""
        if len(text) != 8 or not _DIGITS.issuperset(text):
            raise BadBirthDate(IN_FIGURES)
        born = cls(text)
        year = int(text[:4])
        if year > on.year or (not born.is_lunar and born._fields > (on.year, on.month, on.day)):
            raise BadBirthDate(f"Cette date est dans le futur. Aujourd’hui, c’est le {on:%d/%m/%Y}.")
        if year < on.year - OLDEST:
            raise BadBirthDate(f"Vérifiez l’année de naissance : {text[:4]} est trop loin.")
        return born

    @property
    def oddity(self) -> str:
        """Why no calendar has this date, in one sentence; nothing when it has."""
        year, month, day = self._fields
        return not_of_the_calendar(day, month, year)

    @property
    def earliest(self) -> date:
        """The first day that it may be: a month or a day that no calendar has may be any."""
        year, month, day = self._fields
        if not 1 <= month <= 12:
            return date(year, 1, 1)
        return date(year, month, 1) if self.is_lunar else date(year, month, day)

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
