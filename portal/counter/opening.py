"""Opening a dossier at the counter: the card, who stands there, their agreement, the sheet they take home.

Between two pages only what the agent answered waits in the session: which paper was shown. The person's
traits stay in the visit, under its own key, until the visit ends.
"""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import card_reader
from accounts.actors import Actor, Capacity, Channel
from accounts.card_reader import CardNotRead, ReaderUnreachable
from dossiers import counter
from dossiers import information as texts
from dossiers.counter import CardTooOld, IdentityDocument, VisitOver
from portal.civility import civility
from portal.counter import sheets
from portal.counter.forms import AgreementForm, IdentityForm
from portal.doors import for_capacity

STEPS = ("Carte Vitale", "Identité", "Accord", "Fiche d’accès")

at_the_counter = for_capacity(Capacity.AGENT, Capacity.PROFESSIONAL, sign_in="counter:sign_in")


def who(request: HttpRequest) -> Actor:
    """The person signed in, whatever their trade, serving somebody who stands there."""
    return replace(request.actor, channel=Channel.COUNTER)


@at_the_counter
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The cards in the reader, each a button."""
    try:
        return render(request, "counter/home.html", {"steps": STEPS, "cards": card_reader.cards()})
    except ReaderUnreachable as silent:
        return _not_read(request, silent, status=503)


@at_the_counter
@require_POST
def card(request: HttpRequest) -> HttpResponse:
    """Read the card, and look up whether its holder has a dossier."""
    try:
        reading = card_reader.read(request.POST.get("carte", ""))
        visit = counter.receive(reading, by=who(request), at=timezone.now())
    except ReaderUnreachable as silent:
        return _not_read(request, silent, status=503)
    except (CardNotRead, CardTooOld):
        return _not_read(request, CardNotRead(), status=409)
    return redirect("counter:identity", visit.id)


@at_the_counter
@require_http_methods(["GET", "HEAD", "POST"])
def identity(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Who stands there, whether they have a dossier, and which paper proves who they are."""
    try:
        visit = counter.visit(visit_id, by=who(request), at=timezone.now())
    except VisitOver:
        return _over(request)
    if visit.exists:
        return render(request, "counter/exists.html", _page(visit))
    form = IdentityForm(request.POST or None)
    if form.is_valid():
        _remember(request, visit_id, {"shown": form.cleaned_data["shown"], "minor": visit.minor})
        return redirect("counter:agreement", visit_id)
    return render(request, "counter/identity.html", _page(visit, form=form, current=2))


@at_the_counter
@require_http_methods(["GET", "HEAD", "POST"])
def agreement(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """What to say, what was answered; then the sheet, which this answer alone ever shows."""
    known = request.session.get(_key(visit_id))
    if known is None:
        return redirect("counter:identity", visit_id)
    form = AgreementForm(request.POST or None, minor=known["minor"])
    try:
        if form.is_valid():
            return _open(request, visit_id, form.told(), IdentityDocument[known["shown"]])
        visit = counter.visit(visit_id, by=who(request), at=timezone.now())
    except VisitOver:
        return _over(request)
    form.speak_of(civility(visit, minor=visit.minor), brochure=texts.VERSION)
    return render(request, "counter/agreement.html", _page(visit, form=form, current=3))


def _open(
    request: HttpRequest, visit_id: UUID, told: dict[str, Any], shown: IdentityDocument
) -> HttpResponse:
    sheet = counter.open_here(
        visit_id,
        identity_document=shown,
        information_version=texts.VERSION,
        by=who(request),
        at=timezone.now(),
        **told,
    )
    address = settings.DMP_BASE_URL + reverse("public:sign_in")
    page = {"sheet": sheet, "printed": sheets.printed(sheet, address), "minor": bool(told["representative"])}
    return render(request, "counter/sheet.html", page)


@at_the_counter
@require_POST
def think_it_over(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """« Il préfère réfléchir », or there was nothing to open: everything about the visit is forgotten."""
    request.session.pop(_key(visit_id), None)
    try:
        counter.think_it_over(visit_id, by=who(request), at=timezone.now())
    except VisitOver:
        return _over(request)
    if "fin" in request.POST:
        return redirect("counter:home")
    return render(request, "counter/thinking.html")


@at_the_counter
@require_safe
def information(request: HttpRequest) -> HttpResponse:
    """The text that consent is given on, for the person to read on the agent's screen."""
    return render(request, "counter/information.html", {"sections": texts.SECTIONS, "version": texts.VERSION})


def _key(visit_id: UUID) -> str:
    return f"visit:{visit_id}"


def _remember(request: HttpRequest, visit_id: UUID, answered: dict[str, Any]) -> None:
    """What was answered about this visit. Those before it are over: nothing more is kept of them."""
    for key in [key for key in request.session.keys() if key.startswith("visit:")]:  # noqa: SIM118
        del request.session[key]
    request.session[_key(visit_id)] = answered


def _page(visit: counter.Visit, **more: Any) -> dict[str, Any]:
    return {"visit": visit, "civility": civility(visit, minor=visit.minor), "steps": STEPS, **more}


def _not_read(request: HttpRequest, fault: Exception, *, status: int) -> HttpResponse:
    return render(request, "counter/home.html", {"steps": STEPS, "fault": str(fault)}, status=status)


def _over(request: HttpRequest) -> HttpResponse:
    return render(request, "counter/over.html", status=410)
