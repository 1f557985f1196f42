"""Sign-ins begun: the password was right, the second factor is still to come.

One row for each account and browser, with the code that waits there: what somebody begins in one browser
takes nothing from what is under way in another. A row holds for the password it was begun with, and for no
other.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from vault import blind

from .browsers import Browser
from .devices import CodeExpired, NoTriesLeft, TooSoon, WrongCode

LASTS = timedelta(minutes=15)
SAME_FOR = timedelta(minutes=5)  # a form sent again within that time goes on with the sign-in it began
CODE_LIVES = timedelta(minutes=5)
TRIES = 5
AGAIN_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way, and the code that waits if one was sent."""

    id_mac: bytes
    user_id: UUID
    password_mac: bytes
    ends_at: datetime
    contact_id: UUID | None
    sent_at: datetime | None
    code_expires_at: datetime | None
    codes_sent: int
    code_waits: bool

    def code_lives(self, at: datetime) -> bool:
        return self.code_waits and self.code_expires_at is not None and self.code_expires_at > at


def begin(user_id: UUID, password: str, browser: Browser, *, at: datetime) -> tuple[bytes, bool]:
    """Begin a sign-in for a user with this (hashed) password, or go on with the one just begun in this
    browser.

    Answers its identifier, and whether it is a new one.
    """
    id_mac = blind.keyed_mac("sign-in", f"{user_id}|{browser.secret}".encode())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_signin
                (id_mac, user_id, password_mac, began_at, ends_at, codes_sent, tries_left)
            VALUES (%(id)s::bytea, %(user)s::uuid, %(password)s::bytea, %(at)s::timestamptz,
                    %(ends)s::timestamptz, 0, 0)
            ON CONFLICT (id_mac) DO UPDATE SET
                password_mac = excluded.password_mac, began_at = excluded.began_at, ends_at = excluded.ends_at
            WHERE accounts_signin.began_at <= %(same)s::timestamptz
               OR accounts_signin.password_mac <> excluded.password_mac
            """,
            {
                "id": id_mac,
                "user": user_id,
                "password": password_mac(password),
                "at": at,
                "ends": at + LASTS,
                "same": at - SAME_FOR,
            },
        )
        return id_mac, cursor.rowcount == 1


def password_mac(password: str) -> bytes:
    """What ties a sign-in to the password it was begun with."""
    return blind.keyed_mac("sign-in.password", password.encode())


def find(id_mac: bytes, *, at: datetime) -> Begun | None:
    """The sign-in, while it lasts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id_mac, user_id, password_mac, ends_at, contact_id, sent_at, code_expires_at, codes_sent,"
            " code_mac IS NOT NULL FROM accounts_signin"
            " WHERE id_mac = %s::bytea AND ends_at > %s::timestamptz",
            [id_mac, at],
        )
        row = cursor.fetchone()
    return Begun(bytes(row[0]), row[1], bytes(row[2]), *row[3:]) if row else None


def end(id_mac: bytes) -> bool:
    """End one sign-in; whether it was under way."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_signin WHERE id_mac = %s::bytea", [id_mac])
        return cursor.rowcount == 1


def end_all(user_id: UUID) -> None:
    """End every sign-in of a user, wherever it was begun."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_signin WHERE user_id = %s::uuid", [user_id])


def forget_old(*, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM accounts_signin WHERE ends_at <= %s::timestamptz"
            " AND coalesce(code_expires_at <= %s::timestamptz, true)",
            [at, at],
        )


# The code that waits --------------------------------------------------------------------------


def new_code(id_mac: bytes, contact_id: UUID, *, at: datetime) -> str:
    """A fresh code of six digits, in the place of any other of this sign-in. Raises TooSoon, CodeExpired."""
    code = f"{secrets.randbelow(1_000_000):06d}"
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE accounts_signin SET
                contact_id = %(contact)s::uuid, code_mac = %(mac)s::bytea, tries_left = %(tries)s,
                code_expires_at = %(expires)s::timestamptz, sent_at = %(at)s::timestamptz,
                codes_sent = codes_sent + 1
            WHERE id_mac = %(id)s::bytea AND (sent_at IS NULL OR sent_at <= %(a_minute_ago)s::timestamptz)
            """,
            {
                "id": id_mac,
                "contact": contact_id,
                "mac": _code_mac(id_mac, code),
                "tries": TRIES,
                "expires": at + CODE_LIVES,
                "at": at,
                "a_minute_ago": at - AGAIN_AFTER,
            },
        )
        if cursor.rowcount == 1:
            return code
        cursor.execute("SELECT sent_at FROM accounts_signin WHERE id_mac = %s::bytea", [id_mac])
        row = cursor.fetchone()
    if row is None:
        raise CodeExpired
    raise TooSoon(row[0] + AGAIN_AFTER)


def use_code(id_mac: bytes, typed: str, *, at: datetime) -> None:
    """Accept the code that waits, once. Raises WrongCode, CodeExpired, NoTriesLeft: a wrong one costs a try.

    The same work when there is no such sign-in.
    """
    digits = "".join(typed.split())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH waiting AS (
                SELECT id_mac, code_mac, code_expires_at, tries_left FROM accounts_signin
                WHERE id_mac = %(id)s::bytea FOR UPDATE
            )
            UPDATE accounts_signin begun SET
                tries_left = greatest(waiting.tries_left - 1, 0),
                code_mac = CASE WHEN waiting.code_mac = %(mac)s::bytea OR waiting.tries_left <= 1
                                  OR waiting.code_expires_at <= %(at)s::timestamptz
                                THEN NULL ELSE waiting.code_mac END
            FROM waiting WHERE begun.id_mac = waiting.id_mac
            RETURNING waiting.code_mac IS NOT NULL, waiting.code_expires_at > %(at)s::timestamptz,
                coalesce(waiting.code_mac = %(mac)s::bytea, false), waiting.tries_left
            """,
            {"id": id_mac, "mac": _code_mac(id_mac, digits), "at": at},
        )
        row = cursor.fetchone()
    if row is None:
        raise CodeExpired
    there, in_time, right, tries_left = row
    if not there:
        raise NoTriesLeft if tries_left == 0 and in_time is not None else CodeExpired
    if not in_time:
        raise CodeExpired
    if not right:
        raise WrongCode(tries_left - 1) if tries_left > 1 else NoTriesLeft


def _code_mac(id_mac: bytes, code: str) -> bytes:
    return blind.keyed_mac("code", id_mac + code.encode())
