"""Who does what: each kind of job has one handler, found in the `tasks` module of its application."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from jobs.queue import Lease

Handler = Callable[["Lease"], None]

_handlers: dict[str, Handler] = {}


class UnknownKind(LookupError):
    """Nobody handles this kind of job."""


def handles(kind: str) -> Callable[[Handler], Handler]:
    """The decorated function does the jobs of this kind: it may run twice, and may be stopped anywhere."""

    def register(handler: Handler) -> Handler:
        if _handlers.setdefault(kind, handler) is not handler:
            raise ValueError(f"two handlers for {kind}")
        return handler

    return register


def handler_of(kind: str) -> Handler:
    """The handler of this kind. Raises UnknownKind."""
    if kind not in _handlers:
        autodiscover_modules("tasks")
    try:
        return _handlers[kind]
    except KeyError:
        raise UnknownKind(kind) from None
