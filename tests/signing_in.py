"""Being somebody for a request: a session as signing in leaves it. The journeys sign in for real."""

from datetime import datetime

from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from accounts.sessions import SessionStore, belongs_to


def session_of(actor: Actor, at: datetime | None = None, **kept: object) -> str:
    """The identifier of a session in which `actor` has signed in."""
    session = SessionStore()
    session.create()
    belongs_to(session, actor.id, actor.capacity.value, at=at or timezone.now())
    session["actor"] = actor.told()
    for name, value in kept.items():
        session[name] = value
    session.save()
    assert session.session_key
    return session.session_key


def client_of(actor: Actor | None, **options: object) -> Client:
    """A browser in which `actor` has signed in; anybody's when None."""
    client = Client(**options)
    if actor is not None:
        client.cookies[settings.SESSION_COOKIE_NAME] = session_of(actor)
    return client
