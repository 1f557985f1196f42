"""The holder's first page: what is new, and what was decided for emergencies."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import sessions
from dossiers import home as dossiers_home
from dossiers import information
from history import consultation
from portal.access_log import told
from portal.doors import holders_only
from portal.patient.arrival import arrival

NEWCOMER = timedelta(days=2)


@require_safe
@holders_only
def home(request: HttpRequest) -> HttpResponse:
    by, at = request.actor, timezone.now()
    signed_in_at = sessions.signed_in_at(request.session)
    front = dossiers_home.front(by.dossier_id, by=by, at=at, signed_in_at=signed_in_at)
    state = consultation.progress(by.dossier_id, by=by, at=at)
    context = {
        "holder": front.holder,
        "front": front,
        "arrival": arrival(state, at=at),
        "news": told(front.recent),
        "changes": information.CHANGES if front.informed_anew else (),
        "newcomer": at - front.opened_at < NEWCOMER,
    }
    return render(request, "patient/home.html", context)
