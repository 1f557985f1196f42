"""French typography: what a careful printer would do to our sentences.

Templates are corrected once, when they are loaded (`portal.template_loader`); sentences written in Python
pass through `french` where they are made or shown.
"""

import re
from functools import lru_cache

THIN, NBSP = "\u202f", "\u00a0"

_MONTHS = (
    "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
    r"|janv\.|févr\.|avr\.|juil\.|sept\.|oct\.|nov\.|déc\."
)
_UNITS = (
    "mg|g|µg|kg|g/L|mmol/L|µmol/L|mL|ml|mL/min|UI|ans|an|mois|jours|jour|heures?|minutes?|h|min|Ko|Mo|€|documents?|DMP"
    "|chiffres|essais|analyses|lignes|pages?|millions?|professionnels"
)
_RULES = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"(?<=\w)'", "’"),
        (rf"«[ {THIN}]?", "«" + THIN),
        (rf"[ {THIN}]?»", THIN + "»"),
        (r" (?=[;!?])", THIN),
        (r" (?=:(?:\s|$|<))", NBSP),
        (r"(?<=\d) (?=%)", THIN),
        (r"(?<=\d) (?=\d)", THIN),
        (rf"(?<=\d) (?=(?:{_UNITS})\b)", NBSP),
        (rf"(?<=\d)[ {NBSP}]h (?=\d)", NBSP + "h" + NBSP),
        (rf"(?<=\d) (?=(?:{_MONTHS}))", NBSP),
        (rf"\b({_MONTHS}) (?=\d{{4}}\b)", r"\1" + NBSP),
        (r"(?<=1er) (?=\w)", NBSP),
        (r"\b(Dr|Pr|M\.|Mme|Mlle|n°|p\.) (?=\S)", r"\1" + NBSP),
        (r"\.\.\.", "…"),
        (r" ([–—])(?= )", NBSP + r"\1"),
    )
)

_PIECES = re.compile(r"(<!--.*?-->|<[^>]*>|\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\})", re.DOTALL)
_UNTOUCHED = re.compile(r"<(code|pre|kbd|script|style|textarea)\b", re.IGNORECASE)
_HEARD = re.compile(r'(\s(?:aria-label|alt|title|placeholder|data-label)=")([^"]*)(")')
_SAID = re.compile(r'(\b(?:title|label|hint|legend|caption|meta|note|text|name)=")([^"]*)(")')
_SPOKEN_TAG = re.compile(r'(\{%\s*(?:button|link_button|tag|index_link)\s+")([^"]*)(")')
_PLUMBING = re.compile(r"\{%\s*(?:load|extends|include|url|static|with|if|elif|for|block|endblock)\b")


def french(text: str) -> str:
    """The same sentence with its apostrophes, guillemets and unbreakable spaces."""
    for rule, by in _RULES:
        text = rule.sub(by, text)
    return text


@lru_cache(maxsize=4096)
def french_once(text: str) -> str:
    """`french` for words that come back on every page: labels, hints, refusals."""
    return french(text)


def french_source(source: str) -> str:
    """A Django template whose words, and the attributes that people hear, have their typography."""
    corrected, until = [], None
    for piece in _PIECES.split(source):
        if until:
            corrected.append(piece)
            if piece.lower().startswith(f"</{until}"):
                until = None
        elif untouched := _UNTOUCHED.match(piece):
            until = untouched.group(1).lower()
            corrected.append(piece)
        elif piece.startswith("{%"):
            corrected.append(piece if _PLUMBING.match(piece) else _french_arguments(piece))
        elif piece.startswith(("<!", "{#", "{{")):
            corrected.append(piece)
        elif piece.startswith("<"):
            corrected.append(_HEARD.sub(_french_group, piece))
        else:
            corrected.append(french(piece))
    return "".join(corrected)


def _french_arguments(tag: str) -> str:
    return _SAID.sub(_french_group, _SPOKEN_TAG.sub(_french_group, tag))


def _french_group(match: re.Match[str]) -> str:
    before, words, after = match.groups()
    return before + french(words) + after
