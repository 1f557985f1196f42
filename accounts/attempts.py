"""Slowing down whoever tries passwords, without ever locking out the person they try to be.

Tries are counted by login and origin, by login, and by origin. Past a few free ones each failure
doubles the wait, up to fifteen minutes. A login that has already succeeded from an origin is not
slowed there by what others try elsewhere. Counts live in PostgreSQL: they survive Redis and restarts.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from vault import blind

LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)
KNOWN_FOR = timedelta(days=30)
FREE_FROM_ONE_ORIGIN, FREE_FOR_A_LOGIN, FREE_FOR_AN_ORIGIN = 4, 20, 60
FREE_CODES = 5
FREE_QUESTIONS_ABOUT_ONE, FREE_SENDINGS_TO_ONE = 6, 6


class TooManyTries(Exception):
    """Wait before trying again. Says the same whether the login exists or not."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.wait = wait

    def __str__(self) -> str:
        minutes = -(-int(self.wait.total_seconds()) // 60)
        when = "une minute" if minutes <= 1 else f"{minutes} minutes"
        return f"Trop d’essais ont échoué : attendez {when}, puis recommencez."


@dataclass(frozen=True, slots=True)
class Tries:
    """The three counts that one try belongs to."""

    here: bytes  # this login from this origin
    login: bytes
    origin: bytes


def tries_of(login: str, origin: str) -> Tries:
    network = network_of(origin)
    return Tries(_key("here", f"{login}|{network}"), _key("login", login), _key("origin", network))


def network_of(origin: str) -> str:
    """The network an address belongs to: one home has many addresses of IPv6."""
    try:
        address = ipaddress.ip_address(origin)
    except ValueError:
        return "unknown"
    prefix = 32 if address.version == 4 else 56
    return str(ipaddress.ip_network((address, prefix), strict=False))


def count(tries: Tries, *, at: datetime) -> None:
    """Count one more try, before its password is looked at. Raises TooManyTries, counting nothing."""
    kept = _kept(tries)
    known_here = any(key == tries.here and known and known > at for key, _, known in kept)
    free = {tries.here: FREE_FROM_ONE_ORIGIN, tries.origin: FREE_FOR_AN_ORIGIN}
    if not known_here:
        free[tries.login] = FREE_FOR_A_LOGIN
    waits = [until - at for key, until, _ in kept if key in free and until > at]
    if waits:
        raise TooManyTries(max(waits))
    counted = [_count(key, free[key], at) for key in sorted(free)]
    if not all(counted):  # somebody else's try came between: this one waits like the next
        raise TooManyTries(timedelta(seconds=2))


def count_codes(user_id: UUID, *, at: datetime) -> None:
    """Count one more code tried for a user whose application makes them. Raises TooManyTries."""
    _count_or_wait(_key("codes", str(user_id)), FREE_CODES, at)


def count_question(person: str, origin: str, *, at: datetime) -> None:
    """Count one more question asked of the insurer about somebody. Raises TooManyTries.

    By person and by origin: guessing card numbers in one opening after another is slow too.
    """
    _count_or_wait(_key("question", person), FREE_QUESTIONS_ABOUT_ONE, at)
    _count_or_wait(_key("question.origin", network_of(origin)), FREE_FOR_AN_ORIGIN, at)


def count_sending(person: str, *, at: datetime) -> None:
    """Count one more code that leaves for somebody, whoever asks. Raises TooManyTries."""
    _count_or_wait(_key("sending", person), FREE_SENDINGS_TO_ONE, at)


def _count_or_wait(key: bytes, free: int, at: datetime) -> None:
    if not _count(key, free, at):
        with connection.cursor() as cursor:
            cursor.execute("SELECT wait_until FROM accounts_attempt WHERE key_mac = %s::bytea", [key])
            raise TooManyTries(cursor.fetchone()[0] - at)


def right_code(user_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_attempt SET failures = 0 WHERE key_mac = %s::bytea",
            [_key("codes", str(user_id))],
        )


def succeeded(tries: Tries, *, at: datetime) -> None:
    """The password was right: this try is not held against anybody."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE accounts_attempt SET wait_until = %s::timestamptz,
                failures = CASE WHEN key_mac = %s::bytea THEN 0 ELSE greatest(failures - 1, 0) END
            WHERE key_mac = ANY(%s::bytea[])
            """,
            [at, tries.here, [tries.here, tries.login, tries.origin]],
        )


def remember(here: bytes, *, at: datetime) -> None:
    """This login signed in from this origin, with both factors."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_attempt (key_mac, failures, last_at, wait_until, known_until)
            VALUES (%s::bytea, 0, %s::timestamptz, %s::timestamptz, %s::timestamptz)
            ON CONFLICT (key_mac) DO UPDATE SET failures = 0, known_until = excluded.known_until
            """,
            [here, at, at, at + KNOWN_FOR],
        )


def forget_old(*, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM accounts_attempt WHERE last_at < %s::timestamptz"
            " AND (known_until IS NULL OR known_until < %s::timestamptz)",
            [at - timedelta(days=1), at],
        )


def _kept(tries: Tries) -> list[tuple[bytes, datetime, datetime | None]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key_mac, wait_until, known_until FROM accounts_attempt WHERE key_mac = ANY(%s::bytea[])",
            [[tries.here, tries.login, tries.origin]],
        )
        return [(bytes(key), until, known) for key, until, known in cursor.fetchall()]


def _count(key: bytes, free: int, at: datetime) -> bool:
    """One statement, so that parallel tries are counted one after the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_attempt AS kept (key_mac, failures, last_at, wait_until)
            VALUES (%(key)s::bytea, 1, %(at)s::timestamptz, %(at)s::timestamptz)
            ON CONFLICT (key_mac) DO UPDATE SET
                last_at = %(at)s::timestamptz,
                failures = CASE WHEN kept.last_at < %(long_ago)s::timestamptz THEN 1
                                ELSE kept.failures + 1 END,
                wait_until = CASE
                    WHEN kept.last_at < %(long_ago)s::timestamptz OR kept.failures < %(free)s::int
                        THEN %(at)s::timestamptz
                    ELSE %(at)s::timestamptz + least(
                        make_interval(secs => 2 ^ least(kept.failures + 1 - %(free)s::int, 20)),
                        %(longest)s::interval)
                    END
            WHERE kept.wait_until <= %(at)s::timestamptz
            """,
            {"key": key, "at": at, "free": free, "long_ago": at - FORGOTTEN_AFTER, "longest": LONGEST_WAIT},
        )
        return cursor.rowcount == 1


def _key(what: str, value: str) -> bytes:
    return blind.keyed_mac(f"attempt.{what}", value.encode())
