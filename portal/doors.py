"""Whom a page is for. The policy decides what one may do; a door only sends people to the right house."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control

from accounts import credentials
from accounts.actors import Capacity
from accounts.middleware import actor_of
from dossiers import doors

View = Callable[..., HttpResponseBase]

ASKED_BY_A_PAGE = "HX-Request"  # the header by which htmx says so
SIGN_IN = {
    Capacity.HOLDER: "public:sign_in",
    Capacity.PROFESSIONAL: "professional:sign_in",
    Capacity.AGENT: "counter:sign_in",
    Capacity.STAFF: "staff:sign_in",
}


def for_capacity(*capacities: Capacity, sign_in: str) -> Callable[[View], View]:
    """Pages of one space. Nobody in particular is sent to sign in (`sign_in` is the name of that address);
    somebody of another space is refused at the gate, which leaves a trace.

    What such a page shows stays out of every cache, the browser's own included.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            capacity = request.actor.capacity
            if capacity not in capacities and capacity in {Capacity.ANONYMOUS, Capacity.APPLICANT}:
                if ASKED_BY_A_PAGE in request.headers:
                    # A part of a page left on a screen: all of it goes away, nothing is put inside it.
                    return HttpResponse(status=204, headers={"HX-Refresh": "true"})
                return redirect(to_sign_in(request, sign_in))
            if capacity not in capacities:
                doors.knock(
                    capacities, by=request.actor, at=timezone.now(), dossier_id=kwargs.get("dossier_id")
                )
            response = view(request, *args, **kwargs)
            patch_cache_control(response, private=True, no_store=True)
            return response

        return door

    return decorate


def still_signed_in(request: HttpRequest) -> bool:
    """Whether this answer may be given to whoever asked as somebody signed in.

    What the gate let through was confirmed there. A page that asked nothing of it is confirmed here.
    """
    shown = request.actor.credential
    if shown is None or shown.confirmed or request.session.session_key is None:
        return True
    return credentials.confirm(request.actor, at=timezone.now())


def signed_out(request: HttpRequest) -> HttpResponse:
    """Forget a session that has ended elsewhere, and have the page asked for again by nobody in particular:
    a public page is then shown, the others lead to their sign-in."""
    capacity = request.actor.capacity
    request.session.flush()
    request.actor = actor_of(request.session)
    if request.method in {"GET", "HEAD"}:
        return redirect(request.get_full_path())
    return redirect(SIGN_IN.get(capacity, "public:sign_in"))


def to_sign_in(request: HttpRequest, sign_in: str) -> str:
    """The sign-in page, which brings back to a page that was only to be read."""
    return onward(sign_in, request.path if request.method in {"GET", "HEAD"} else "")


def onward(name: str, page: str) -> str:
    """A step of signing in, which remembers the page wished for."""
    return f"{reverse(name)}?{urlencode({'suite': page})}" if page else reverse(name)


def wished_page(request: HttpRequest, *, home: str) -> str:
    """Where to go once signed in: the page first asked for, when it is one of this space; else its `home`."""
    return wished(request, home=home) or reverse(home)


def wished(request: HttpRequest, *, home: str) -> str:
    """The page first asked for, when it is one of the space that `home` belongs to; else nothing."""
    return page_of_space(request.POST.get("suite") or request.GET.get("suite", ""), home=home)


def page_of_space(asked: str, *, home: str) -> str:
    """`asked` when it is the path of a page of the space that `home` belongs to; else nothing.

    Whatever it is: another site, another space, a page that signs in, no address at all.
    """
    if not _PATH.fullmatch(asked):
        return ""
    try:
        found = resolve(asked.partition("?")[0])
    except Resolver404:
        return ""
    space = home.partition(":")[0]
    same = found.namespace in SPACES_SHARED.get(space, {space})
    return asked if same and found.url_name not in PAGES_THAT_SIGN_IN else ""


_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~/-]{0,200}(\?[A-Za-z0-9._~&=+%:,-]{0,200})?")
SPACES_SHARED = {"professional": {"professional", "counter"}}  # professionals receive people at counters too
PAGES_THAT_SIGN_IN = {
    "sign_in",
    "sign_in_code",
    "sign_in_password",
    "psc_start",
    "psc_return",
    "practice",
}


holders_only = for_capacity(Capacity.HOLDER, sign_in="public:sign_in")
