"""A visit is sealed under the digest of its identifier, ends by itself, and survives Redis."""

import inspect
import math
import re
import secrets
import socket
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts import session_cache, sessions
from accounts.actors import Capacity
from accounts.middleware import ACTOR, ActorMiddleware
from accounts.models import Session
from accounts.session_cache import SessionCache
from accounts.sessions import SessionStore
from dmp import valkey
from tests.accounts.people import is_anonymous, visit
from tests.cast import CAMILLE, LEFEVRE, NOON
from tests.waiting import waited
from vault import subjects


@pytest.fixture(autouse=True)
def fresh_cache(redis_server, monkeypatch):
    """A cache of its own for each test, on the Redis of the tests."""
    cache = SessionCache(settings.DMP_REDIS_URL)
    forget_all()
    monkeypatch.setattr(session_cache, "_cache", cache)
    return cache


def forget_all():
    with valkey.operator(settings.DMP_VAR, 1) as server:
        server.flushdb()


def signed_in(actor=CAMILLE, at=None):
    session = SessionStore()
    sessions.belongs_to(session, actor.id, actor.capacity.value, at=at or timezone.now())
    session[ACTOR] = actor.told()
    session.save()
    return session


@pytest.mark.django_db
def test_what_is_put_in_a_session_is_found_again():
    session = signed_in()

    assert SessionStore(session.session_key)[ACTOR] == CAMILLE.told()


@pytest.mark.django_db
def test_the_table_holds_neither_the_identifier_nor_what_is_said():
    session = signed_in()

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(s)::text FROM accounts_session s")
        kept = cursor.fetchone()[0]

    for clear in (session.session_key, session.session_key.encode().hex(), "Moreau", b"Moreau".hex()):
        assert clear not in kept


@pytest.mark.django_db
def test_redis_holds_neither(fresh_cache):
    session = signed_in()

    with valkey.operator(settings.DMP_VAR, 1) as server:
        names = server.keys()
        kept = names[0] + server.get(names[0])

    assert session.session_key.encode() not in kept
    assert b"Moreau" not in kept


@pytest.mark.django_db
def test_a_sealed_session_moved_to_another_identifier_opens_nothing(fresh_cache):
    one, other = signed_in(), signed_in(LEFEVRE)
    sealed = Session.objects.get(owner_id=CAMILLE.id).sealed
    Session.objects.filter(owner_id=LEFEVRE.id).update(sealed=sealed)
    forget_all()

    assert dict(SessionStore(other.session_key).items()) == {}
    assert SessionStore(one.session_key)[ACTOR]


@pytest.mark.django_db
@pytest.mark.parametrize(("actor", "minutes"), [(CAMILLE, 15), (LEFEVRE, 20)])
def test_a_visit_ends_when_nothing_happens(actor, minutes, fresh_cache):
    session = signed_in(actor)
    row = Session.objects.get()
    assert row.idle_until - row.seen_at == timedelta(minutes=minutes)

    Session.objects.update(idle_until=timezone.now() - timedelta(seconds=1))
    forget_all()

    assert ACTOR not in SessionStore(session.session_key)


@pytest.mark.django_db
def test_a_visit_ends_after_eight_hours_whatever_happens(fresh_cache):
    session = signed_in(at=timezone.now() - timedelta(hours=7, minutes=55))

    row = Session.objects.get()

    assert row.idle_until == row.ends_at
    assert row.ends_at - timezone.now() < timedelta(minutes=6)
    assert SessionStore(session.session_key)[ACTOR]


@pytest.mark.django_db
def test_turning_pages_keeps_a_visit_open(fresh_cache):
    session = signed_in()
    ago = timezone.now() - timedelta(minutes=10)
    Session.objects.update(seen_at=ago, idle_until=ago + timedelta(minutes=15))
    forget_all()

    assert SessionStore(session.session_key)[ACTOR]

    assert Session.objects.get().idle_until > timezone.now() + timedelta(minutes=14)


@pytest.mark.django_db
def test_a_page_that_asks_alone_keeps_no_visit_open_and_hides_no_gesture(fresh_cache, rf):
    session = signed_in()
    ago = timezone.now() - timedelta(minutes=10)
    Session.objects.update(seen_at=ago, idle_until=ago + timedelta(minutes=15))
    forget_all()

    def ask(**headers):
        request = rf.get("/", headers=headers)
        request.session = SessionStore(session.session_key)
        ActorMiddleware(lambda _: HttpResponse())(request)
        assert request.actor == CAMILLE
        return Session.objects.get().idle_until

    assert [ask(asked_alone="1") for _ in range(2)] == [ago + timedelta(minutes=15)] * 2
    assert ask() > timezone.now() + timedelta(minutes=14)


