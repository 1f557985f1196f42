"""What Pro Santé Connect says of a professional, understood. Pure.

One person, one RPPS number, and as many practices as they have professions and places: the answer
repeats them, this does not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .identity import BadNumber, parse_rpps
from .professions import LABELS

RPPS_PREFIX = "8"  # IDNPS: 8 then the RPPS number
MOST_PRACTICES = 50
MOST_LETTERS = 120
_CIVILITIES = frozenset({"M", "MME"})
_TITLES = {"DR": "Dr", "PR": "Pr"}


class BadUserinfo(ValueError):
    """`str` is the sentence to show."""


@dataclass(frozen=True, slots=True)
class PlaceOfPractice:
    number: str
    name: str


@dataclass(frozen=True, slots=True)
class PracticeTold:
    profession: str  # TRE_G15
    specialty: str  # TRE_R01, or nothing
    place: PlaceOfPractice | None


@dataclass(frozen=True, slots=True)
class ProfessionalTold:
    rpps: str
    name: str  # Dr Jeanne LEFÈVRE
    practices: tuple[PracticeTold, ...]
    civility: str = ""  # M, MME, or not told


def read(told: Any) -> ProfessionalTold:
    """Raises BadUserinfo when there is nobody to recognise, or nothing they practise."""
    if not isinstance(told, Mapping):
        raise BadUserinfo("Pro Santé Connect n’a pas dit qui vous êtes : recommencez dans un moment.")
    registered = _mapping(told.get("SubjectRefPro"))
    exercises = [e for e in _list(registered.get("exercices")) if isinstance(e, Mapping)]
    practices = tuple(dict.fromkeys(p for exercise in exercises for p in _practices(exercise, told)))
    if not practices:
        raise BadUserinfo("Pro Santé Connect ne connaît aucune situation d’exercice à votre nom.")
    civility = _text(registered, "codeCivilite").upper()
    return ProfessionalTold(
        rpps=_rpps(told),
        name=_name(told, exercises[0]),
        practices=practices[:MOST_PRACTICES],
        civility=civility if civility in _CIVILITIES else "",
    )


def _rpps(told: Mapping[str, Any]) -> str:
    number = _text(told, "SubjectNameID") or _text(told, "preferred_username")
    if len(number) != 12 or not number.startswith(RPPS_PREFIX):
        raise BadUserinfo("Pro Santé Connect ne donne pas votre numéro RPPS, nécessaire ici.")
    try:
        return parse_rpps(number[1:])
    except BadNumber:
        raise BadUserinfo("Pro Santé Connect donne un numéro RPPS qui ne convient pas.") from None


def _name(told: Mapping[str, Any], exercise: Mapping[str, Any]) -> str:
    title = _TITLES.get(_text(exercise, "codeCiviliteDexercice").upper(), "")
    given = _text(exercise, "prenomDexercice") or _text(told, "given_name")
    family = _text(exercise, "nomDexercice") or _text(told, "family_name")
    if not family:
        raise BadUserinfo("Pro Santé Connect ne donne pas votre nom.")
    return " ".join(part for part in (title, given.title() if given.isupper() else given, family) if part)


def _practices(exercise: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[PracticeTold]:
    profession, specialty = _text(exercise, "codeProfession"), _text(exercise, "codeSavoirFaire")
    if profession not in LABELS or len(specialty) > 8:
        return
    activities = [a for a in _list(exercise.get("activities")) if isinstance(a, Mapping)]
    places = [_place(activity) for activity in activities] or [_organisation(told)]
    yield from (PracticeTold(profession, specialty, place) for place in places)


def _place(activity: Mapping[str, Any]) -> PlaceOfPractice | None:
    finess, siret = _text(activity, "numeroFinessSite"), _text(activity, "numeroSiretSite")
    number = _text(activity, "identifiantTechniqueDeLaStructure") or (f"F{finess}" if finess else siret)
    name = _text(activity, "raisonSocialeSite") or _text(activity, "enseigneCommercialeSite")
    return PlaceOfPractice(number, name or number) if number else None


def _organisation(told: Mapping[str, Any]) -> PlaceOfPractice | None:
    number, name = _text(told, "SubjectOrganizationID"), _text(told, "SubjectOrganization")
    return PlaceOfPractice(number, name or number) if number else None


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return " ".join(value.split())[:MOST_LETTERS] if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
