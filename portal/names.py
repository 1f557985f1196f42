"""Names of people as a sentence carries them."""

from functools import lru_cache

PARTICLES = frozenset({"DE", "DU", "DES", "LA", "LE", "D"})


@lru_cache(maxsize=4096)
def soft(name: str) -> str:
    """« Dr Anne Lefèvre » from the « Dr Anne LEFÈVRE » of a register; what is already in lower case stays."""
    return " ".join(_soft_word(word) for word in name.split(" "))


def _soft_word(word: str) -> str:
    if not word.isupper() or len(word) < 2 or word.endswith("."):
        return word
    return word.lower() if word in PARTICLES else word.title()
