"""What the demonstration prepared: the logins one may borrow. Written by `manage.py demo`, shown at `/`."""

from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.memory import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowed:
    """A login of the demonstration: whose, where it opens, what to type."""

    slug: str
    door: str  # path of the sign-in page
    login: str
    password: str
    totp_secret: str = ""


def prepared(folder: Path) -> dict[str, Borrowed]:
    return {told["slug"]: Borrowed(**told) for told in _memory(folder).read()}


def prepare(folder: Path, borrowed: list[Borrowed]) -> None:
    _memory(folder).write([asdict(login) for login in borrowed])


def _memory(folder: Path) -> Memory:
    return Memory(folder, "whoswho", [])
