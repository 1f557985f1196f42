"""The holder's first page: what is new, and what was decided for emergencies."""

from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from access.policy import Action
from accounts.actors import Capacity
from audit.ledger import Trace
from dossiers import home as dossiers_home
from history import consultation
from portal.doors import holders_only
from portal.patient.arrival import arrival
from portal.wording import told

QUIET = {Action.VISIT, Action.FOLLOW, Action.CHECK, Action.NOTIFY, Action.ASK_HISTORY, Action.REVIEW}
OWN = {Capacity.HOLDER, Capacity.APPLICANT}
NEWS = 5
NEWCOMER = timedelta(days=2)


@require_safe
@holders_only
def home(request: HttpRequest) -> HttpResponse:
    by, at = request.actor, timezone.now()
    front = dossiers_home.front(by.dossier_id, by=by, at=at)
    state = consultation.progress(by.dossier_id, by=by, at=at)
    context = {
        "holder": front.holder,
        "front": front,
        "arrival": arrival(state, at=at),
        "news": told(trace for trace in front.recent if is_news(trace))[:NEWS],
        "newcomer": at - front.opened_at < NEWCOMER,
        "last_visit": last_visit(front.recent),
    }
    return render(request, "patient/home.html", context)


def is_news(trace: Trace) -> bool:
    """What others did; the house's own movements are not news."""
    return trace.capacity not in OWN and trace.kind not in QUIET


def last_visit(recent: tuple[Trace, ...]) -> datetime | None:
    """When the holder came before today's visit, if it shows in what happened lately."""
    return next((trace.at for trace in recent if trace.capacity in OWN and trace.kind == Action.VISIT), None)
