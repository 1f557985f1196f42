"""What goes wrong, as a French page that says what to do next."""

import math
import sys
from collections.abc import Callable
from datetime import timedelta

import psycopg
import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_cache_control

from access.gate import Damaged, Refused
from access.policy import Reason
from accounts.actors import Capacity
from accounts.attempts import TooManyTries
from accounts.sent_twice import Crowded
from accounts.signing_in import AccountAltered
from documents.consultation import NoSuchPart
from portal import dates, doors
from portal.sent_twice import answered_already
from portal.typography import french
from portal.wording import ABSENT, REFUSALS, Answer
from revocation.journal import Unwritable

log = structlog.get_logger(__name__)

BAD_REQUEST = Answer(
    french("Nous n'avons pas compris cette demande"),
    french("Revenez à la page précédente et recommencez. Si cela se répète, l'aide dit qui appeler."),
)
FORBIDDEN = Answer(
    "Vous ne pouvez pas faire cela",
    french("Revenez à l'accueil de votre espace : il montre ce qui vous est ouvert."),
)
STALE_FORM = Answer(
    "Cette page est restée ouverte trop longtemps",
    french(
        "Rien n'a été enregistré. Revenez à la page précédente et rechargez-la : "
        "elle pourra alors être envoyée de nouveau."
    ),
)
BROKEN = Answer(
    "Quelque chose ne marche pas de notre côté",
    french("Rien n'a été enregistré. Réessayez dans quelques minutes ; l'incident nous est signalé."),
)


TOO_LARGE = Answer(
    "Cet envoi est trop volumineux",
    french("Rien n'a été enregistré. Revenez à la page précédente, et envoyez un texte plus court."),
)
TOO_MANY_COOKIES = Answer(  # what a header too large is, when a browser sends it
    french("Votre navigateur nous envoie trop d'informations"),
    french("Rien n'a été enregistré. Effacez les cookies de ce site dans votre navigateur, puis revenez."),
)
SENT_BY_NOBODY = Answer(
    "Votre session est terminée",
    french("Rien n'a été enregistré. Connectez-vous, puis envoyez de nouveau votre fichier."),
)
TOO_MANY = french("Plusieurs demandes viennent d'être faites")
# Too many at once, or the database away: what was being done when it went may have been done.
UNAVAILABLE = Answer(
    "Le service ne peut pas vous répondre en ce moment",
    french(
        "Réessayez dans une minute. Si vous veniez d'envoyer un formulaire, "
        "regardez d'abord s'il a été pris en compte."
    ),
)
TOO_SLOW = Answer(
    french("Votre envoi n'est pas arrivé jusqu'à nous"),
    french("La connexion s'est arrêtée en chemin. Rien n'a été enregistré : envoyez de nouveau."),
)
SUSPENDED = Answer(
    "Votre accès est suspendu",
    french("Une de ses données a été modifiée hors du service. L'incident nous est signalé."),
)


SHUT = Answer(
    french("Le service est fermé le temps d'une vérification"),
    french(
        "Une sauvegarde vient d'être remise en place : nous nous assurons que ce que vous aviez retiré "
        "l'est resté. Réessayez dans quelques minutes."
    ),
)
NOTHING_GIVEN = Answer(
    french("Aucun accord ne peut être enregistré en ce moment"),
    french(
        "Rien n'a été changé. Nous ne pourrions pas garantir qu'il puisse être retiré pour de bon : "
        "réessayez dans quelques minutes. Retirer une autorisation reste possible."
    ),
)


