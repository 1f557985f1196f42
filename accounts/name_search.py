"""Finding somebody by a name and a date of birth without reading everybody.

What a dossier is found by, what a question asks for and in which order, and how well a person answers it.
Each token joins the date of birth with something of a name, so that no one token is common. Pure.
"""

import re
from enum import IntEnum
from itertools import groupby, product

from .traits import Traits, normalise, squeezed

FORM = 2  # of what a dossier is found by; a dossier of form 1 has the first letters and the sound alone
SHORT, LONG = 2, 4  # letters of the two tokens that a beginning is found by

Token = tuple[str, str]
"""(kind, value), as `vault.blind.token` takes them."""

# fmt: off
PARTICLES = frozenset([
    "DE", "DU", "DES", "LA", "LE", "LES", "EL", "AL", "BEN", "BENT", "BINT", "VAN", "VON", "DER", "DEN",
    "DI", "DA", "DO", "DOS", "DAS", "SAN", "MC",
])
# fmt: on


class Rank(IntEnum):
    """In which order the tokens of a question are looked for: what is closest first."""

    NAME_AND_GIVEN_NAME = 0
    NAME = 1
    PART = 2
    SOUND = 3
    BEGINNING = 4
    EARLIER_FORM = 5  # for dossiers of form 1 alone


class Match(IntEnum):
    """How a person's name answers the one sought, best first."""

    WHOLE = 0
    PART = 1  # one name of a composed one
    SOUND = 2
    BEGINNING = 3


class GivenMatch(IntEnum):
    """How a person's given names answer the one sought, best first."""

    SAME = 0
    BEGINNING = 1  # or one of a composed one
    SOUND = 2
    NONE = 3


# What a dossier is found by -------------------------------------------------------------------


def tokens(traits: Traits) -> tuple[Token, ...]:
    """What a dossier is found by, under its birth name and under the name in use."""
    born, given = traits.birth_date, squeezed(traits.first_given_name)
    return tuple(
        dict.fromkeys(token for name in _names(traits) for token in _tokens_of_a_name(name, born, given))
    )


def twin_tokens(traits: Traits) -> tuple[Token, ...]:
    """What somebody of the same name, the same given name and the same day has too."""
    given = squeezed(traits.first_given_name)
    return tuple(_with_given_name(squeezed(name), traits.birth_date, given) for name in _names(traits))


def _names(traits: Traits) -> list[str]:
    """What somebody is looked for by; an empty name for who has none at all."""
    return list(traits.names_to_find)


def _tokens_of_a_name(name: str, born: str, given: str) -> list[Token]:
    letters = squeezed(name)
    found = [
        _with_given_name(letters, born, given),
        *(_whole(one, born) for one in (letters, *_parts(name))),
        _beginning(letters, born, SHORT),
        ("birth_date+sound", f"{born}:{phonetic(name)}"),
    ]
    return [*found, _beginning(letters, born, LONG)] if len(letters) >= LONG else found


def _with_given_name(letters: str, born: str, given: str) -> Token:
    return "birth_date+name+given_name", f"{born}:{letters}:{given}"


def _whole(letters: str, born: str) -> Token:
    return "birth_date+name", f"{born}:{letters}"


def _beginning(letters: str, born: str, length: int) -> Token:
    kind = {SHORT: "birth_date+letters", LONG: "birth_date+more_letters"}[length]
    return kind, f"{born}:{letters[:length]}"


def _parts(name: str) -> list[str]:
    """The names that a composed name is made of: MARTIN and DUPUIS, FONTAINE alone of « de La Fontaine »."""
    words = normalise(name).split()
    if len(words) == 1:
        return []
    return [word for word in words if len(word) > 1 and word not in PARTICLES]


# What a question asks for ---------------------------------------------------------------------


def sought(name: str, born: str, given_name: str = "") -> list[tuple[Token, Rank]]:
    """The tokens that a question looks for."""
    letters = squeezed(name)
    spelt = [squeezed(one) for one in spellings(name)]
    given_names = dict.fromkeys(map(squeezed, (given_name, *normalise(given_name).split()[:1])))
    wanted: list[tuple[Token, Rank]] = [
        (_with_given_name(one, born, given), Rank.NAME_AND_GIVEN_NAME)
        for one in spelt
        for given in given_names
        if given
    ]
    wanted += [(_whole(one, born), Rank.NAME) for one in spelt]
    wanted += [(_whole(part, born), Rank.PART) for part in _parts(name)]
    if sound := phonetic(name):
        wanted.append((("birth_date+sound", f"{born}:{sound}"), Rank.SOUND))
    if len(letters) >= LONG:
        wanted.append((_beginning(letters, born, LONG), Rank.BEGINNING))
        wanted.append((_beginning(letters, born, SHORT), Rank.EARLIER_FORM))
    elif len(letters) >= SHORT:
        wanted.append((_beginning(letters, born, SHORT), Rank.BEGINNING))
    return wanted


_IN_SHORT = {"ST": "SAINT", "STE": "SAINTE"}
_IN_FULL = {full: short for short, full in _IN_SHORT.items()}


def spellings(name: str) -> list[str]:
    """A name as it is written, then with « saint » in full, or in short: registers have both."""
    words = normalise(name).split()
    ways = ([table.get(word, word) for word in words] for table in (_IN_SHORT, _IN_FULL))
    return [name, *(" ".join(way) for way in ways if len(words) > 1 and way != words)]


# How well somebody answers --------------------------------------------------------------------


def match(name: str, traits: Traits) -> Match | None:
    """How well one of a person's names answers; None when it does not."""
    pairs = product(spellings(name), _names(traits))
    return min((found for pair in pairs if (found := _match(*pair)) is not None), default=None)


def _match(name: str, known: str) -> Match | None:
    letters, known_letters = squeezed(name), squeezed(known)
    if letters == known_letters:
        return Match.WHOLE
    if not letters:
        return None
    if _one_of_the_other(name, known):
        return Match.PART
    if phonetic(name) and phonetic(name) == phonetic(known):
        return Match.SOUND
    if len(letters) >= SHORT and known_letters.startswith(letters):
        return Match.BEGINNING
    return None


def _one_of_the_other(name: str, known: str) -> bool:
    names, known_names = ({squeezed(one), *_parts(one)} for one in (name, known))
    parts, known_parts = (set(_parts(one)) or {squeezed(one)} for one in (name, known))
    return parts <= known_names or known_parts <= names


def given_match(given_name: str, traits: Traits) -> GivenMatch:
    """How well a person's given names answer; SAME when none is sought, BEGINNING for a part of one."""
    letters, words = squeezed(given_name), normalise(given_name).split()
    known = [squeezed(one) for one in traits.given_names if squeezed(one)]
    # « Jean-Pierre » may be known as one given name, or as two that follow each other.
    joined = {
        "".join(known[first:last]) for first in range(len(known)) for last in range(first + 1, len(known) + 1)
    }
    if not letters or letters in joined:
        return GivenMatch.SAME
    parts = {part for one in traits.given_names for part in normalise(one).split()}
    if words[0] in parts or letters in parts or any(one.startswith(letters) for one in joined):
        return GivenMatch.BEGINNING
    if any(phonetic(letters) == phonetic(one) for one in known):
        return GivenMatch.SOUND
    return GivenMatch.NONE


# How a name sounds ----------------------------------------------------------------------------

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
