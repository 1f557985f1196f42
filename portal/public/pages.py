"""Pages that anyone may read."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import sessions
from accounts.actors import Capacity
from dossiers import information


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "public/home.html")


@never_cache
@require_safe
def still_in(request: HttpRequest) -> HttpResponse:
    """Asked by the page that is about to end: 204 when one is still signed in, for so many seconds from now,
    since asking is a sign of life; 403 when the session has ended meanwhile."""
    lasts = sessions.lasts(request.session, at=timezone.now())
    if lasts is None or request.actor.capacity in {Capacity.ANONYMOUS, Capacity.APPLICANT}:
        return HttpResponse(status=403)
    return HttpResponse(status=204, headers={"Session-Seconds": str(lasts.seconds), "Session-Of": lasts.of})


@require_safe
def read(request: HttpRequest, page: str) -> HttpResponse:
    """Help, accessibility, privacy, legal notice, site map."""
    return render(request, f"public/{page}.html", {"sections": information.SECTIONS})
