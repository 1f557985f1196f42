"""Whose care history this is: the holder's, or nobody's here.

INS and strict traits must all agree, as the INS referential compares them. Certificates once landed in
other people's space for want of this; a doubt is a no.
"""

from collections.abc import Callable
from dataclasses import dataclass

from accounts.identity import Ins, same_ins
from accounts.traits import BIRTH_NAME, GIVEN_NAME, Traits, absent, differences

INS = "ins"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What disagrees: names of traits, never their values."""

    differing: frozenset[str]
    untold: frozenset[str] = frozenset()  # those of them that the statement does not tell

    @property
    def code(self) -> str:
        if INS in self.differing:
            return "other_ins"
        return "no_traits" if self.differing <= self.untold else "other_traits"


def mismatch(
    holder: tuple[Ins, Traits], named: tuple[Ins, Traits], *, theirs: Callable[[Ins], bool] = lambda _: False
) -> Mismatch | None:
    """What keeps a statement about `named` out of the dossier of `holder`; None when it is theirs.

    `theirs` says of another number whether it is the holder's too.
    """
    differing = differences(holder[1], named[1])
    if not same_ins(holder[0], named[0]) and not theirs(named[0]):
        differing |= {INS}
    untold = {
        BIRTH_NAME: absent(named[1].birth_name),
        GIVEN_NAME: all(absent(name) for name in named[1].given_names),
    }
    missing = frozenset(trait for trait, is_missing in untold.items() if is_missing)
    return Mismatch(differing, missing) if differing else None
