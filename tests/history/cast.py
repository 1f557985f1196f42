"""People of the tests and what the insurer writes about them."""

from dataclasses import dataclass, replace
from datetime import date

from accounts.identity import Ins, Nir
from accounts.traits import Traits
from sandbox import statements

TEST_NIR = "1.2.250.1.213.1.4.10"


@dataclass(frozen=True, kw_only=True)
class Insured:
    """Somebody the insurer knows."""

    number: str  # thirteen characters, the key follows
    birth_name: str
    given_names: tuple[str, ...]
    sex: str
    birth_date: str
    used_name: str | None = None
    birth_place: str = "38185"
    oid: str = TEST_NIR
    seed: int = 7

    @property
    def ins(self) -> tuple[str, str]:
        return self.oid, Nir(self.number).text15

    @property
    def traits(self) -> Traits:
        return Traits(
            birth_name=self.birth_name, given_names=self.given_names, sex=self.sex, birth_date=self.birth_date
        )

    @property
    def identity(self) -> tuple[Ins, Traits]:
        return Ins(*self.ins), self.traits

    def but(self, **differing: object) -> "Insured":
        return replace(self, **differing)  # type: ignore[arg-type]


CAMILLE = Insured(
    number="2840538185044",
    birth_name="MARTIN-DUPRÉ",
    given_names=("CAMILLE", "ANNE"),
    sex="F",
    birth_date="19840517",
    used_name="LEROY",
)
SINCE, UNTIL = date(2024, 11, 21), date(2026, 11, 21)


def statement(person: Insured = CAMILLE, *, lines: int | None = 24, **how: object) -> bytes:
    """What the insurer would send about somebody."""
    period = {"since": SINCE, "until": UNTIL}
    return statements.write(person, lines=lines, **(period | how))  # type: ignore[arg-type]
