"""Identity traits, and when two sets of them tell of the same person.

The comparison is that of the INS referential: case, accents, ligatures, hyphens, apostrophes and
spaces do not count; the first given name of one side may be compared with the list of the other.
Birth name, first given name, sex and date of birth must all agree.
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby

BIRTH_NAME, GIVEN_NAME, SEX, BIRTH_DATE = "birth_name", "given_name", "sex", "birth_date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Who somebody is, as the civil register says it. `birth_date` is YYYYMMDD and may be lunar."""

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
    bare = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    bare = "".join(c for c in bare if not unicodedata.combining(c))
    return _NOT_A_LETTER.sub(" ", bare.upper()).strip() or _other_script(text)


def _other_script(text: str) -> str:
    """A name without any Latin letter keeps its own, or two such names would both be empty and equal."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def squeezed(text: str) -> str:
    """Capital letters alone: « N’Diaye » and « Ndiaye », « Le Goff » and « Legoff » are one name."""
    return normalise(text).replace(" ", "")


def _same_name(a: str, b: str) -> bool:
    return bool(squeezed(a)) and squeezed(a) == squeezed(b)


def _same_first_given_name(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """The first of one is the first of the other, whole: « Jean » is not « Jean-Pierre », but a
    composed name may come in pieces (« Jean », « Pierre ») or as one field (« Jean Pierre »)."""
    return _begins_with(a, b) or _begins_with(b, a)


def _begins_with(names: tuple[str, ...], other: tuple[str, ...]) -> bool:
    first = squeezed(other[0]) if other else ""
    begun = ""
    for name in names if first else ():
        begun += squeezed(name)
        if begun == first:
            return True
    return False


# Finding by name ------------------------------------------------------------------------------

_SOUNDS = (
    # French spellings of one sound, longest first; only recall matters, candidates are filtered after.
    (re.compile(r"^H"), ""),
    (re.compile(r"PH"), "F"),
    (re.compile(r"BV"), "V"),
    (re.compile(r"SCH|SH|CH"), "9"),
    (re.compile(r"EAUX|EAU|AULT$|AULD$|AUX|AU|OT$|OS$|OD$"), "O"),
    (re.compile(r"EIN|AIN|EIM|AIM|IN(?![AEIOUY])|IM(?=[BP])|YN(?![AEIOUY])"), "4"),
    (re.compile(r"EN(?![AEIOUYN])|AN(?![AEIOUYN])|EM(?=[BP])|AM(?=[BP])"), "3"),
    (re.compile(r"AI|EI|ER$|EZ$|ET$|EE$|E$"), "E"),
    (re.compile(r"OU"), "U"),
    (re.compile(r"GU(?=[EI])"), "G"),
    (re.compile(r"G(?=[EIY])"), "J"),
    (re.compile(r"C(?=[EIY])|SC(?=[EIY])|Z"), "S"),
    (re.compile(r"CK|QU|Q|C|K"), "K"),
    (re.compile(r"W"), "V"),
    (re.compile(r"Y"), "I"),
    (re.compile(r"H"), ""),
    (re.compile(r"[TDSX]+$"), ""),
    (re.compile(r"E$"), ""),
)


def phonetic(text: str) -> str:
    """How a name sounds to a French ear, roughly: DUPONT, DUPOND and DU PONT share one code."""
    code = squeezed(text)
    for spelling, sound in _SOUNDS:
        code = spelling.sub(sound, code)
    return "".join(letter for letter, _ in groupby(code))[:8]


def tokens(traits: Traits) -> tuple[tuple[str, str], ...]:
    """What a dossier is found by, each composite so that no one token is common: (kind, value)."""
    names = [name for name in (traits.birth_name, traits.used_name) if name]
    return tuple(dict.fromkeys(token for name in names for token in name_tokens(name, traits.birth_date)))


def name_tokens(name: str, birth_date: str) -> tuple[tuple[str, str], ...]:
    """The tokens of one name, birth name or used name, with a date of birth."""
    return (
        ("birth_date+letters", f"{birth_date}:{squeezed(name)[:2]}"),
        ("birth_date+sound", f"{birth_date}:{phonetic(name)}"),
    )
