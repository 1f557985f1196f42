"""Who looked at the dossier, and to do what."""

from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dossiers import traces as ledger
from dossiers.traces import MangledCursor, Show
from portal.access_log import told
from portal.dates import in_paris
from portal.doors import holders_only


@dataclass(frozen=True, slots=True)
class Filter:
    """Some of the lines: their name, what says it in the address, and what is said when there are none."""

    show: Show
    name: str
    word: str
    none: str
    why: str


FILTERS = (
    Filter(Show.ALL, "Tout", "", "Aucun accès", "Vous êtes au début de l’histoire de votre dossier."),
    Filter(
        Show.READINGS,
        "Lectures",
        "lectures",
        "Personne n’a encore lu votre dossier",
        "Quand un soignant l’ouvre, vous voyez ici son nom, et ce qu’il a lu.",
    ),
    Filter(
        Show.DEPOSITS,
        "Dépôts",
        "depots",
        "Aucun dépôt",
        "Quand un soignant dépose un document, ou l’Assurance Maladie vos soins, cela s’écrit ici.",
    ),
    Filter(
        Show.REFUSALS,
        "Refus",
        "refus",
        "Aucun refus",
        "Quand quelqu’un essaie de lire sans en avoir le droit, l’essai s’écrit ici, avec son nom.",
    ),
    Filter(Show.OWN, "Moi", "moi", "Rien de vous", "Ce que vous faites dans votre dossier s’écrit ici."),
)
BY_WORD = {one.word: one for one in FILTERS}


@require_safe
@holders_only
def traces(request: HttpRequest) -> HttpResponse:
    chosen = BY_WORD.get(request.GET.get("voir", ""))
    after = request.GET.get("suite", "")
    if chosen is None:
        raise BadRequest
    try:
        page = ledger.traces(
            request.actor.dossier_id,
            by=request.actor,
            at=timezone.now(),
            after=after or None,
            show=chosen.show,
        )
    except MangledCursor:
        raise BadRequest from None
    years = [
        (year, list(lines))
        for year, lines in groupby(told(page.lines), key=lambda line: in_paris(line.at).year)
    ]
    context = {
        "holder": page.holder,
        "years": years,
        "filters": [(one, _address(one)) for one in FILTERS],
        "chosen": chosen,
        "everything": _address(FILTERS[0]),
        "older": _address(chosen, page.next) if page.next else "",
        "newest": _address(chosen) if after else "",
        "after": after,
    }
    return render(request, "patient/traces.html", context)


def _address(chosen: Filter, after: str = "") -> str:
    asked = {"voir": chosen.word, "suite": after}
    query = urlencode({name: value for name, value in asked.items() if value})
    return reverse("patient:traces") + (f"?{query}" if query else "")
