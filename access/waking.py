"""What wakes a web access that is asked for at a counter. Pure: facts in, one answer out.

A contact typed at one counter alone never wakes anything, whether its code came back or not: an agent
could type a telephone of his own. Only three things do: a contact that the insurer knew before this
visit and for long enough, its letter, or a second visit to another structure and another agent.
"""

from dataclasses import dataclass
from enum import StrEnum


class Waking(StrEnum):
    """What an access still waits for. Stored as such, sealed."""

    NOTHING = "nothing"  # it is awake at once
    FIRST_CODE = "first_code"  # the first code received at home, on a contact that the insurer knows
    WAKE_CODE = "wake_code"  # nine digits sent to a contact that the insurer knows
    LETTER = "letter"  # the same nine digits, posted to the address that the insurer knows
    INSURER = "insurer"  # the insurer is silent: it is asked again, then one of those above
    SECOND_VISIT = "second_visit"  # elsewhere, with somebody else: until then there is no access
    NO_ACCESS = "no_access"  # none is wanted today


class Chosen(StrEnum):
    """What the person said when asked how to be reached."""

    KNOWN = "known"  # a contact of the insurer's answer
    TYPED = "typed"  # anything else: said, and typed by the agent
    NO_LETTER = "no_letter"  # typed, and no letter must come
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How the person can be reached, at the end of a visit.

    `answered`: the insurer answered during this visit. `others_known`: it has known at least one telephone
    or mailbox for long enough; `address_known`: its postal address too. `letter_refused`: now, or at an
    earlier visit. `second_visit`: the same contact was given before, at least a day ago, in another
    structure, to another agent.
    """

    chosen: Chosen
    code_came_back: bool
    answered: bool
    chosen_known: bool = False
    others_known: bool = False
    address_known: bool = False
    letter_refused: bool = False
    second_visit: bool = False


def what_wakes(reached: Reached) -> Waking:
    """What the access waits for. The order is the rule."""
    if reached.chosen is Chosen.NONE:
        return Waking.NO_ACCESS
    if reached.chosen is Chosen.KNOWN and reached.answered and reached.chosen_known:
        return Waking.NOTHING if reached.code_came_back else Waking.FIRST_CODE
    if reached.second_visit and reached.code_came_back:
        return Waking.NOTHING
    if not reached.answered:
        return Waking.INSURER
    if reached.others_known:
        return Waking.WAKE_CODE
    if reached.address_known and not reached.letter_refused:
        return Waking.LETTER
    return Waking.SECOND_VISIT


__all__ = ["Chosen", "Reached", "Waking", "what_wakes"]
