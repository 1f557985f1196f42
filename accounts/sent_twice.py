"""A form sent twice by the same browser: both get the one answer. Above all a form that lets somebody in.

Signing in gives the browser another session, and ends the one in which the form was shown. A second click,
without a script to stop it, sends the form again with the session that has just ended, and the browser only
looks at the second answer: it would be told to sign in while somebody is in. So the first to come writes down
that this form of this session is being answered, then with what; for half a minute, whoever shows that
session, or the one that was opened, and sends the very same form is given that.

A form that lets nobody in is told from the same form shown another time by the token against forgery, which
each page that shows it writes anew.

It opens nothing to anybody else: one must hold the session that the form was shown in, which nobody but that
browser ever had, and know what was typed, code or password included. What is given is the session already
opened: if it was closed meanwhile, nothing is.
"""

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils import timezone

from vault import blind, subjects
from vault.keyring import Unsealable

from . import browsers
from .actors import Capacity
from .middleware import actor_of
from .sessions import SessionStore

LASTS = timedelta(seconds=30)
WAITS_SECONDS = 5.0  # at most, while the first is being answered
LOOKS_EVERY_SECONDS = 0.03
_waiting = BoundedSemaphore(1)  # in a process: whoever sends a form many times does not take all its threads


class Crowded(Exception):
    """The form is being answered, and somebody else waits already for another one."""


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """A form sent in a session, by what tells it from every other. Kept beside sessions, in the same table:
    nobody owns it, nobody is signed in by it, and it is forgotten with them."""

    id_mac: bytes
    content: str  # what was typed: never written down

    def take(self, *, at: datetime) -> bool:
        """Say that it is being answered; False when it is already, or was a moment ago."""
        return _write(self.id_mac, {}, at=at, over=False)

    def settle(self, request: HttpRequest, location: str, *, at: datetime) -> None:
        """It was answered: by the session that `request` has now, sent to `location`."""
        request.session.save()  # whoever is given it must find it whole
        session_key = str(request.session.session_key)
        answer = {"session": session_key, "location": location}
        for one in (self, _in_session(session_key, self.content)):
            _write(one.id_mac, answer, at=at, over=True)

    def settle_here(self, session_key: str, location: str, *, at: datetime) -> None:
        """It was answered, in the session it was shown in: sent to `location`."""
        _write(self.id_mac, {"session": session_key, "location": location}, at=at, over=True)

    def release(self) -> None:
        """It let nobody in: sent again, it is a form like any other."""
        _run("DELETE FROM accounts_session WHERE id_mac = %s::bytea", [self.id_mac])

    def answer(self) -> tuple[str, str] | None:
        """The session and the address it was answered with; None when it was not, or let nobody in. While it
        is being answered, waits. Raises Crowded."""
        payload = self._read()
        if payload == {}:
            if not _waiting.acquire(blocking=False):
                raise Crowded
            try:
                payload = self._settled()
            finally:
                _waiting.release()
        return (payload["session"], payload["location"]) if payload else None

    def _settled(self) -> dict[str, str] | None:
        ends = time.monotonic() + WAITS_SECONDS
        while (payload := self._read()) == {} and time.monotonic() < ends:
            time.sleep(LOOKS_EVERY_SECONDS)
        return payload

    def _read(self) -> dict[str, str] | None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sealed FROM accounts_session WHERE id_mac = %s::bytea"
                " AND idle_until > %s::timestamptz",
                [self.id_mac, timezone.now()],
            )
            row = cursor.fetchone()
        try:
            if row is None:
                return None
            return subjects.system().unseal_json("accounts_session", "sealed", self.id_mac, bytes(row[0]))
        except Unsealable:
            return None


def sent(request: HttpRequest, *, as_shown: bool = False) -> Sent | None:
    """The form that this request sends; None when it shows no session. `as_shown` tells it from the same
    answers typed in the same form when it was shown another time."""
    shown = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if not shown:
        return None
    fields = sorted(
        (name, values) for name, values in request.POST.lists() if as_shown or name != "csrfmiddlewaretoken"
    )
    return _in_session(shown, json.dumps([request.path, fields], ensure_ascii=False))


def _in_session(session_key: str, content: str) -> Sent:
    return Sent(blind.keyed_mac("sent", f"{session_key}|{content}".encode()), content)


def given(request: HttpRequest, session_key: str) -> bool:
    """Make the session of `request` the one that the same form opened; False when it has ended since."""
    session = SessionStore(session_key)
    actor = actor_of(session)  # reads it
    if session.session_key is None:
        return False
    session.modified = True  # its cookie never arrived
    request.session, request.actor = session, actor
    rotate_token(request)
    if actor.capacity is Capacity.HOLDER:
        browsers.last(request, browsers.KNOWN_FOR)
    return True


_WRITE = """
INSERT INTO accounts_session (id_mac, owner_id, sealed, began_at, seen_at, idle_until, ends_at)
VALUES (%s::bytea, NULL, %s::bytea, %s::timestamptz, %s::timestamptz, %s::timestamptz, %s::timestamptz)
ON CONFLICT (id_mac) DO UPDATE SET sealed = excluded.sealed, began_at = excluded.began_at,
    seen_at = excluded.seen_at, idle_until = excluded.idle_until, ends_at = excluded.ends_at
WHERE %s::boolean OR accounts_session.idle_until <= excluded.began_at
"""


def _write(id_mac: bytes, payload: dict[str, str], *, at: datetime, over: bool) -> bool:
    sealed = subjects.system().seal_json("accounts_session", "sealed", id_mac, payload)
    until = at + LASTS
    return _run(_WRITE, [id_mac, sealed, at, at, until, until, over])


def _run(sql: str, params: list[Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount == 1