@pytest.mark.django_db
def test_a_visit_ended_elsewhere_ends_at_once_even_where_it_was_cached():
    session = signed_in()
    assert SessionStore(session.session_key)[ACTOR]

    sessions.end_all(CAMILLE.id)

    assert ACTOR not in SessionStore(session.session_key)
    stale = SessionStore(session.session_key)
    stale._session_cache = {"a": 1}
    with pytest.raises(UpdateError):
        stale.save()


@pytest.mark.django_db
def test_who_read_the_row_before_the_end_does_not_put_it_back(fresh_cache):
    session = signed_in()
    id_mac = bytes(Session.objects.get().id_mac)
    sealed = bytes(Session.objects.get().sealed)
    sessions.end_all(CAMILLE.id)

    fresh_cache.put(id_mac, sealed, 60, over=False)

    assert ACTOR not in SessionStore(session.session_key)


@pytest.mark.django_db
def test_a_person_has_at_most_five_visits_the_oldest_closes():
    visits = [signed_in() for _ in range(6)]

    assert Session.objects.count() == 5
    assert ACTOR not in SessionStore(visits[0].session_key)
    assert ACTOR in SessionStore(visits[5].session_key)


@pytest.mark.django_db
def test_an_identifier_nobody_gave_is_not_adopted():
    planted = SessionStore("abcdefghijklmnopqrstuvwxyz012345")
    planted["x"] = 1
    assert planted.get("y") is None

    planted.save()

    assert planted.session_key != "abcdefghijklmnopqrstuvwxyz012345"


@pytest.mark.django_db
def test_an_identifier_has_160_random_bits_and_never_comes_twice():
    made = [SessionStore()._get_new_session_key() for _ in range(200)]

    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[a-z0-9]{32}", key) for key in made)
    assert 32 * math.log2(len(set("".join(made)))) > 160
    assert inspect.getmodule(get_random_string).secrets is secrets


@pytest.mark.django_db
def test_expired_visits_are_deleted():
    signed_in()
    Session.objects.update(idle_until=NOON, ends_at=NOON)

    SessionStore.clear_expired()

    assert not Session.objects.exists()


def asked(session_key):
    """A whole request through the middleware; who the view saw."""
    seen = []
    ActorMiddleware(lambda request: seen.append(request.actor))(visit(session_key))
    return seen[0]


def test_a_warm_request_costs_no_statement_and_loads_no_user(real_database, django_assert_num_queries):
    session = signed_in()
    subjects.system()
    assert asked(session.session_key) == CAMILLE

    with django_assert_num_queries(0):
        assert asked(session.session_key) == CAMILLE


@pytest.mark.django_db
def test_nobody_signed_in_is_anonymous_and_different_each_time(django_assert_num_queries):
    with django_assert_num_queries(0):
        one, other = asked(None), asked(None)

    assert is_anonymous(one)
    assert one.id != other.id
    assert one.capacity is Capacity.ANONYMOUS


def test_without_redis_every_visit_goes_on_and_the_first_pays_less_than_half_a_second(
    real_database, monkeypatch
):
    with socket.socket() as silent:  # accepts, and never answers: the worst of deaths
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        dead = SessionCache(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        monkeypatch.setattr(session_cache, "_cache", dead)
        began = waited()
        session = signed_in()
        first = waited() - began
        began = waited()
        for _ in range(20):
            assert asked(session.session_key) == CAMILLE
        rest = waited() - began

    assert first < 0.5
    assert rest < 0.5


def test_redis_is_asked_again_after_its_rest(fresh_cache, monkeypatch):
    fresh_cache._try(lambda: (_ for _ in ()).throw(OSError))
    fresh_cache.put(b"name", b"value", 60)
    assert fresh_cache.get(b"name") is None

    monkeypatch.setattr(session_cache.time, "monotonic", lambda now=time.monotonic(): now + 120)
    fresh_cache.put(b"name", b"value", 60)

    assert fresh_cache.get(b"name") == b"value"
