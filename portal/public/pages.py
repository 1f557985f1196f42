"""Pages that anyone may read."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.actors import Capacity
from dossiers import information


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "public/home.html")


@never_cache
@require_safe
def still_in(request: HttpRequest) -> HttpResponse:
    """Asked by the page that is about to end: 204 when one is still signed in, and asking is a sign of life;
    403 when the session has ended meanwhile."""
    inside = request.actor.capacity not in {Capacity.ANONYMOUS, Capacity.APPLICANT}
    return HttpResponse(status=204 if inside else 403)


@require_safe
def read(request: HttpRequest, page: str) -> HttpResponse:
    """Help, accessibility, privacy, legal notice, site map."""
    return render(request, f"public/{page}.html", {"sections": information.SECTIONS})
