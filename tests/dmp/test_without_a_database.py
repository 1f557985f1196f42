"""A database that restarts costs one « come back later », in French or as JSON, and nothing else."""

import time

import psycopg
import pytest
from django.core.signals import request_finished, request_started
from django.db import InterfaceError, InternalError, OperationalError, close_old_connections, connection
from django.db.backends.postgresql import base
from django.test import Client

from portal import errors
from tests.cast import LEFEVRE
from tests.signing_in import client_of

AWAY = (
    OperationalError("connection failed"),
    InterfaceError("the connection is closed"),
)


def failing(failure: Exception):
    def fail(*_, **__):
        raise failure

    return fail


@pytest.fixture
def browser():
    return Client(raise_request_exception=False)


@pytest.mark.django_db
@pytest.mark.parametrize("failure", AWAY, ids=["lost", "closed"])
def test_a_page_asks_to_come_back_later(browser, monkeypatch, failure):
    monkeypatch.setattr("portal.public.pages.render", failing(failure))

    answer = browser.get("/aide/")

    assert answer.status_code == 503
    assert answer["Retry-After"] == "30"
    assert "Le service ne peut pas vous répondre en ce moment" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize("failure", AWAY, ids=["lost", "closed"])
def test_so_does_a_page_whose_session_cannot_be_read(monkeypatch, failure):
    client = client_of(LEFEVRE)
    client.raise_request_exception = False
    monkeypatch.setattr("accounts.sessions.SessionStore.load", failing(failure))

    assert client.get("/pro/").status_code == 503


@pytest.mark.django_db
def test_a_program_is_told_in_its_own_way(browser, monkeypatch):
    monkeypatch.setattr("accounts.programs.program_of", failing(OperationalError("gone")))

    answer = browser.get("/api/whoami", headers={"Authorization": "Bearer x"})

    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_a_fault_of_ours_is_still_a_fault(browser, monkeypatch):
    monkeypatch.setattr("portal.public.pages.render", failing(ValueError("ours")))

    assert browser.get("/aide/").status_code == 500


def test_a_primary_that_became_a_replica_is_away_too():
    failure = InternalError("cannot execute INSERT in a read-only transaction")
    failure.__cause__ = psycopg.errors.ReadOnlySqlTransaction()

    assert errors.is_the_database_away(failure)
    assert not errors.is_the_database_away(InternalError())


@pytest.fixture
def as_served(real_database):
    """Each request begins and ends as in a web process: connections that ended are noticed then."""
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)
    yield real_database
    connection.close()


def ask_as_served(statement: str = "SELECT 1") -> int:
    request_started.send(sender=None, environ={})
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return int(cursor.fetchone()[0])
    finally:
        request_finished.send(sender=None)


def test_a_connection_that_the_server_ended_is_replaced_before_it_is_used(as_served):
    for _ in range(3):
        before = ask_as_served("SELECT pg_backend_pid()")
        with as_served.superuser() as superuser:
            superuser.execute("SELECT pg_terminate_backend(%s)", [before])
        time.sleep(0.1)

        assert ask_as_served("SELECT pg_backend_pid()") != before


def test_looking_at_a_connection_asks_the_server_nothing(as_served, monkeypatch):
    asked = []
    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", lambda wrapper: asked.append(wrapper) or True)
    ask_as_served()

    ask_as_served()

    assert asked == []


def test_a_request_that_failed_on_its_connection_leaves_the_next_one_a_sound_one(as_served):
    request_started.send(sender=None, environ={})
    with connection.cursor() as cursor, as_served.superuser() as superuser:
        cursor.execute("SELECT pg_backend_pid()")
        superuser.execute("SELECT pg_terminate_backend(%s)", cursor.fetchone())
        time.sleep(0.1)
        with pytest.raises(OperationalError):
            cursor.execute("SELECT 1")
    request_finished.send(sender=None)

    assert ask_as_served("SELECT 7") == 7
