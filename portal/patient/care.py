"""The care history, and its arrival."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from history import consultation
from history.consultation import SectionShown
from portal.doors import holders_only
from portal.lines import care_entries
from portal.patient.arrival import arrival
from portal.statements import dated, period

STOP_POLLING = 286  # htmx's own status: show this, and ask no more
UNCHANGED = 204


@require_safe
@holders_only
def care(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    history = consultation.care_history(request.actor.dossier_id, by=request.actor, at=at)
    context = {
        "holder": history.holder,
        "history": history,
        "period": period(history),
        "dated": dated(history),
        "arrival": arrival(history.state, at=at),
        "sections": [shown(section) for section in history.sections],
    }
    return render(request, "patient/care.html", context)


def shown(section: SectionShown) -> dict[str, object]:
    return {"section": section, "lines": care_entries(section), "count": len(section.lines)}


@require_safe
@holders_only
def follow(request: HttpRequest) -> HttpResponse:
    """How far the import is: a page of its own, or the part of a page that htmx asks again.

    A page that already shows the same words (`vu`) is told nothing new, so that nothing is read aloud twice.
    """
    at = timezone.now()
    state = consultation.progress(request.actor.dossier_id, by=request.actor, at=at)
    now = arrival(state, at=at)
    if not request.htmx:
        return render(request, "patient/import.html", {"holder": state.holder, "arrival": now})
    if now.moving and request.GET.get("vu") == now.version:
        return HttpResponse(status=UNCHANGED)
    return render(
        request, "patient/_arrival.html", {"arrival": now}, status=200 if now.moving else STOP_POLLING
    )
