"""A visit at the counter: the card, who stands there, their agreement, a code, the sheet they take home.

Nothing of a visit waits in the session but which post this browser is at: what was answered stays in the
visit, under its own key, until the visit ends.
"""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import card_reader, directory
from accounts.actors import Actor, Capacity, Channel
from accounts.card_reader import CardNotRead, NoSuchPost, Post, ReaderUnreachable
from dossiers import counter, waking
from dossiers import information as texts
from dossiers.counter import CardTooOld, IdentityDocument, NotAtThisStage, Stage, Visit, VisitOver
from portal import dates
from portal.civility import civility
from portal.counter import sheets
from portal.counter.forms import AgreementForm, CounterCodeForm
from portal.doors import for_capacity
from portal.forms import posted
from portal.sent_twice import done_once
from portal.typography import french

STEPS = ("Carte Vitale", "Identité", "Accord", "Code", "Fiche")
PAGES = {
    Stage.IDENTITY: "counter:identity",
    Stage.EXISTS: "counter:exists",
    Stage.AGREEMENT: "counter:agreement",
    Stage.CODE: "counter:code",
    Stage.SHEET: "counter:sheet",
}
DOCUMENTS = (
    (IdentityDocument.ID_CARD, "sa carte d’identité", "card"),
    (IdentityDocument.PASSPORT, "son passeport", "document"),
    (IdentityDocument.RESIDENCE_PERMIT, "son titre de séjour", "document"),
)
POST, DESK = "counter_post", "counter_desk"  # in the session

at_the_counter = for_capacity(Capacity.AGENT, Capacity.PROFESSIONAL, sign_in="counter:sign_in")


def who(request: HttpRequest) -> Actor:
    """The person signed in, whatever their trade, serving somebody who stands there."""
    return replace(request.actor, channel=Channel.COUNTER)


def desk_of(request: HttpRequest) -> str:
    """The post and the session in which this browser reads cards: a visit is bound to it."""
    if DESK not in request.session:
        request.session[DESK] = secrets.token_urlsafe(16)
    return f"{request.session.get(POST, '')} {request.session[DESK]}"


