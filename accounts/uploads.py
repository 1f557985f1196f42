"""Which views take more than a form, from whom, and how much: asked before a byte of it is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpRequest

from .actors import Capacity

TOO_LARGE = "dmp.too_large"  # in request.META when what was sent went past the limit and was dropped
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Upload:
    """`most` bytes, from whoever `welcome` recognises by the head of the request alone."""

    most: int
    welcome: Callable[[HttpRequest], bool]


def takes(most: int, *, welcome: Callable[[HttpRequest], bool]) -> Callable[[View], View]:
    """Let a view receive bodies of `most` bytes. Goes first, above the other decorators."""

    def mark(view: View) -> View:
        view.upload = Upload(most, welcome)  # type: ignore[attr-defined]
        return view

    return mark


def signed_in_as(capacity: Capacity) -> Callable[[HttpRequest], bool]:
    return lambda request: request.actor.capacity is capacity


def was_too_large(request: HttpRequest) -> bool:
    """Whether the body of this request was dropped: nothing of what was typed is here either."""
    return bool(request.META.get(TOO_LARGE))
