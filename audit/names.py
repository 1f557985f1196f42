"""What acts and facets are called today, whatever they were called when an entry was written.

An entry of form 2 authenticates the word it was written with, in its sealed body. The clear columns may keep
that word or be given today's: both verify. To rename an act, add a line here and change the code.
"""

from collections.abc import Iterable

RENAMED: dict[str, str] = {}
"""A word once written → the word for it today. Never two words into one: nothing would tell them apart."""


def today(word: str) -> str:
    """What this word is called today."""
    return RENAMED.get(word, word)


def ever(words: Iterable[str]) -> list[str]:
    """These words and all they were called before, for a condition on the clear columns."""
    wanted = set(words)
    return sorted(wanted | {earlier for earlier, word in RENAMED.items() if word in wanted})
