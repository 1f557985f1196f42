"""Pages for the person trying the demonstration: who one can be, what arrived, which codes are current."""

import time
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods
from django.views.static import serve

from sandbox import totp
from sandbox.box import LETTER, MAIL, SMS, box
from sandbox.card_reader import NEWCOMERS, POSTS
from sandbox.card_reader import readers as card_readers
from sandbox.days import today
from sandbox.insurer import behaviours
from sandbox.population import (
    BEHAVIOURS,
    CAMILLE,
    CAST,
    ELISE,
    EMPLOYEES,
    JEANNINE,
    PROFESSIONALS,
    ROY,
    STAFF,
    Insurer,
    by_slug,
    everybody,
)
from sandbox.whoswho import prepared

STATIC: Path = settings.BASE_DIR / "static"
REFRESH = 4  # seconds, when one asked to follow
SHOWN = 50
CHANNELS = {SMS: "SMS", MAIL: "Courriel", LETTER: "Courrier"}


@require_GET
def who(request: HttpRequest) -> HttpResponse:
    logins = prepared(settings.MEMORY)
    day = today()
    insured = [
        {
            "person": person,
            "age": person.age_on(day),
            "story": person.story or f"l’Assurance Maladie {BEHAVIOURS[behaviours().of(person)]}",
        }
        for person in CAST
    ]
    context = {
        "newcomer": ELISE,
        "holder": CAMILLE,
        "holder_login": logins.get(CAMILLE.slug),
        "visitor": JEANNINE,
        "agent": ROY,
        "agent_login": logins.get(ROY.slug),
        "staff": STAFF,
        "staff_login": logins.get(STAFF.slug),
        "professionals": PROFESSIONALS,
        "insured": insured,
    }
    return render(request, "sandbox/who.html", context)


@require_GET
def messages(request: HttpRequest) -> HttpResponse:
    """Newest first; `?suivre=1` looks again every few seconds, without any script."""
    to, following = request.GET.get("pour", ""), "suivre" in request.GET
    received = [
        {"message": message, "channel": CHANNELS[message.channel], "whom": _whom(message.to)}
        for message in box().messages(to=to or None, limit=SHOWN)
    ]
    response = render(request, "sandbox/box.html", {"received": received, "following": following, "to": to})
    if following:
        response["Refresh"] = str(REFRESH)
    return response


@require_GET
def codes(request: HttpRequest) -> HttpResponse:
    now, logins = time.time(), prepared(settings.MEMORY)
    current = [
        {
            "employee": employee,
            "login": login,
            "code": totp.code(login.totp_secret, now),
            "next": totp.code(login.totp_secret, now + totp.STEP),
        }
        for employee in EMPLOYEES
        if (login := logins.get(employee.slug)) and login.totp_secret
    ]
    context = {"current": current, "left": totp.seconds_left(now), "following": "suivre" in request.GET}
    response = render(request, "sandbox/codes.html", context)
    if context["following"]:
        response["Refresh"] = str(totp.seconds_left(now))
    return response


@require_http_methods(["GET", "POST"])
def insurer(request: HttpRequest) -> HttpResponse:
    """How the Assurance Maladie answers about each person; here one makes it fail."""
    if request.method == "POST":
        person = by_slug().get(request.POST.get("person", ""))
        if person is None or request.POST.get("behaviour") not in set(Insurer):
            raise Http404
        behaviours().choose(person, Insurer(request.POST["behaviour"]))
        return HttpResponseRedirect(f"{reverse('insurer')}?fait={person.slug}#{person.slug}")
    insured = [{"person": person, "behaviour": behaviours().of(person).value} for person in CAST]
    done = by_slug().get(request.GET.get("fait", ""))
    return render(
        request,
        "sandbox/insurer.html",
        {"insured": insured, "choices": [(b.value, said) for b, said in BEHAVIOURS.items()], "done": done},
    )


@require_http_methods(["GET", "POST"])
def readers(request: HttpRequest) -> HttpResponse:
    """Which card lies in the reader of each post; here one puts another."""
    if request.method == "POST":
        post = next((post for post in POSTS if post.id == request.POST.get("post")), None)
        asked = request.POST.get("person", "")
        if post is None or not (asked == NEWCOMERS or asked in by_slug()):
            raise Http404
        card_readers().put(asked, post.id)
        return HttpResponseRedirect(f"{reverse('readers')}?fait={post.id}#{post.id}")
    held = [{"post": post, "cards": card_readers().at(post.id).values()} for post in POSTS]
    done = next((post for post in POSTS if post.id == request.GET.get("fait", "")), None)
    return render(
        request, "sandbox/readers.html", {"held": held, "cast": CAST, "done": done, "newcomers": NEWCOMERS}
    )


@require_GET
def style(request: HttpRequest, path: str) -> HttpResponse:
    """The service's own style sheet and drawings."""
    response = serve(request, path, document_root=STATIC)
    response["Cache-Control"] = "no-cache"
    return response


@require_GET
def alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


def _whom(address: str) -> str:
    """The person one writes to at `address`, or the address itself."""
    reached = (
        p
        for p in everybody()
        if address in (p.phone, p.other_phone, p.email) or address.startswith(f"{p.name},")
    )
    return next((person.name for person in reached), address)
