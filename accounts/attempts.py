"""Slowing down whoever guesses, without ever keeping out the person they aim at.

Nobody is refused the verdict on a right password: past an allowance the verdict is no longer *said*. The
code page comes whatever was typed, and a code leaves only if the password was right. Guessing then teaches
nothing, and the owner of the login sees a code arrive, at once.
`docs/decisions/nobody-locks-out-somebody.md` has the arithmetic.

An allowance is a bucket that empties with time: `burst` at once, `an_hour` after that. They live in
PostgreSQL, are counted in one statement, and are at most some hundred thousand rows, whatever is tried.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from vault import blind

from .browsers import Browser, known_mac

SLOTS = 1 << 17  # of each kind that strangers may name at will: several names share one slot


class TooManyTries(Exception):
    """Wait before trying again: `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Allowance:
    burst: float
    an_hour: float


# Verdicts said on a password, an hour: 10 + 20 for a login from browsers unknown to it, 5 + 5 for each of
# the five known ones. 80 in all.
FOR_A_LOGIN = Allowance(10, 20)
FOR_A_NETWORK = Allowance(100, 200)
FOR_A_KNOWN_BROWSER = Allowance(5, 5)
# Codes of an application, tried after a right password.
CODES_TRIED = Allowance(5, 10)
# Codes sent, and not used.
CODES_SENT = Allowance(5, 5)
# Openings online: questions asked of the insurer about one person from one network, codes it sends her.
QUESTIONS_ABOUT_ONE = Allowance(6, 6)
SENDINGS_TO_ONE = Allowance(6, 6)
OPENINGS_BEGUN = Allowance(100, 300)
EACH_WAITS, EACH_SENDING_WAITS = timedelta(seconds=30), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Guess:
    """One password about to be looked at: whether its verdict may be said, and where it was counted."""

    said: bool
    counted: tuple[bytes, ...]


# Passwords ------------------------------------------------------------------------------------


def guess(login: str, browser: Browser, *, known: bool, at: datetime) -> Guess:
    """Count one more password tried for a (normalised) login, before it is looked at."""
    if known and _take(mine := known_mac(login, browser), FOR_A_KNOWN_BROWSER, at=at):
        return Guess(True, (mine,))
    counts = ((_slot("login", login), FOR_A_LOGIN), (_slot("network", browser.network), FOR_A_NETWORK))
    counted = tuple(key for key, allowance in counts if _take(key, allowance, at=at))
    return Guess(len(counted) == len(counts), counted)


def give_back(guess: Guess) -> None:
    """A right password is not held against anybody, nor one that was not looked at."""
    _give_back(guess.counted)


# Codes ----------------------------------------------------------------------------------------


def count_code_tried(user_id: UUID, browser: Browser, *, known: bool, at: datetime) -> None:
    """Count one more code of an application, tried for a user. Raises TooManyTries."""
    _take_or_wait(_of_user("code", user_id, browser, known), CODES_TRIED, at=at)


def count_code_sent(user_id: UUID, browser: Browser, *, known: bool, at: datetime) -> None:
    """Count one more code that leaves for a user. Raises TooManyTries."""
    _take_or_wait(_of_user("sent", user_id, browser, known), CODES_SENT, at=at)


def code_served(user_id: UUID, browser: Browser, *, known: bool) -> None:
    """A code that served does not count against its person: neither its sending nor the tries before it."""
    _forget([_of_user(what, user_id, browser, known) for what in ("code", "sent")])


def _of_user(what: str, user_id: UUID, browser: Browser, known: bool) -> bytes:
    """A known browser has its own count: strangers who hold the password cannot use it up."""
    return _key(what, f"{user_id}|{browser.secret if known else ''}")


# Openings online ------------------------------------------------------------------------------


def count_opening(origin: str, *, at: datetime) -> None:
    """Count one more opening begun from one network (`origin`). TooManyTries past what a library, or a
    whole company, begins in an hour: other networks notice nothing."""
    _take_or_wait(_slot("opening", origin), OPENINGS_BEGUN, at=at)


def count_question(person: str, origin: str, *, asker: str, at: datetime) -> None:
    """Count one more question asked of the insurer about somebody (`person`) by one opening (`asker`).

    From one network (`origin`), past the allowance, each opening waits its own thirty seconds before each
    question: TooManyTries. Nobody uses up the turn of somebody else.
    """
    _in_turn("question", f"{person}|{origin}", asker, QUESTIONS_ABOUT_ONE, EACH_WAITS, at=at)


def count_sending(person: str, origin: str, *, asker: str, at: datetime) -> None:
    """Count one more code that the insurer sends somebody for one opening. Past the allowance each opening
    waits its own ten minutes: TooManyTries."""
    _in_turn("sending", f"{person}|{origin}", asker, SENDINGS_TO_ONE, EACH_SENDING_WAITS, at=at)


def sending_served(person: str, origin: str) -> None:
    """The code came back: its sendings are not held against the person."""
    _forget([_slot("sending", f"{person}|{origin}")])


def _in_turn(
    what: str, about: str, asker: str, allowance: Allowance, wait: timedelta, *, at: datetime
) -> None:
    if _take(_slot(what, about), allowance, at=at):
        return
    ticket = _slot(f"{what}.turn", asker)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM accounts_allowance WHERE key_mac = %s::bytea AND at <= %s::timestamptz", [ticket, at]
        )
        if cursor.rowcount:
            return
        cursor.execute(
            # A turn is the instant from which it may be taken; it empties by itself within the hour.
            """
            INSERT INTO accounts_allowance (key_mac, level, burst, an_hour, at)
            VALUES (%s::bytea, 1, 1, 1, %s::timestamptz)
            ON CONFLICT (key_mac) DO UPDATE SET level = accounts_allowance.level RETURNING at
            """,
            [ticket, at + wait],
        )
        raise TooManyTries(cursor.fetchone()[0] - at)


# Buckets --------------------------------------------------------------------------------------

_TAKE = """
INSERT INTO accounts_allowance AS kept (key_mac, level, burst, an_hour, at)
VALUES (%(key)s::bytea, 1, %(burst)s::float8, %(an_hour)s::float8, %(at)s::timestamptz)
ON CONFLICT (key_mac) DO UPDATE SET
    level = {left} + 1, at = greatest(kept.at, excluded.at)
WHERE {left} + 1 <= kept.burst
""".format(
    left="greatest(kept.level - greatest(extract(epoch FROM excluded.at - kept.at)::float8, 0) / 3600"
    " * kept.an_hour, 0)"
)


def _take(key: bytes, allowance: Allowance, *, at: datetime) -> bool:
    """Whether there was room for one more. One statement, so that parallel tries are counted one by one; a
    try for which there was no room takes none."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"key": key, "burst": allowance.burst, "an_hour": allowance.an_hour, "at": at})
        return cursor.rowcount == 1


def _take_or_wait(key: bytes, allowance: Allowance, *, at: datetime) -> None:
    if _take(key, allowance, at=at):
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT level, at FROM accounts_allowance WHERE key_mac = %s::bytea", [key])
        level, since = cursor.fetchone() or (allowance.burst, at)
    hours = (level + 1 - allowance.burst) / allowance.an_hour
    raise TooManyTries(max(since + timedelta(hours=hours) - at, timedelta(seconds=1)))


def _give_back(keys: Iterable[bytes]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_allowance SET level = greatest(level - 1, 0) WHERE key_mac IN (SELECT key_mac"
            " FROM accounts_allowance WHERE key_mac = ANY(%s::bytea[]) ORDER BY key_mac FOR UPDATE)",
            [list(keys)],
        )


def _forget(keys: Iterable[bytes]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_allowance WHERE key_mac = ANY(%s::bytea[])", [list(keys)])


def forget_old(*, at: datetime) -> None:
    """Delete the buckets that are empty again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM accounts_allowance"
            " WHERE at + make_interval(secs => level / an_hour * 3600) < %s::timestamptz",
            [at],
        )


def _slot(what: str, name: str) -> bytes:
    """One of a bounded number of rows. To share one does no harm: verdicts are left unsaid a little
    earlier."""
    number = int.from_bytes(blind.keyed_mac(f"attempt.{what}", name.encode())[:8]) % SLOTS
    return _key(what, str(number))


def _key(what: str, name: str) -> bytes:
    return blind.keyed_mac(f"attempt.{what}.row", name.encode())
