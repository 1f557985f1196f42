"""Pages that anyone may read."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dossiers import information


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "public/home.html")


@require_safe
def read(request: HttpRequest, page: str) -> HttpResponse:
    """Help, accessibility, privacy, legal notice, site map."""
    return render(request, f"public/{page}.html", {"sections": information.SECTIONS})