def visiting(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page of a visit under way, which the view may find over, at another stage, or its card too old."""

    @wraps(view)
    def door(request: HttpRequest, visit_id: UUID) -> HttpResponse:
        try:
            return view(request, visit_id)
        except VisitOver:
            return render(request, "counter/over.html", status=410)
        except CardTooOld:
            return render(request, "counter/card_too_old.html", status=409)
        except NotAtThisStage as elsewhere:
            return redirect(PAGES[elsewhere.stage], visit_id)

    return at_the_counter(door)


# The card --------------------------------------------------------------------------------------


@at_the_counter
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The cards in the reader of this post, each a button; or the posts of the structure, when there are
    several and none was chosen."""
    structure = directory.structure_number(request.actor.structure_id)
    try:
        posts = card_reader.posts(structure)
        mine = _my_post(request, posts)
        if mine is None:
            return _at_the_reader(request, posts=posts, no_post=not posts)
        cards = card_reader.cards(mine.id, structure=structure)
        desk_of(request)  # before any card is read: two readings at once are of one desk
    except ReaderUnreachable as silent:
        return _not_read(request, silent, status=503)
    return _at_the_reader(
        request, cards=cards, post=mine, posts=posts, parked=sorted(_parked(request).values())
    )


@at_the_counter
@require_POST
def post(request: HttpRequest) -> HttpResponse:
    """This browser stands at that post. Visits begun at another are left there."""
    request.session[POST] = request.POST.get("poste", "")[:100]
    request.session.pop(DESK, None)
    return redirect("counter:home")


@at_the_counter
@require_POST
def card(request: HttpRequest) -> HttpResponse:
    """Read the card, and look up whether its holder has a dossier."""
    structure = directory.structure_number(request.actor.structure_id)
    try:
        mine = _my_post(request, card_reader.posts(structure))
        if mine is None:
            return redirect("counter:home")
        reading = card_reader.read(request.POST.get("carte", ""), post_id=mine.id, structure=structure)
        visit = counter.receive(reading, by=who(request), at=timezone.now(), desk=desk_of(request))
    except ReaderUnreachable as silent:
        return _not_read(request, silent, status=503)
    except NoSuchPost as elsewhere:
        return _not_read(request, elsewhere, status=409)
    except (CardNotRead, CardTooOld):
        return _not_read(request, CardNotRead(), status=409)
    return redirect(PAGES[visit.stage], visit.id)


def _my_post(request: HttpRequest, posts: list[Post]) -> Post | None:
    """Where this browser stands: the post chosen, or the only one there is."""
    mine = next((post for post in posts if post.id == request.session.get(POST)), None)
    if mine is None and len(posts) == 1:
        [mine] = posts
        request.session[POST] = mine.id
    return mine


def _not_read(request: HttpRequest, fault: Exception, *, status: int) -> HttpResponse:
    return _at_the_reader(request, fault=str(fault), status=status)


def _parked(request: HttpRequest) -> dict[str, datetime]:
    """Until when each visit set aside here is kept. Nothing of whom it is for."""
    now = timezone.now()
    until = {
        visit: dates.parsed(told) for visit, told in request.session.get("counter_set_aside", {}).items()
    }
    return {visit: moment for visit, moment in until.items() if moment > now}


# Who stands there ------------------------------------------------------------------------------


@visiting
@require_http_methods(["GET", "HEAD", "POST"])
def identity(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Who stands there, line by line; the button says which paper they were compared with."""
    shown = IdentityDocument.__members__.get(request.POST.get("piece", ""))
    if shown is not None:
        stage = counter.compared(visit_id, shown, **_here(request))
        return redirect(PAGES[stage], visit_id)
    visit = counter.visit(visit_id, **_here(request))
    return _page(request, "identity", _shown(visit, documents=DOCUMENTS))


@visiting
@require_http_methods(["GET", "HEAD", "POST"])
@done_once
def exists(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """They have a dossier already: what can be done for them here."""
    if request.method == "POST":
        try:
            counter.nothing_received(visit_id, **_here(request))
        except waking.AskedToday as today:
            again = dates.soon(today.again_at, at=timezone.now())
            messages.warning(request, french(f"Un code est déjà parti. On peut en redemander un {again}."))
        else:
            messages.success(request, french("Le code repart, vers un autre contact connu ou par lettre."))
        return redirect("counter:exists", visit_id)
    visit = counter.visit(visit_id, **_here(request))
    if visit.document is None or not visit.exists:
        raise NotAtThisStage(visit.stage)
    return _page(request, "exists", _shown(visit))


# Their agreement -------------------------------------------------------------------------------


@visiting
@require_http_methods(["GET", "HEAD", "POST"])
def agreement(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """What to say, what was answered, and how to be reached: the answer to that is what goes on."""
    here = _here(request)
    visit = counter.heard(visit_id, **here)
    if visit.stage in (Stage.IDENTITY, Stage.SHEET) or visit.has in (counter.Has.ASLEEP, counter.Has.AWAKE):
        raise NotAtThisStage(Stage.EXISTS if visit.stage is Stage.AGREEMENT else visit.stage)
    form = AgreementForm(posted(request), visit=visit, initial=_answered(visit))
    if form.is_valid():
        try:
            stage = counter.choose(
                visit_id, form.answers(), form.wish, information_version=texts.VERSION, **here
            )
            return redirect(PAGES[stage], visit_id)
        except counter.ContactNotOffered:
            form.add_error(None, "L’Assurance Maladie ne donne pas ce contact. Choisissez de nouveau.")
        except counter.ContactOfSeveral:
            form.add_error(
                "other",
                "Ce numéro sert déjà à plusieurs dossiers. Choisissez un autre téléphone, une autre adresse,"
                " ou « Rien pour l’instant ».",
            )
        except counter.TooSoon:
            form.add_error("other", "Plusieurs codes sont déjà partis pendant cette visite. Passez au code.")
        except counter.InsurerSilent:
            form.add_error(
                None,
                "L’Assurance Maladie n’a pas envoyé le code. N’attendez pas : écrivez un contact ci-dessous,"
                " ou choisissez « Rien pour l’instant ».",
            )
            visit = counter.visit(visit_id, **here)
    form.speak_of(civility(visit, minor=visit.minor), version=texts.VERSION)
    return _page(request, "agreement", _shown(visit, form=form))


def _answered(visit: Visit) -> dict[str, Any]:
    if visit.answers is None:
        return {}
    return {name: getattr(visit.answers, name) for name in counter.Answers.__slots__} | {"other": visit.typed}


@visiting
@require_http_methods(["GET", "HEAD", "POST"])
def turned(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """The sheet, or the whole text, that the person reads on the agent's screen. What was ticked and typed is
    kept first, and is there again when the screen comes back."""
    here = _here(request)
    if request.method == "POST":
        ticked = {name: name in request.POST for name in ("agreed", "break_glass", "regulation")}
        representative = request.POST.get("representative", "")[:120]
        answers = counter.Answers(**ticked, representative=representative)
        counter.remember_answers(visit_id, answers, typed=request.POST.get("other", "")[:254], **here)
        whole = "?texte=entier" if "entier" in request.POST else ""
        return redirect(reverse("counter:turned", args=[visit_id]) + whole)
    counter.visit(visit_id, **here)
    if "texte" in request.GET:
        whole = {"visit_id": visit_id, "sections": texts.SECTIONS, "version": texts.VERSION}
        return render(request, "counter/turned_whole.html", whole)
    return render(request, "counter/turned.html", {"visit_id": visit_id})


@at_the_counter
@require_safe
def information(request: HttpRequest) -> HttpResponse:
    """The text that consent is given on, for the person to read on the agent's screen."""
    return render(request, "counter/information.html", {"sections": texts.SECTIONS, "version": texts.VERSION})


@visiting
@require_POST
@done_once
def think_it_over(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """« Elle préfère réfléchir », or the visit is over: everything about it is forgotten."""
    next_person = "fin" in request.POST
    try:
        counter.think_it_over(visit_id, **_here(request))
    except VisitOver:
        if not next_person:
            raise  # something may have been opened: it is not said that nothing is
    if next_person:
        return redirect("counter:home")
    return redirect("counter:thinking")


@at_the_counter
@require_safe
def thinking(request: HttpRequest) -> HttpResponse:
    """The person went home to think. Nothing is left of their visit: the page is the same for all."""
    return render(request, "counter/thinking.html")


# The code, the sheet ---------------------------------------------------------------------------


@visiting
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Six digits read aloud. Two other ways are open at once: without the code, and after the next person."""
    here, onward = _here(request), request.POST.get("suite", "")
    if onward in ("sans-code", "ouvrir"):
        counter.finish(visit_id, **here)
        return redirect("counter:sheet", visit_id)
    if onward == "suivant":
        until = counter.park(visit_id, **here)
        kept = {visit: moment.isoformat() for visit, moment in _parked(request).items()}
        request.session["counter_set_aside"] = kept | {str(visit_id): until.isoformat()}
        return redirect("counter:home")
    form = CounterCodeForm(posted(request))
    if form.is_valid():
        try:
            counter.type_code(visit_id, form.cleaned_data["code"], **here)
            return redirect("counter:sheet", visit_id)
        except counter.WrongCode as wrong:
            left = "Il reste 1 essai." if wrong.tries_left == 1 else f"Il reste {wrong.tries_left} essais."
            form.add_error("code", f"Ce n’est pas ce code. Faites-le relire, chiffre par chiffre. {left}")
        except (counter.CodeExpired, counter.NoTriesLeft):
            form.add_error(
                "code", "Ce code ne sert plus. Choisissez de nouveau un contact, ou « Le code n’arrive pas »."
            )
    visit = counter.visit(visit_id, **here)
    if visit.stage is not Stage.CODE:
        raise NotAtThisStage(visit.stage)
    return _page(request, "code", _shown(visit, form=form))


@visiting
@require_safe
def sheet(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """What is printed and handed over, again as long as the visit lasts."""
    told = counter.sheet(visit_id, **_here(request))
    address = settings.DMP_BASE_URL + reverse("public:sign_in")
    page = {"sheet": told, "printed": sheets.printed(told, address), "visit_id": visit_id}
    return render(request, "counter/sheet.html", page)


# -----------------------------------------------------------------------------------------------


def _here(request: HttpRequest) -> dict[str, Any]:
    return {"by": who(request), "at": timezone.now(), "desk": desk_of(request)}


def _shown(visit: Visit, **more: Any) -> dict[str, Any]:
    return {"visit": visit, "civility": civility(visit, minor=visit.minor), **more}


def _page(request: HttpRequest, name: str, shown: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return render(request, f"counter/{name}.html", {"steps": STEPS, **shown}, status=status)


def _at_the_reader(request: HttpRequest, *, status: int = 200, **shown: Any) -> HttpResponse:
    """The first page of a visit: the posts, the one where this browser stands, the cards in its reader."""
    nothing = {"cards": (), "post": None, "posts": (), "no_post": False, "parked": (), "fault": ""}
    return _page(request, "home", nothing | shown, status=status)
