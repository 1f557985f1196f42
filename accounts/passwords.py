"""Which passwords a person may choose, said in sentences."""

from .hashers import Argon2id, as_kept
from .traits import normalise

SHORTEST, LONGEST = 12, 128
LOOKED_AT = 72  # zxcvbn looks no further
STRONG = 3


class WeakPassword(ValueError):
    """`faults` are sentences for the person choosing."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


def password_faults(clear: str, *, personal: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with a password, in sentences; nothing when it will do.

    Any character is welcome. `personal` are words that others know: names, login.
    """
    faults = []
    if len(clear) < SHORTEST:
        faults.append(f"Choisissez au moins {SHORTEST} caractères : il en manque {SHORTEST - len(clear)}.")
    if len(clear) > LONGEST:
        faults.append(f"Choisissez au plus {LONGEST} caractères.")
    if _tells_who(clear, personal):
        faults.append("Choisissez un mot de passe sans votre nom ni votre identifiant.")
    if not faults and _score(clear[:LOOKED_AT], personal) < STRONG:
        faults.append("Ce mot de passe se devine trop vite : ajoutez des mots sans lien entre eux.")
    return faults


def refuse_weak(clear: str, *, personal: tuple[str, ...] = ()) -> None:
    """Raises WeakPassword."""
    if faults := password_faults(clear, personal=personal):
        raise WeakPassword(faults)


def hash_password(clear: str) -> str:
    """Argon2id, a few at a time."""
    hasher = Argon2id()
    return hasher.encode(as_kept(clear), hasher.salt())


def _tells_who(clear: str, personal: tuple[str, ...]) -> bool:
    typed = normalise(clear).replace(" ", "")
    words = {word for text in personal for word in normalise(text).split() if len(word) >= 4}
    return any(word in typed for word in words)


def _score(clear: str, personal: tuple[str, ...]) -> int:
    from zxcvbn import zxcvbn  # its lists of words take a moment to load: only where a password is chosen

    return int(zxcvbn(clear, user_inputs=[*personal, "dmp", "dossier", "medical", "partage"])["score"])
