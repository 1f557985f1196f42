"""Where visits are remembered: in PostgreSQL, sealed, under the digest of their identifier.

A copy of the table opens no session and tells nothing of what is in one. Redis keeps for a minute the
sealed bytes of who has signed in, so that a reader who turns pages costs no statement; it may die at any
time. Those bytes say who somebody is, never that they are still signed in: the gate asks the row that.
Who has not signed in yet is always read from the row, because no gate stands behind those pages.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import connection
from django.utils import timezone

from vault import blind, subjects
from vault.keyring import Unsealable

from .actors import Credential, CredentialKind
from .session_cache import KEPT_SECONDS, session_cache

IDLE = {"holder": timedelta(minutes=15), "professional": timedelta(minutes=20)}
IDLE_OTHERWISE = timedelta(minutes=20)
IDLE_ANONYMOUS = timedelta(minutes=30)
WHOLE = timedelta(hours=8)
AT_MOST_EACH = 5
TOUCHED_EVERY = timedelta(seconds=KEPT_SECONDS)

ASKED_ALONE = "Asked-Alone"  # the header of a request that a page makes by itself
OWNER, CAPACITY, ENDS, EPOCH = "_owner", "_capacity", "_ends", "_epoch"

_INSERT = """
INSERT INTO accounts_session (id_mac, owner_id, sealed, began_at, seen_at, idle_until, ends_at)
VALUES (%s::bytea, %s::uuid, %s::bytea, %s::timestamptz, %s::timestamptz, %s::timestamptz, %s::timestamptz)
ON CONFLICT (id_mac) DO NOTHING
"""
_UPDATE = """
UPDATE accounts_session SET owner_id = %s::uuid, sealed = %s::bytea, seen_at = %s::timestamptz,
    idle_until = %s::timestamptz, ends_at = %s::timestamptz
