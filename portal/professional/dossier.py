"""A patient's dossier: the list of documents, and the question that comes before it."""

from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from access.gate import Refused
from access.policy import Reason
from documents import consultation
from dossiers import home, sharing
from portal.civility import civility
from portal.sent_twice import done_once

from .rows import rows_of
from .whom import professionals_only


@professionals_only
@require_safe
def dossier(request: HttpRequest, dossier_id: UUID) -> HttpResponse:
    """The documents, newest first. Without a grant, the page asks whether the patient agrees."""
    before = request.GET.get("avant")
    try:
        contents = consultation.contents(dossier_id, by=request.actor, at=timezone.now(), before=before)
    except Refused as refused:
        if refused.decision.reason is Reason.NOT_GRANTED:
            return redirect("professional:agreement", dossier_id)
        raise
    page = {
        "holder": contents.holder,
        "contents": contents,
        "rows": rows_of(contents.summaries, dossier_id),
        "older": contents.next and f"?{urlencode({'avant': contents.next})}",
        "first": before and request.path,
        "civility": civility(contents.holder, minor=contents.holder.minor),
    }
    return render(request, "professional/dossier.html", page)


@professionals_only
@require_http_methods(["GET", "HEAD", "POST"])
@done_once
def agreement(request: HttpRequest, dossier_id: UUID) -> HttpResponse:
    """« M. Lacoste est-il d’accord ? » Declaring that he is creates an authorisation with an end."""
    if request.method == "POST":
        sharing.declare_agreement(dossier_id, by=request.actor, at=timezone.now())
        return redirect("professional:dossier", dossier_id)
    front = home.front(dossier_id, by=request.actor, at=timezone.now())
    page = {
        "holder": front.holder,
        "front": front,
        "civility": civility(front.holder, minor=front.holder.minor),
    }
    return render(request, "professional/agreement.html", page)
