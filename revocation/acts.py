"""Acts that take something away: each has a kind, and a way to be done again after a restore.

An application that has such acts says so in its module `revocations`: what replays each kind, and what must
end whenever a database was restored.
"""

from collections.abc import Callable
from datetime import datetime

from django.utils.module_loading import autodiscover_modules

from .journal import Line

Replay = Callable[[Line], None]
Ending = Callable[[datetime], int]

_replays: dict[str, Replay] = {}
_endings: list[Ending] = []


def replays(kind: str) -> Callable[[Replay], Replay]:
    """The decorated function does the act of a line again, and settles the line in the same transaction
    (`journalling.settle`). It may run twice, and after the act itself.
    """

    def register(replay: Replay) -> Replay:
        if _replays.setdefault(kind, replay) is not replay:
            raise ValueError(f"two ways to replay {kind}")
        return replay

    return register


def ends_after_a_restore(ending: Ending) -> Ending:
    """The decorated function ends what a restored database may have brought back; how many it ended."""
    _endings.append(ending)
    return ending


def replay_of(kind: str) -> Replay | None:
    return kinds().get(kind)


def kinds() -> dict[str, Replay]:
    autodiscover_modules("revocations")
    return _replays


def endings() -> list[Ending]:
    autodiscover_modules("revocations")
    return _endings
