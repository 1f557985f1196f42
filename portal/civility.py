"""How people are spoken of: « M. Lacoste », « elle », « née »."""

from dataclasses import dataclass
from typing import Protocol

from portal.names import soft


class Somebody(Protocol):
    birth_name: str
    used_name: str | None
    given_name: str
    sex: str


@dataclass(frozen=True, slots=True)
class Civility:
    """The words that agree with somebody. `said` is how one names them aloud; a child has a first name."""

    said: str
    pronoun: str
    strong: str  # « chez lui », « chez elle »
    agreement: str  # « e » when participles agree, else nothing

    @property
    def capital(self) -> str:
        return self.pronoun.capitalize()

    @property
    def if_they(self) -> str:
        return "Si elle" if self.agreement else "S’il"

    @property
    def born(self) -> str:
        return f"né{self.agreement}"


def civility(person: Somebody, *, minor: bool = False) -> Civility:
    """The words for a person, from their sex and the name they use."""
    name, given = (soft(part) for part in (person.used_name or person.birth_name, person.given_name))
    if person.sex == "F":
        short, pronoun, strong, agreement = "Mme", "elle", "elle", "e"
    else:
        short, pronoun, strong, agreement = "M.", "il", "lui", ""
    whole = f"{short} {name or given}" if name or given else "Cette personne"
    return Civility(
        said=given if minor and given else whole,
        pronoun=pronoun,
        strong=strong,
        agreement=agreement,
    )
