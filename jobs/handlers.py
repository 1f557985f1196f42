"""Who does what: each kind of job has one handler, found in the `tasks` module of its application."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import autodiscover_modules

from jobs.urgency import Urgency

if TYPE_CHECKING:
    from jobs.leases import Lease


@dataclass(frozen=True, slots=True)
class Asking:
    """A question to somebody outside the house, and what is done with the answer.

    `ask` runs with neither slot nor database: others work meanwhile. It gives up by itself, within a total
    time of its own, by raising `jobs.leases.Later`. `then` is called with the answer, back in a slot.
    """

    ask: Callable[[], Any]
    then: Callable[[Any], None]


Handler = Callable[["Lease"], Asking | None]
GivingUp = Callable[["Lease", str], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: how urgent it is, what it does, what it writes when it is given up under a code."""

    urgency: Urgency
    handler: Handler
    given_up: GivingUp | None = None
    closed_by: str | None = None


_kinds: dict[str, Kind] = {}


class UnknownKind(LookupError):
    """Nobody handles this kind of job."""


def handles(
    kind: str, *, urgency: Urgency, given_up: GivingUp | None = None, closed_by: str | None = None
) -> Callable[[Handler], Handler]:
    """The decorated function does the jobs of this kind: it may run twice, and may be stopped anywhere.

    `given_up` is called before a job is buried: what its package says of it must not stay « under way ».
    `closed_by` is the kind of job that does what a person decided when they close one of these.
    """

    def register(handler: Handler) -> Handler:
        if kind in _kinds and _kinds[kind].handler is not handler:
            raise ValueError(f"two handlers for {kind}")
        _kinds[kind] = Kind(urgency, handler, given_up, closed_by)
        return handler

    return register


def known(kind: str) -> Kind:
    """Whoever handles this kind. Raises UnknownKind."""
    if kind not in _kinds:
        autodiscover_modules("tasks")
    try:
        return _kinds[kind]
    except KeyError:
        raise UnknownKind(kind) from None


def urgency_of(kind: str) -> Urgency:
    """How urgent the jobs of this kind are; nobody waits for a kind that is not known."""
    try:
        return known(kind).urgency
    except UnknownKind:
        return Urgency.BULK


def closed_by(kind: str) -> str | None:
    """The kind of job that does what closing one of these means, if anything is to be done."""
    try:
        return known(kind).closed_by
    except UnknownKind:
        return None
