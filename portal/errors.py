"""What goes wrong, as a French page that says what to do next."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_cache_control

from access.gate import Refused
from access.policy import Reason
from accounts.actors import Capacity
from documents.consultation import NoSuchPart
from portal import doors
from portal.typography import french
from portal.wording import ABSENT, REFUSALS, Answer

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
    french("Rien n'a été enregistré. Rechargez la page, puis envoyez-la de nouveau."),
)
BROKEN = Answer(
    "Quelque chose ne marche pas de notre côté",
    french("Rien n'a été enregistré. Réessayez dans quelques minutes ; l'incident nous est signalé."),
)


class RefusalMiddleware:
    """Turns a refusal into its sentence: 404 when even the existence must not be known, else 403.

    Nothing is answered to a session that has ended: see `doors.still_signed_in`.
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
            case Refused(decision=decision):
                reason = Reason(decision.reason)
                return _page(request, REFUSALS[reason], status=403, leave=reason is Reason.WRONG_SPACE)
            case NoSuchPart():
                return _page(request, ABSENT, status=404)
        return None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, BAD_REQUEST, status=400, reference=reference_of(request))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, FORBIDDEN, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, ABSENT, status=404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(request, STALE_FORM, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Says so without asking anything of what may be broken."""
    page = render_to_string("errors/broken.html", {"answer": BROKEN, "reference": reference_of(request)})
    return HttpResponse(page, status=500)


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
    context["reference"] = reference
    response = render(request, template, context, status=status)
    patch_cache_control(response, private=True, no_store=True)
    return response
