"""Who a dossier is about: the traits of the INS referential, sealed under the dossier's key."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from access.gate import Passage
from accounts.identity import BirthDate, Ins
from accounts.paris import paris_day
from accounts.passwords import Personal
from accounts.traits import Traits
from vault.keyring import Keyring

MAJORITY = 18  # years; CSP: a minor is strictly under it


@dataclass(frozen=True, slots=True)
class Identity:
    """The INS and the traits it goes with, as the insurer certified them."""

    ins: Ins
    traits: Traits
    former: tuple[Ins, ...] = ()  # the numbers that they had before, as the card or the insurer tells them

    @property
    def numbers(self) -> tuple[Ins, ...]:
        """Every number that they are known under, the present one first."""
        return (self.ins, *self.former)

    @property
    def birth_place(self) -> str:
        """The INSEE code of where they were born: as the insurer tells it, else as their number does."""
        return self.traits.birth_place or self.ins.value[5:10]

    def known_to_others(self, *, card: str = "", login: str = "") -> Personal:
        """What makes no password of this person, with the serial number of their card when it was read."""
        traits = self.traits
        return Personal.of(
            names=(traits.birth_name, *traits.given_names, traits.used_name or ""),
            birth_date=traits.birth_date,
            nir=self.ins.value,
            card=card,
            login=login,
        )

    def told(self) -> dict[str, Any]:
        return {
            "ins": [self.ins.oid, self.ins.value],
            "birth_name": self.traits.birth_name,
            "given_names": list(self.traits.given_names),
            "sex": self.traits.sex,
            "birth_date": self.traits.birth_date,
            "used_name": self.traits.used_name,
            "birth_place": self.traits.birth_place,
            **({"former": [[one.oid, one.value] for one in self.former]} if self.former else {}),
        }

    @classmethod
    def from_told(cls, told: dict[str, Any]) -> Self:
        return cls(
            ins=Ins(*told["ins"]),
            traits=Traits(
                birth_name=told["birth_name"],
                given_names=tuple(told["given_names"]),
                sex=told["sex"],
                birth_date=told["birth_date"],
                used_name=told["used_name"],
                birth_place=told["birth_place"],
            ),
            former=tuple(Ins(*one) for one in told.get("former", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderBanner:
    """The holder as a page shows them, and until when whoever reads it may: None for the holder."""

    dossier_id: UUID
    birth_name: str
    used_name: str | None
    given_name: str
    sex: str
    birth_date: str  # YYYYMMDD, lunar dates included
    age: int
    ins: str
    given_names: tuple[str, ...]
    birth_place: str  # INSEE code
    granted_until: datetime | None = None

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.used_name or self.birth_name}".strip()

    @property
    def minor(self) -> bool:
        return self.age < MAJORITY


def seal(identity: Identity, dossier_id: UUID, keyring: Keyring) -> bytes:
    return keyring.seal_json("dossiers_dossier", "sealed_identity", dossier_id, identity.told())


def unseal(sealed: bytes, dossier_id: UUID, keyring: Keyring) -> Identity:
    return Identity.from_told(
        keyring.unseal_json("dossiers_dossier", "sealed_identity", dossier_id, bytes(sealed))
    )


def identity_of(passage: Passage) -> Identity:
    """The identity of the dossier entered, for operations that compare it."""
    return unseal(passage.facts.row.sealed_identity, passage.dossier_id, passage.keyring)


def holder_of(passage: Passage) -> HolderBanner:
    """The holder of the dossier entered, for pages."""
    until = passage.facts.row.dossier.granted_until
    return banner(identity_of(passage), passage.dossier_id, on=paris_day(passage.at), granted_until=until)


def banner(
    identity: Identity, dossier_id: UUID, *, on: date, granted_until: datetime | None = None
) -> HolderBanner:
    traits = identity.traits
    return HolderBanner(
        dossier_id=dossier_id,
        birth_name=traits.birth_name,
        used_name=traits.used_name,
        given_name=traits.first_given_name,
        sex=traits.sex,
        birth_date=traits.birth_date,
        age=BirthDate(traits.birth_date).age_on(on),
        ins=identity.ins.value,
        given_names=traits.given_names,
        birth_place=identity.birth_place,
        granted_until=granted_until,
    )


def minor(birth_date: str, *, on: date) -> bool:
    """Whether somebody born then is under age; an uncertain date never makes an adult of a minor."""
    return BirthDate(birth_date).age_on(on) < MAJORITY


__all__ = ["HolderBanner", "Identity", "banner", "holder_of", "identity_of", "minor", "seal", "unseal"]