class RefusalMiddleware:
    """Turns a refusal into its sentence: 404 when even the existence must not be known, else 403.

    Nothing is answered to a session that has ended: see `doors.still_signed_in`.
    What was sealed and no longer unseals is said too: it is one row that somebody altered, not a breakdown.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        return response if doors.still_signed_in(request) else doors.signed_out(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        match exception:
            case Refused(decision=decision) if decision.reason is Reason.SIGNED_OUT:
                return doors.signed_out(request)
            case Refused(decision=decision) if decision.hidden:
                return _page(request, ABSENT, status=404)
            case Refused(decision=decision) if decision.reason is Reason.ALTERED:
                return _page(request, REFUSALS[Reason.ALTERED], status=409)
            case Refused(decision=decision):
                reason = Reason(decision.reason)
                return _page(request, REFUSALS[reason], status=403, leave=reason is Reason.WRONG_SPACE)
            case AccountAltered():
                return _page(request, SUSPENDED, status=403)
            case Damaged():
                log.error("sealed cell unreadable", exc_info=exception)
                return _page(request, REFUSALS[Reason.ALTERED], status=409)
            case Unwritable():
                log.error("journal unwritable", kind="grant")
                return _page(request, NOTHING_GIVEN, status=503)
            case TooManyTries(wait=wait):
                return _too_many(request, wait)
            case Crowded():
                return _crowded(request)
            case NoSuchPart():
                return _page(request, ABSENT, status=404)
        return None


def _crowded(request: HttpRequest) -> HttpResponse:
    response = _page(request, UNAVAILABLE, status=503)
    response["Retry-After"] = "1"
    return response


def _too_many(request: HttpRequest, wait: timedelta) -> HttpResponse:
    """Asked too often, by a page that has no words of its own for it."""
    words = french(f"Rien n'a été enregistré. Attendez {dates.lasting(wait)}, puis recommencez.")
    answer = Answer(TOO_MANY, words)
    if is_for_programs(request.path_info):
        response: HttpResponse = _problem(answer, 429, reference_of(request))
    else:
        response = _page(request, answer, status=429)
    response["Retry-After"] = str(math.ceil(wait.total_seconds()))
    return response


def doors_shut(request: HttpRequest) -> HttpResponse:
    """The database was restored, and may give back what was taken away: nobody is let in meanwhile."""
    return _bare(request.path_info, 503, SHUT)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, BAD_REQUEST, status=400, reference=reference_of(request))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, FORBIDDEN, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, ABSENT, status=404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    try:
        return answered_already(request) or _page(request, STALE_FORM, status=403)
    except Crowded:
        return _crowded(request)


def too_large(request: HttpRequest) -> HttpResponse:
    """More than a form holds, where nothing larger is taken."""
    return bare_page(request.path_info, 413)


def sent_by_nobody(request: HttpRequest) -> HttpResponse:
    """A file from somebody whose session ended meanwhile, or who never signed in."""
    return (
        _problem(SENT_BY_NOBODY, 401)
        if is_for_programs(request.path_info)
        else _page(request, SENT_BY_NOBODY, status=403)
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Says so without asking anything of what may be broken. The exception is the one being handled."""
    status = 503 if is_the_database_away(sys.exc_info()[1]) else 500
    return bare_page(request.path_info, status, reference_of(request))


# Read-only: the primary has just become a replica of another.
AWAY = (OperationalError, InterfaceError)


def is_the_database_away(failure: BaseException | None) -> bool:
    """Whether asking again later is good advice: a connection refused or lost, a wait too long."""
    cause = getattr(failure, "__cause__", None)
    return isinstance(failure, AWAY) or isinstance(cause, psycopg.errors.ReadOnlySqlTransaction)


# Pages that ask nothing of the database, nor of who is asking, by status.
BARE = {400: BAD_REQUEST, 408: TOO_SLOW, 413: TOO_LARGE, 431: TOO_MANY_COOKIES, 500: BROKEN, 503: UNAVAILABLE}
RETRY_AFTER = {503: "30"}  # seconds


def is_for_programs(path: str) -> bool:
    return path.startswith(("/api/", "/oauth/"))


def bare_page(path: str, status: int, reference: str = "") -> HttpResponse:
    """What went wrong, for a person or, under the addresses of programs, for a program (RFC 9457)."""
    return _bare(path, status, BARE[status], reference)


def _bare(path: str, status: int, answer: Answer, reference: str = "") -> HttpResponse:
    if is_for_programs(path):
        response = _problem(answer, status, reference)
    else:
        page = render_to_string("errors/broken.html", {"answer": answer, "reference": reference})
        response = HttpResponse(page, status=status)
    if status in RETRY_AFTER:
        response["Retry-After"] = RETRY_AFTER[status]
    patch_cache_control(response, private=True, no_store=True)
    return response


def _problem(answer: Answer, status: int, reference: str = "") -> HttpResponse:
    body = {"title": answer.title, "detail": answer.next_step, "status": status}
    if reference:
        body["reference"] = reference
    return JsonResponse(body, status=status, content_type="application/problem+json")


# Where an answer is read: the page that carries it, and the home it sends back to.
SPACES = {
    Capacity.HOLDER: ("base_patient.html", "patient:home"),
    Capacity.PROFESSIONAL: ("base_professional.html", "professional:search"),
    Capacity.AGENT: ("base_counter.html", "counter:home"),
    Capacity.STAFF: ("base_staff.html", "staff:home"),
}
OUTSIDE = ("base_public.html", "public:home")


def reference_of(request: HttpRequest) -> str:
    """What finds this request in the logs, and the jobs it asked for."""
    return getattr(request, "reference", "")


def _page(
    request: HttpRequest, answer: Answer, *, status: int, leave: bool = False, reference: str = ""
) -> HttpResponse:
    actor = getattr(request, "actor", None)
    space, home = SPACES.get(actor.capacity, OUTSIDE) if actor else OUTSIDE
    template = "errors/answer_in_public.html" if space == OUTSIDE[0] else "errors/answer.html"
    context = {"answer": answer, "space": space, "home": reverse(home), "status": status, "leave": leave}
    context |= {"reference": reference, "holder": None}  # no dossier was entered: no name is given
    response = render(request, template, context, status=status)
    patch_cache_control(response, private=True, no_store=True)
    return response
