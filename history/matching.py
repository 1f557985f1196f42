"""Whose care history this is: the holder's, or nobody's here.

INS and strict traits must all agree, as the INS referential compares them. Certificates once landed in
other people's space for want of this; a doubt is a no.
"""

from dataclasses import dataclass

from accounts.identity import Ins, same_ins
from accounts.traits import Traits, differences

INS = "ins"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What disagrees: names of traits, never their values."""

    differing: frozenset[str]

    @property
    def code(self) -> str:
        return "other_ins" if INS in self.differing else "other_traits"


def mismatch(holder: tuple[Ins, Traits], named: tuple[Ins, Traits]) -> Mismatch | None:
    """What keeps a statement about `named` out of the dossier of `holder`; None when it is theirs."""
    differing = differences(holder[1], named[1])
    if not same_ins(holder[0], named[0]):
        differing |= {INS}
    return Mismatch(differing) if differing else None
