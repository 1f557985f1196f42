"""What waits for a person: why, since when, for which dossier. To try again, or to let rest."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import Capacity
from history import review
from history.review import Cause, Waiting
from portal import imports
from portal.doors import for_capacity
from portal.sent_twice import done_once
from portal.typography import french
from revocation import journalling

staff_only = for_capacity(Capacity.STAFF, sign_in="staff:sign_in")
asked_then_done = require_http_methods(["GET", "HEAD", "POST"])

KINDS = {
    "history.import": "Parcours de soins à recevoir",
    "documents.check": "Vérification d’un document",
    "history.leave_out": "Effacement d’un relevé tenu à l’écart",
    "documents.refuse": "Refus d’un document que personne n’a pu vérifier",
    "notices.code": "Code de connexion",
    "notices.send": "Message à un titulaire",
    "dossiers.contact_of_several": "Un guichet à regarder",
    "dossiers.send_wake_code": "Code qui ouvre un accès",
    "dossiers.ask_contacts": "Comment joindre une personne au guichet",
}
CHECKS = "Trois essais ont échoué ; le document reste en quarantaine. "
OTHER_KIND = "Une tâche du service"
# What a code means besides those of an import (`portal.imports`), by how it begins: the longest beginning
# that fits is told.
MEANINGS = {
    "contact_of_several": "Un agent y a tapé un téléphone ou un e-mail qui sert déjà à plusieurs dossiers.",
    "not_delivered.": "Le message n’a pas pu être remis.",
    "checks.": CHECKS + "Relancer la vérification suffit d’ordinaire.",
    "checks.crashed": CHECKS + "Le lecteur tombe chaque fois qu’il ouvre ce fichier : il peut être piégé.",
    "checks.stalled": CHECKS + "Le lecteur ne répond plus quand il ouvre ce fichier.",
    "checks.killed": CHECKS + "Le système a arrêté le lecteur : la mémoire manque peut-être à la machine.",
    "checks.unconfined": CHECKS + "La machine n’a pas pu isoler le lecteur : le fichier n’a pas été ouvert.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One task as staff read it. `dossier`: the end of a number that does not say whose it is."""

    task: Waiting
    kind: str
    meaning: str
    dossier: str


@dataclass(frozen=True, slots=True)
class Together:
    """Several tasks that one cause stopped, to be tried again in one gesture once it is mended."""

    cause: Cause
    kind: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Imports that go again by themselves, as staff read them."""

    meaning: str
    count: int
    since: datetime
    next_at: datetime


@staff_only
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    causes = review.causes(by=request.actor, at=at)
    context = {
        "lines": _lines(request, at),
        "total": sum(cause.count for cause in causes),
        "together": [
            Together(cause, KINDS.get(cause.kind, OTHER_KIND), meaning(cause.code))
            for cause in causes
            if cause.count > 1
        ],
        "silences": [
            Silence(french(imports.silence(one.code).staff), one.count, one.since, one.next_at)
            for one in review.returning(by=request.actor, at=at)
        ],
        "unwritten": journalling.unwritten(),
    }
    return render(request, "staff/home.html", context)


@staff_only
@asked_then_done
@done_once
def retry(request: HttpRequest, task_id: UUID) -> HttpResponse:
    if request.method == "POST":
        seen_at = _seen(request)
        done = seen_at is not None and review.retry(
            task_id, seen_at=seen_at, by=request.actor, at=timezone.now()
        )
        return _back(request, "La tâche repart dans quelques secondes." if done else NO_LONGER)
    return render(request, "staff/retry.html", {"line": _line(request, task_id)})


@staff_only
@require_POST
@done_once
def retry_all(request: HttpRequest) -> HttpResponse:
    """« Tout relancer »: what was mended once is tried again for everybody it stopped."""
    seen_at, retried = _seen(request), 0
    kind, code = request.POST.get("tache", "")[:60], request.POST.get("cause", "")[:60]
    if seen_at is not None and "\0" not in kind + code:
        retried = review.retry_all(kind, code, seen_at=seen_at, by=request.actor, at=timezone.now())
    match retried:
        case 0:
            return _back(request, "Plus rien n’attend pour cette cause : quelqu’un s’en est déjà occupé.")
        case 1:
            return _back(request, "1 tâche repart dans quelques secondes.")
    return _back(request, f"{retried} tâches repartent dans quelques secondes.")


@staff_only
@asked_then_done
@done_once
def close(request: HttpRequest, task_id: UUID) -> HttpResponse:
    if request.method == "POST":
        seen_at = _seen(request)
        done = seen_at is not None and review.close(
            task_id, seen_at=seen_at, by=request.actor, at=timezone.now()
        )
        return _back(
            request,
            "La tâche est close. Ce qui était tenu à l’écart s’efface dans un instant."
            if done
            else NO_LONGER,
        )
    return render(request, "staff/close.html", {"line": _line(request, task_id)})


def _seen(request: HttpRequest) -> datetime | None:
    """As which the page showed the task: a decision about another state of it decides nothing."""
    try:
        seen = datetime.fromisoformat(request.POST.get("vu", ""))
    except ValueError:
        return None
    return seen if seen.tzinfo else None


NO_LONGER = "Cette tâche n’attend plus : quelqu’un l’a déjà reprise, ou elle est finie."


def _lines(request: HttpRequest, at: datetime) -> list[Line]:
    return [
        Line(task, KINDS.get(task.kind, OTHER_KIND), meaning(task.code), f"…{task.dossier_id.hex[-4:]}")
        for task in review.waiting(by=request.actor, at=at)
    ]


def _line(request: HttpRequest, task_id: UUID) -> Line:
    for line in _lines(request, timezone.now()):
        if line.task.id == task_id:
            return line
    raise Http404


def meaning(code: str) -> str:
    ours = max((start for start in MEANINGS if code.startswith(start)), key=len, default="")
    return french(MEANINGS[ours] if ours else imports.cause(code)[1])


def _back(request: HttpRequest, sentence: str) -> HttpResponse:
    messages.info(request, french(sentence))
    return redirect("staff:home")
