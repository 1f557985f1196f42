"""Being somebody for a request: a session as signing in leaves it. The journeys sign in for real."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor, Capacity
from accounts.models import Professional, User
from accounts.sessions import SessionStore, belongs_to


def account_of(actor: Actor, at: datetime) -> UUID:
    """The account by which `actor` signs in, made when the test has made none."""
    if actor.capacity is Capacity.PROFESSIONAL:
        Professional.objects.get_or_create(
            pk=actor.id, defaults={"rpps_mac": actor.id.bytes * 2, "sealed": b"for a test"}
        )
        return actor.id
    if actor.dossier_id and (known := User.objects.filter(dossier_id=actor.dossier_id).first()):
        return known.pk
    person = actor.id if actor.capacity is Capacity.HOLDER else None
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', 'dmp_counter', true)")
        if person:
            cursor.execute(
                "INSERT INTO accounts_person (id, ins_mac) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING",
                [person, person.bytes * 2],
            )
        cursor.execute("SELECT set_config('role', 'none', true)")
        User.objects.get_or_create(
            pk=actor.id,
            defaults={
                "login_mac": actor.id.bytes * 2,
                "kind": actor.capacity.value,
                "person_id": person,
                "dossier_id": actor.dossier_id,
                "sealed": b"for a test",
                "active": True,
                "must_change_password": False,
                "created_at": at,
            },
        )
    return actor.id


def session_of(actor: Actor, at: datetime | None = None, **kept: object) -> str:
    """The identifier of a session in which `actor` has signed in."""
    at = at or timezone.now()
    session = SessionStore()
    session.create()
    belongs_to(session, account_of(actor, at), actor.capacity.value, at=at)
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