WHERE id_mac = %s::bytea
"""


class SessionStore(SessionBase):
    """Django's session interface over accounts_session.

    `asked_alone`: a page asks again by itself, on a timer. That is no sign of life: it neither prolongs the
    session, nor keeps in Redis what would spare the next gesture from prolonging it.
    """

    asked_alone = False

    def load(self) -> dict[str, Any]:
        id_mac = _mac_of(self)
        now = timezone.now()
        if (sealed := session_cache().get(id_mac)) is not None:
            payload = _unsealed(id_mac, sealed)
            if payload is not None and payload.get(OWNER) and _ends_at(payload) > now:
                return payload
        found = self._from_database(id_mac, now)
        if found is None:
            self._session_key = None
            return {}
        return found

    def _from_database(self, id_mac: bytes, now: datetime) -> dict[str, Any] | None:
        row = _row(
            "SELECT sealed, seen_at, idle_until, ends_at FROM accounts_session"
            " WHERE id_mac = %s::bytea AND idle_until > %s::timestamptz",
            [id_mac, now],
        )
        data = _unsealed(id_mac, row[0]) if row else None
        if row is None or data is None or _ends_at(data) <= now:
            return None
        sealed, seen_at, idle_until, ends_at = row
        if self.asked_alone:
            return data
        if now - seen_at >= TOUCHED_EVERY:
            idle_until = min(now + _idle(data), ends_at)
            _run(
                "UPDATE accounts_session SET seen_at = %s::timestamptz, idle_until = %s::timestamptz"
                " WHERE id_mac = %s::bytea",
                [now, idle_until, id_mac],
            )
        if data.get(OWNER):
            session_cache().put(id_mac, bytes(sealed), (idle_until - now).total_seconds(), over=False)
        return data

    def exists(self, session_key: str) -> bool:
        return bool(_row("SELECT 1 FROM accounts_session WHERE id_mac = %s::bytea", [_id_mac(session_key)]))

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            return self.create()
        data = self._get_session(no_load=must_create)
        now = timezone.now()
        data.setdefault(ENDS, (now + WHOLE).isoformat())
        ends_at = datetime.fromisoformat(data[ENDS])
        idle_until = min(now + _idle(data), ends_at)
        id_mac = _id_mac(self.session_key)
        sealed = subjects.system().seal_json("accounts_session", "sealed", id_mac, data)
        owner = data.get(OWNER)
        if must_create:
            written = _run(_INSERT, [id_mac, owner, sealed, now, now, idle_until, ends_at])
            if not written:
                raise CreateError
        else:
            written = _run(_UPDATE, [owner, sealed, now, idle_until, ends_at, id_mac])
            if not written:
                session_cache().drop(id_mac)
                raise UpdateError
        if owner:
            session_cache().put(id_mac, sealed, (idle_until - now).total_seconds())
        return None

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            id_mac = _id_mac(key)
            _run("DELETE FROM accounts_session WHERE id_mac = %s::bytea", [id_mac])
            session_cache().drop(id_mac)

    def get_expire_at_browser_close(self) -> bool:
        """The row decides when a session ends; the cookie only ever dies with the browser."""
        return True

    @classmethod
    def clear_expired(cls) -> None:
        _run("DELETE FROM accounts_session WHERE idle_until < %s::timestamptz", [timezone.now()])


def belongs_to(
    session: SessionBase, owner_id: UUID, capacity: str, *, at: datetime, password_epoch: int = 0
) -> None:
    """Make a session that of somebody who has just proved who they are: a new identifier, new ends,
    and the oldest of their visits closed when there are too many."""
    session.cycle_key()
    session[OWNER] = str(owner_id)
    session[CAPACITY] = capacity
    session[EPOCH] = password_epoch
    session[ENDS] = (at + WHOLE).isoformat()
    end_all(owner_id, but=AT_MOST_EACH - 1)


def credential_of(session: SessionBase) -> Credential | None:
    """What whoever signed in shows with this session; None while nobody has."""
    if session.session_key is None or (owner := session.get(OWNER)) is None:
        return None
    return Credential(
        kind=CredentialKind.SESSION,
        mac=_mac_of(session),
        account_id=UUID(owner),
        password_epoch=session.get(EPOCH, 0),
    )


def signed_in_at(session: SessionBase) -> datetime | None:
    """When whoever signed in with this session did; None while nobody has."""
    return datetime.fromisoformat(session[ENDS]) - WHOLE if session.get(OWNER) and ENDS in session else None


@dataclass(frozen=True, slots=True)
class Lasts:
    """How long a session lasts without another request, in seconds; `of` is the same as long as it is the
    session of the same sign-in, and tells nothing else."""

    seconds: int
    of: str


def lasts(session: SessionBase, *, at: datetime) -> Lasts | None:
    """None while nobody has signed in."""
    if signed_in_at(session) is None:
        return None
    ends_at = datetime.fromisoformat(session[ENDS])
    left = min(IDLE.get(session.get(CAPACITY, ""), IDLE_OTHERWISE), ends_at - at)
    return Lasts(max(0, int(left.total_seconds())), str(int(ends_at.timestamp() * 1000)))


def end_all(owner_id: UUID, *, but: int = 0) -> None:
    """Close every visit of somebody, except the `but` most recent."""
    ended = _rows(
        "DELETE FROM accounts_session WHERE id_mac IN (SELECT id_mac FROM accounts_session"
        " WHERE owner_id = %s::uuid ORDER BY seen_at DESC OFFSET %s) RETURNING id_mac",
        [owner_id, but],
    )
    for (id_mac,) in ended:
        session_cache().drop(bytes(id_mac))


def _idle(data: dict[str, Any]) -> timedelta:
    capacity = data.get(CAPACITY)
    return IDLE.get(capacity, IDLE_OTHERWISE) if capacity else IDLE_ANONYMOUS


def _ends_at(data: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(data[ENDS])


def _mac_of(session: SessionBase) -> bytes:
    """The digest of a session's own identifier, made once for a request: it finds the row, then proves it."""
    known: tuple[str, bytes] | None = getattr(session, "_known_mac", None)
    if known is None or known[0] != session.session_key:
        known = session._known_mac = (session.session_key, _id_mac(session.session_key))
    return known[1]


def _id_mac(session_key: str) -> bytes:
    return blind.keyed_mac("session", session_key.encode())


def _unsealed(id_mac: bytes, sealed: bytes) -> dict[str, Any] | None:
    """What is in a session; None when its bytes were tampered with: it is then no session at all."""
    try:
        data = subjects.system().unseal_json("accounts_session", "sealed", id_mac, bytes(sealed))
    except Unsealable:
        return None
    return data


def _row(sql: str, params: list[Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()


def _rows(sql: str, params: list[Any]) -> Iterable[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _run(sql: str, params: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount
