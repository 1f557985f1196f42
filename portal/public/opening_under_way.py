"""Which opening this browser has under way: remembered by its session, like everything else.

A letter takes days, longer than any session. Then, and only then, a cookie brings back to the page where its
code is typed: in this browser, which its secret tells from others, and to that page alone, never to what was
answered.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts import browsers

_SESSION_KEY, SALT = "opening", "portal.public.opening"
LETTER_TRAVELS = timedelta(days=16)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """`came_back`: brought back by the cookie of a letter, whoever sits there now."""

    application: UUID
    came_back: bool


def of(request: HttpRequest) -> UnderWay | None:
    """The opening of this browser, if there is one."""
    if kept := request.session.get(_SESSION_KEY):
        return UnderWay(UUID(kept["application"]), kept["came_back"])
    signed = request.get_signed_cookie(settings.DMP_OPENING_COOKIE_NAME, default="", salt=SALT)
    application, _, binding = signed.partition("|")
    if not application or binding != browsers.binding(request, SALT):
        return None
    keep(request, UUID(application), came_back=True)
    return UnderWay(UUID(application), True)


def keep(request: HttpRequest, application: UUID, *, came_back: bool = False) -> None:
    """Remember an opening for as long as the session lasts, under an identifier that nobody knew before."""
    request.session.cycle_key()
    request.session[_SESSION_KEY] = {"application": str(application), "came_back": came_back}


def proved(request: HttpRequest, response: HttpResponse) -> None:
    """Whoever came back holds the code: the rest is theirs to see, and the letter is over."""
    request.session[_SESSION_KEY] = request.session[_SESSION_KEY] | {"came_back": False}
    _forget_letter(request, response)


def wait_for_a_letter(request: HttpRequest, response: HttpResponse, application: UUID) -> None:
    """Bring this browser back to the opening when the letter has come."""
    browsers.last(request, LETTER_TRAVELS)
    response.set_signed_cookie(
        settings.DMP_OPENING_COOKIE_NAME,
        f"{application}|{browsers.binding(request, SALT)}",
        salt=SALT,
        max_age=LETTER_TRAVELS,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def forget(request: HttpRequest, response: HttpResponse) -> None:
    """The opening is over."""
    request.session.pop(_SESSION_KEY, None)
    _forget_letter(request, response)


def _forget_letter(request: HttpRequest, response: HttpResponse) -> None:
    if settings.DMP_OPENING_COOKIE_NAME in request.COOKIES:
        response.delete_cookie(settings.DMP_OPENING_COOKIE_NAME, samesite="Lax")
