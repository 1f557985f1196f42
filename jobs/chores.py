"""What the scheduler does from time to time: each application registers its own chores in `tasks`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.utils.module_loading import autodiscover_modules


class Chore(Protocol):
    def __call__(self, *, at: datetime) -> object: ...


@dataclass(frozen=True)
class Every:
    seconds: float
    chore: Chore
    name: str


_chores: list[Every] = []


def every(seconds: float) -> Callable[[Chore], Chore]:
    """The decorated function is called every so many seconds; two schedulers may call it at once."""

    def register(chore: Chore) -> Chore:
        name = f"{chore.__module__}.{getattr(chore, '__name__', 'chore')}"
        _chores.append(Every(seconds, chore, name))
        return chore

    return register


def chores() -> tuple[Every, ...]:
    autodiscover_modules("tasks")
    return tuple(_chores)
