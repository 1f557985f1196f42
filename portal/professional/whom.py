"""Whom these pages are for."""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from accounts.actors import Capacity
from dossiers import home
from portal.doors import for_capacity

SIGN_IN = "professional:sign_in"

professionals_only = for_capacity(Capacity.PROFESSIONAL, sign_in=SIGN_IN)

_answered = for_capacity(Capacity.PROFESSIONAL, Capacity.AGENT, Capacity.STAFF, sign_in=SIGN_IN)


def carers_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Pages of one dossier. An agent who tries is refused by the law itself, and the patient sees it."""

    @wraps(view)
    def within_a_dossier(request: HttpRequest, dossier_id: UUID, **kwargs: object) -> HttpResponseBase:
        if request.actor.capacity is not Capacity.PROFESSIONAL:
            home.front(dossier_id, by=request.actor, at=timezone.now())
        return view(request, dossier_id=dossier_id, **kwargs)

    return _answered(within_a_dossier)
