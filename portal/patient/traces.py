"""Who looked at the dossier, and to do what."""

from itertools import groupby

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dossiers import traces as ledger
from portal.dates import in_paris
from portal.doors import holders_only
from portal.wording import told


@require_safe
@holders_only
def traces(request: HttpRequest) -> HttpResponse:
    before = request.GET.get("avant", "")
    if before and not (before.isdecimal() and len(before) < 19):
        raise BadRequest
    page = ledger.traces(
        request.actor.dossier_id, by=request.actor, at=timezone.now(), before=int(before) if before else None
    )
    years = [
        (year, list(lines))
        for year, lines in groupby(told(page.entries), key=lambda line: in_paris(line.at).year)
    ]
    log = reverse("patient:traces")
    older, newest = f"{log}?avant={page.next}" if page.next else "", log if before else ""
    context = {"holder": page.holder, "years": years, "older": older, "newest": newest, "before": before}
    return render(request, "patient/traces.html", context)
