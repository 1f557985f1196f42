"""How passwords are kept.

`Argon2id` is for passwords that people choose: slow on purpose (19 MiB, 2 passes), a few at a time
so that a storm of sign-ins takes neither the memory of the machine nor all the threads of a process. `First`
is for the printed ones: 80 random bits need no slowness, only a key that the database does not hold.
"""

import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import BoundedSemaphore

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, BasePasswordHasher, identify_hasher
from django.utils.crypto import constant_time_compare

from vault import blind

AT_ONCE = getattr(settings, "DMP_HASHING_AT_ONCE", 2)
_places = BoundedSemaphore(AT_ONCE)
_line = BoundedSemaphore(
    AT_ONCE + 1
)  # one waits: with four threads in a process, one is left for everything else
_ahead: ContextVar[bool] = ContextVar("ahead", default=False)

READABLE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 5 bits a character, nothing that looks like its neighbour
FIRST_PASSWORD_LENGTH = 16


class HashingBusy(Exception):
    """More passwords are being looked at than this process has places for: try again in a few seconds."""


@contextmanager
def ahead_of_the_line(yes: bool = True) -> Iterator[None]:
    """Wait for a place even when the line is full: for those who are known."""
    token = _ahead.set(yes)
    try:
        yield
    finally:
        _ahead.reset(token)


@contextmanager
def _place() -> Iterator[None]:
    if _ahead.get():
        with _places:
            yield
        return
    if not _line.acquire(blocking=False):
        raise HashingBusy
    try:
        with _places:
            yield
    finally:
        _line.release()


class Argon2id(Argon2PasswordHasher):
    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _place():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _place():
            return super().verify(password, encoded)


class First(BasePasswordHasher):
    """A printed password: first$salt$keyed digest. How it is typed (case, spaces, hyphens) is no matter."""

    algorithm = "first"

    def encode(self, password: str, salt: str) -> str:
        digest = blind.keyed_mac("first-password", f"{salt}${as_printed(password)}".encode())
        return f"{self.algorithm}${salt}${digest.hex()}"

    def decode(self, encoded: str) -> dict[str, str]:
        algorithm, salt, digest = encoded.split("$", 2)
        return {"algorithm": algorithm, "salt": salt, "hash": digest}

    def verify(self, password: str, encoded: str) -> bool:
        return constant_time_compare(encoded, self.encode(password, self.decode(encoded)["salt"]))

    def safe_summary(self, encoded: str) -> dict[str, str]:
        return {"algorithm": self.algorithm}

    def must_update(self, encoded: str) -> bool:
        return False

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to even out here: whoever checks a password always runs Argon2id once (`matches`)."""


def as_printed(password: str) -> str:
    return "".join(c for c in password.upper() if c in READABLE)


def first_password() -> str:
    """ABCD-EFGH-JKLM-NPQR: 80 random bits in groups that one can copy by hand."""
    letters = "".join(secrets.choice(READABLE) for _ in range(FIRST_PASSWORD_LENGTH))
    return "-".join(letters[i : i + 4] for i in range(0, FIRST_PASSWORD_LENGTH, 4))


def as_kept(password: str) -> str:
    """The form in which a password is hashed: « é » typed as one character or as two is the same."""
    return unicodedata.normalize("NFKC", password)


def matches(password: str, encoded: str | None) -> bool:
    """Whether this is the password, in its normal form or else as typed (as those chosen earlier were kept).

    The work of Argon2id depends on what is typed, never on what is kept: the time of an answer does not say
    whether the account exists. Raises HashingBusy.
    """
    hasher = identify_hasher(encoded) if encoded else None
    forms = dict.fromkeys((as_kept(password), password))
    if isinstance(hasher, Argon2id):
        return any(hasher.verify(form, encoded) for form in forms)
    right = hasher.verify(password, encoded) if hasher else False
    for form in forms:
        Argon2id().encode(form, "an account like any other")
    return right
