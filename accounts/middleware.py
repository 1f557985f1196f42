"""Who is asking, known to every view as `request.actor`."""

from collections.abc import Callable
from uuid import uuid4

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse

from . import sessions
from .actors import Actor, Capacity
from .browsers import give_secret

ACTOR = "actor"


class ActorMiddleware:
    """Reads the session, and nothing else: neither the user nor the directory is loaded."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.session.asked_alone = sessions.ASKED_ALONE in request.headers
        request.actor = actor_of(request.session)
        response = self.get_response(request)
        give_secret(request, response)
        return response


def actor_of(session: SessionBase) -> Actor:
    """The actor signed in, with the session they showed, or somebody anonymous, different each time."""
    told = session.get(ACTOR)
    credential = sessions.credential_of(session)
    if not told or credential is None:
        return Actor(capacity=Capacity.ANONYMOUS, id=uuid4())
    return Actor.from_told(told, credential)
