"""Identity traits, and when two sets of them tell of the same person.

The comparison is that of the INS referential: case, accents, ligatures, hyphens, apostrophes and
spaces do not count; the first given name of one side may be compared with the list of the other.
Birth name, first given name, sex and date of birth must all agree.
"""

import re
import unicodedata
from dataclasses import dataclass

from .written import normalized

BIRTH_NAME, GIVEN_NAME, SEX, BIRTH_DATE = "birth_name", "given_name", "sex", "birth_date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Who somebody is, as the civil register says it. `birth_date` is YYYYMMDD and may be lunar.

    A birth name or given names that somebody does not have are empty: civil registers know such people.
    """

    birth_name: str
    given_names: tuple[str, ...]
    sex: str  # "F" or "M"
    birth_date: str
    used_name: str | None = None
    birth_place: str | None = None  # INSEE code

    @property
    def first_given_name(self) -> str:
        return self.given_names[0] if self.given_names else ""

    @property
    def display_name(self) -> str:
        """Camille MARTIN, under the name she uses."""
        return f"{self.first_given_name} {self.used_name or self.birth_name}".strip()

    @property
    def names_to_find(self) -> tuple[str, ...]:
        """The names that one is looked for by: of birth, used, or the given name of who has neither."""
        names = (self.birth_name, self.used_name or "")
        return tuple(name for name in names if not absent(name)) or (self.first_given_name,)


def differences(a: Traits, b: Traits) -> frozenset[str]:
    """The strict traits on which two descriptions disagree; empty when they tell of one person."""
    found = {
        BIRTH_NAME: not _same_name(a.birth_name, b.birth_name),
        GIVEN_NAME: not _same_first_given_name(a.given_names, b.given_names),
        SEX: a.sex != b.sex or a.sex not in ("F", "M"),
        BIRTH_DATE: a.birth_date != b.birth_date or not a.birth_date,
    }
    return frozenset(trait for trait, differs in found.items() if differs)


_LIGATURES = str.maketrans(
    {
        "Œ": "OE",
        "œ": "OE",
        "Æ": "AE",
        "æ": "AE",
        "ẞ": "SS",
        "ß": "SS",
        "Ø": "O",
        "ø": "O",
        "Þ": "TH",
        "þ": "TH",
    }
    | {"Đ": "D", "đ": "D", "Ð": "D", "ð": "D", "Ł": "L", "ł": "L", "ı": "I"}
)
_NOT_A_LETTER = re.compile(r"[^A-Z0-9]+")


def normalise(text: str) -> str:
    """Capital letters without accents, words separated by single spaces: « Trois-Dupré » → TROIS DUPRE."""
    bare = normalized("NFKD", text.translate(_LIGATURES))
    bare = "".join(c for c in bare if not unicodedata.combining(c))
    return _NOT_A_LETTER.sub(" ", bare.upper()).strip() or _other_script(text)


def _other_script(text: str) -> str:
    """A name without any Latin letter keeps its own, or two such names would both be empty and equal."""
    if not any(character.isalnum() for character in text):
        return ""
    return " ".join(normalized("NFKC", text).casefold().split())


def squeezed(text: str) -> str:
    """Capital letters alone: « N’Diaye » and « Ndiaye », « Le Goff » and « Legoff » are one name."""
    return normalise(text).replace(" ", "")


# What registers and cards write for a name that somebody does not have; some write a dash.
_NO_NAME = frozenset({"", "SANSNOM", "SANSPRENOM", "SANSPRENOMS"})


def absent(name: str) -> bool:
    """Whether what stands for a name says that there is none."""
    return squeezed(name) in _NO_NAME


def told_name(told: object) -> str:
    """A name as a card or the insurer tells it; nothing when it says that there is none."""
    name = str(told or "").strip()
    return "" if absent(name) else name


def _same_name(a: str, b: str) -> bool:
    """Two absent names are the same, and an absent one is no other."""
    return absent(b) if absent(a) else squeezed(a) == squeezed(b)


def _same_first_given_name(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """The first of one is the first of the other, whole: « Jean » is not « Jean-Pierre », but a
    composed name may come in pieces (« Jean », « Pierre ») or as one field (« Jean Pierre »)."""
    a, b = (tuple(name for name in names if not absent(name)) for names in (a, b))
    if not a or not b:
        return not a and not b
    return _begins_with(a, b) or _begins_with(b, a)


def _begins_with(names: tuple[str, ...], other: tuple[str, ...]) -> bool:
    first = squeezed(other[0]) if other else ""
    begun = ""
    for name in names if first else ():
        begun += squeezed(name)
        if begun == first:
            return True
    return False
