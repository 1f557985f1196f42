"""Which passwords a person may choose. Any character is welcome, and nothing is asked but length: only what
others know of the person, and what many people choose, is refused."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from vault import blind

from . import four_words
from .common_french import GIVEN_NAMES, dictionary, plain, published, too_common
from .hashers import Argon2id, as_kept
from .identity import BadNir, parse_nir

SHORTEST, LONGEST = 12, 128
LOOKED_AT = 72  # zxcvbn looks no further
STRONG = 3
_SITE = ("dmp", "dossier", "medical", "partage", "ameli", "vitale")


class Fault(StrEnum):
    """Why a password does not do, first things first."""

    SHORT = "short"
    LONG = "long"
    PRINTED = "printed"  # the one that was on the sheet
    NIR = "nir"
    CARD = "card"
    BIRTH = "birth"
    CONTACT = "contact"
    LOGIN = "login"
    NAME = "name"
    COMMON = "common"
    GUESSED = "guessed"


class WeakPassword(ValueError):
    """`faults` say why; `missing` how many characters, when it is too short."""

    def __init__(self, faults: list[Fault], *, missing: int = 0) -> None:
        super().__init__(", ".join(faults))
        self.faults, self.missing = faults, missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """What others know of somebody. Numbers are digests: how long each is, and what it is."""

    names: tuple[str, ...] = ()
    login: str = ""
    birth_date: str = ""  # YYYYMMDD, months and days may be unknown
    contacts: tuple[str, ...] = ()
    numbers: Mapping[str, tuple[int, Fault]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *,
        names: Iterable[str] = (),
        login: str = "",
        birth_date: str = "",
        contacts: Iterable[str] = (),
        nir: str = "",
        card: str = "",
    ) -> Self:
        given = ((plain(nir)[:13], Fault.NIR), (plain(card), Fault.CARD))
        numbers = {_number_mac(number): (len(number), fault) for number, fault in given if len(number) >= 8}
        return cls(
            names=tuple(name for name in names if name),
            login=login,
            birth_date=birth_date,
            contacts=tuple(contacts),
            numbers=numbers,
        )

    def told(self) -> dict[str, Any]:
        """What an account keeps of it, sealed: no number in clear."""
        return {
            "names": list(self.names),
            "birth_date": self.birth_date,
            "numbers": {mac: [length, fault.value] for mac, (length, fault) in self.numbers.items()},
        }

    @classmethod
    def from_told(cls, told: Mapping[str, Any], *, login: str, name: str, contacts: Iterable[str]) -> Self:
        return cls(
            names=(*told.get("names", ()), name),
            login=login,
            birth_date=told.get("birth_date", ""),
            contacts=tuple(contacts),
            numbers={mac: (length, Fault(fault)) for mac, (length, fault) in told.get("numbers", {}).items()},
        )


NOBODY = Personal()


def refuse_weak(clear: str, personal: Personal = NOBODY) -> None:
    """Raises WeakPassword."""
    clear = as_kept(clear)
    if faults := list(_faults(clear, personal)):
        raise WeakPassword(faults, missing=max(0, SHORTEST - len(clear)))


def hash_password(clear: str) -> str:
    """Argon2id, a few at a time. Raises HashingBusy."""
    hasher = Argon2id()
    return hasher.encode(as_kept(clear), hasher.salt())


def propose(personal: Personal = NOBODY) -> tuple[str, ...]:
    """Four words that would do as they are."""
    while True:
        words = four_words.draw()
        try:
            refuse_weak(" ".join(words), personal)
        except WeakPassword:
            continue
        return words


def _faults(clear: str, personal: Personal) -> Iterator[Fault]:
    if len(clear) < SHORTEST:
        yield Fault.SHORT
    if len(clear) > LONGEST:
        yield Fault.LONG
        return
    tells = dict.fromkeys(_tells_who(clear, personal))
    yield from tells
    if tells or len(clear) < SHORTEST:
        return
    if clear.lower() in published(SHORTEST) or too_common(clear):
        yield Fault.COMMON
    elif _score(clear[:LOOKED_AT], personal) < STRONG:
        yield Fault.GUESSED


# What others know -----------------------------------------------------------------------------


def _tells_who(clear: str, personal: Personal) -> Iterator[Fault]:
    text = plain(clear)
    compact = re.sub(r"[^0-9a-z]", "", text)
    yield from _known_numbers(compact, personal)
    if any(form in compact for form in _ways_to_write(personal.birth_date)):
        yield Fault.BIRTH
    for contact in personal.contacts:
        if any(form in compact for form in _ways_to_reach(contact)):
            yield Fault.CONTACT
    letters = _as_letters(text)
    if any(_holds(part, text, compact, letters) for part in _parts(personal.login, 4)):
        yield Fault.LOGIN
    names = {part for name in personal.names for part in _parts(name, 3)}
    if any(_holds(name, text, compact, letters) for name in names):
        yield Fault.NAME


def _known_numbers(compact: str, personal: Personal) -> Iterator[Fault]:
    """The numbers of the person, written with any separators; and any social security number at all."""
    for mac, (length, fault) in personal.numbers.items():
        windows = (compact[i : i + length] for i in range(len(compact) - length + 1))
        if any(sum(c.isdecimal() for c in w) >= 8 and _number_mac(w) == mac for w in windows):
            yield fault
    for i in range(len(compact) - 14):
        if _is_nir(compact[i : i + 15]):
            yield Fault.NIR


def _is_nir(text: str) -> bool:
    if not re.fullmatch(r"[1-478]\d{4}(\d{2}|2[ab])\d{8}", text):
        return False
    try:
        parse_nir(text.upper())
    except BadNir:
        return False
    return True


def _number_mac(number: str) -> str:
    return blind.keyed_mac("password.number", number.encode()).hex()


_MONTHS = (
    ("janvier", "janv", "jan"), ("fevrier", "fevr", "fev"), ("mars",), ("avril", "avr"), ("mai",), ("juin",),
    ("juillet", "juil"), ("aout",), ("septembre", "sept"), ("octobre", "oct"), ("novembre", "nov"),
    ("decembre", "dec"),
)  # fmt: skip
_UNITS = (
    "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "treize",
    "quatorze", "quinze", "seize",
)  # fmt: skip
_DAYS = (
    "premier", *_UNITS[1:], "dixsept", "dixhuit", "dixneuf", "vingt", "vingtetun",
    *(f"vingt{unit}" for unit in _UNITS[1:9]), "trente", "trenteetun",
)  # fmt: skip


def _ways_to_write(birth_date: str) -> set[str]:
    """A date as people write it, once signs, spaces and accents are left out."""
    if not re.fullmatch(r"\d{8}", birth_date):
        return set()
    year, month, day = birth_date[:4], int(birth_date[4:6]), int(birth_date[6:])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return {f"{day:02}{month:02}{year}", f"{year}{month:02}{day:02}"}
    forms = {
        "".join(parts)
        for d in {f"{day:02}", str(day)}
        for m in {f"{month:02}", str(month)}
        for parts in ((d, m, year), (year, m, d), (m, d, year))
    }
    d, m, short = f"{day:02}", f"{month:02}", year[2:]
    forms |= {d + m + short, short + m + d, m + d + short}
    for name in _MONTHS[month - 1]:
        said = {d, str(day), _DAYS[day - 1], *({"1er"} if day == 1 else ())}
        forms |= {written + name for written in said} | {name + year, year + name, name + d + year}
    return forms


def _ways_to_reach(contact: str) -> set[str]:
    if "@" in contact:
        box = re.sub(r"[^0-9a-z]", "", plain(contact.partition("@")[0]))
        return {box} if len(box) >= 4 else set()
    digits = re.sub(r"\D", "", contact)
    return {digits[-9:]} if len(digits) >= 9 else set()


def _parts(text: str, shortest: int) -> set[str]:
    """The words of a name or a login that are long enough to be recognised, and the whole of it."""
    words = re.findall(r"[0-9a-z]+", plain(text))
    return {part for part in (*words, "".join(words)) if len(part) >= shortest}


def _as_letters(text: str) -> str:
    """Signs in the place of letters read as letters: « c@m1lle »."""
    return re.sub(r"[^a-z]", "", text.translate(str.maketrans("0134578@$€!", "oieastbasei")))


def _holds(part: str, text: str, compact: str, letters: str) -> bool:
    if len(part) >= 5 or (part not in GIVEN_NAMES and len(part) >= 4 and not part.isalpha()):
        return part in compact or part in letters or part[::-1] in compact
    return re.search(rf"(?<![a-z]){re.escape(part)}(?![a-z])", text) is not None


def _score(clear: str, personal: Personal) -> int:
    from zxcvbn import zxcvbn  # its lists of words take a moment to load: only where a password is chosen

    known = [*personal.names, personal.login, personal.birth_date[:4], *_SITE, *dictionary()]
    return int(zxcvbn(clear, user_inputs=[word for word in known if word])["score"])
