"""Names of people as a sentence carries them."""

from functools import lru_cache

PARTICLES = frozenset({"DE", "DU", "DES", "LA", "LE", "D"})


@lru_cache(maxsize=4096)
def soft(name: str) -> str:
    """« Dr Anne Lefèvre » from the « Dr Anne LEFÈVRE » of a register; what is already in lower case stays."""
    return " ".join(_soft_word(word) for word in name.split(" "))


def of(name: str) -> str:
    """« du Dr Anne Lefèvre », « de Nadia Benali », « d’Élise Garnier »."""
    name = soft(name)
    if name.startswith("Dr "):
        return f"du {name}"
    return f"d’{name}" if name[:1] in "AEIOUYÉÈÊÂÎÔÛ" else f"de {name}"


def with_capitals(name: str) -> str:
    """A name as its owner would write it, from one typed all in small or all in large letters."""
    return name.title() if name.islower() or name.isupper() else name


def _soft_word(word: str) -> str:
    if not word.isupper() or len(word) < 2 or word.endswith("."):
        return word
    return word.lower() if word in PARTICLES else word.title()
