"""People of the town who come to a counter one after the other: there is always somebody new to open for."""

from functools import cache

from django.conf import settings

from sandbox.memory import Memory
from sandbox.population import Person, inhabitants

WAITING = 3  # whom nobody has received yet, in front of the counter
STILL_THERE = 2  # received last: their card may be read again


class Newcomers:
    """How many have come so far is what is remembered: who they are follows."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def cards(self) -> dict[str, Person]:
        """Those who were received last, then those who wait, by their name for the reader."""
        came = self._came()
        people = inhabitants(came + WAITING)
        return {person.slug: person for person in people[max(0, came - STILL_THERE) :]}

    def received(self, slug: str) -> None:
        """The card of one of them was read: the next comes forward."""
        came = self._came()
        waiting = [person.slug for person in inhabitants(came + WAITING)[came:]]
        if slug in waiting:
            self._memory.write(came + 1 + waiting.index(slug))

    def by_ins(self, ins: tuple[str, str]) -> Person | None:
        """Somebody who has come, or waits, and was not of the town that everybody knows."""
        return next((person for person in inhabitants(self._came() + WAITING) if person.ins == ins), None)

    def _came(self) -> int:
        return int(self._memory.read())


@cache
def newcomers() -> Newcomers:
    return Newcomers(Memory(settings.MEMORY, "newcomers", 0))
