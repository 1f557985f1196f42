"""Whom the holder lets read, and taking it back."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from dossiers import sharing
from dossiers.sharing import Authorised, NotInForce, People
from portal.doors import holders_only
from portal.names import soft
from portal.sent_twice import done_once


@require_safe
@holders_only
def people(request: HttpRequest) -> HttpResponse:
    known = sharing.people(request.actor.dossier_id, by=request.actor, at=timezone.now())
    context = {
        "holder": known.holder,
        "allowed": [one for one in known.authorised if one.in_force],
        "past": [one for one in known.authorised if not one.in_force],
    }
    return render(request, "patient/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@holders_only
@done_once
def withdraw(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """A page of its own, where one reads what changes before doing it."""
    by, at = request.actor, timezone.now()
    if request.method == "POST":
        try:
            name = sharing.withdraw(by.dossier_id, grant_id, by=by, at=at)
            messages.success(request, f"{soft(name)} ne peut plus lire votre dossier.")
        except NotInForce:
            messages.info(request, "Cette autorisation était déjà terminée.")
        return redirect("patient:people")
    known = sharing.people(by.dossier_id, by=by, at=at)
    context = {"holder": known.holder, "person": _in_force(known, grant_id)}
    return render(request, "patient/withdraw.html", context)


def _in_force(known: People, grant_id: UUID) -> Authorised:
    for one in known.authorised:
        if one.grant_id == grant_id and one.in_force:
            return one
    raise Http404
