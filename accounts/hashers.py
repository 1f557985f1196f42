"""How passwords are kept.

`Argon2id` is for passwords that people choose: slow on purpose (19 MiB, 2 passes), a few at a time
so that a storm of sign-ins cannot take the memory of the machine. `First` is for the printed ones:
80 random bits need no slowness, only a key that the database does not hold.
"""

import secrets
from threading import BoundedSemaphore

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, BasePasswordHasher, identify_hasher
from django.utils.crypto import constant_time_compare

from vault import blind

AT_ONCE = getattr(settings, "DMP_HASHING_AT_ONCE", 2)
_places = BoundedSemaphore(AT_ONCE)

READABLE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 5 bits a character, nothing that looks like its neighbour
FIRST_PASSWORD_LENGTH = 16


class Argon2id(Argon2PasswordHasher):
    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _places:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _places:
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


def matches(password: str, encoded: str | None) -> bool:
    """Whether this is the password. Always the work of one Argon2id, whatever is kept and even if
    nothing is, so that the time of an answer does not say whether the account exists."""
    hasher = identify_hasher(encoded) if encoded else None
    if isinstance(hasher, Argon2id):
        return hasher.verify(password, encoded)
    right = hasher.verify(password, encoded) if hasher else False
    Argon2id().encode(password, "an account like any other")
    return right
