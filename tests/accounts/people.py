"""People of the cast with an account, and the requests they make."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from accounts import directory, logins
from accounts import people as persons
from accounts.actors import Actor, Capacity
from accounts.browsers import Browser
from accounts.contacts import Contact
from accounts.identity import ins_of, parse_nir
from accounts.middleware import actor_of
from accounts.userinfo import PlaceOfPractice
from accounts.web_access import AccessState
from tests.cast import NOON

CAMILLE = ins_of(parse_nir("279035121518989"), "test")
PHONE = Contact("sms", "+33612345642")
PASSWORD = "quatre tortues dansent"
AWAKE = AccessState(awake=True, waking="online", asked_on=NOON.date())
CPAM = PlaceOfPractice("F310000012", "CPAM de la Haute-Garonne")
TOTP_SECRET = b"12345678901234567890"


def person_for(ins):
    """The person an opening makes, or finds."""
    ctes, values = persons.making(ins, persons.find(ins) or uuid4())
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {ctes} SELECT id FROM person", values)
        return cursor.fetchone()[0]


def open_camille(
    *,
    printed: bool = False,
    contact: Contact = PHONE,
    login: str = "camille.moreau",
    at: datetime | None = None,
):
    """Camille's login; with a printed first password, or the one she chose."""
    with as_role("dmp_counter"):
        return logins.create_login(
            person_id=person_for(CAMILLE),
            dossier_id=uuid4(),
            login=login,
            password_hash=None if printed else logins.hash_password(PASSWORD),
            contact=contact,
            access=AWAKE,
            name="Camille Moreau",
            at=at or timezone.now(),
        )


@contextmanager
def as_role(role: str) -> Iterator[None]:
    """What the gate does around an act: its role, for the length of a transaction."""
    with transaction.atomic():
        take(role)
        yield
        take("none")


def take(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', %s, true)", [role])


def provision_roy(**changes):
    told = {"login": "bernard.roy", "name": "Bernard Roy", "structure": CPAM, "at": timezone.now()}
    return directory.provision_agent(**(told | {"password": PASSWORD, "totp_secret": TOTP_SECRET} | changes))


HOME, ELSEWHERE = Browser("192.0.2.10/32", "h" * 43), Browser("203.0.113.7/32", "e" * 43)


def visit(session_key: str | None = None, path: str = "/", **query: str) -> HttpRequest:
    """A request in a session, as the middlewares hand it to a view."""
    request = RequestFactory().get(path, query)
    request.browser = HOME
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    request.actor = actor_of(request.session)
    return request


def next_visit(request: HttpRequest) -> HttpRequest:
    """The page after, in the same browser."""
    request.session.save()
    return visit(request.session.session_key)


def is_anonymous(actor: Actor) -> bool:
    return actor.capacity is Capacity.ANONYMOUS
