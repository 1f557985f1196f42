"""Names in a PDF: bytes that need not be UTF-8; « Coché » is a Latin-1 one in many French forms."""

from typing import Any

import pikepdf


def name_of(thing: Any) -> str:
    """A name as the keys of dictionaries come, with its stroke; empty when it is no name."""
    return bytes(thing).decode(errors="surrogateescape") if isinstance(thing, pikepdf.Name) else ""


def written(name: str) -> str:
    """A name as people read it."""
    raw = name.removeprefix("/").encode(errors="surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def entry(dictionary: Any, name: str) -> Any:
    """What a dictionary holds under a name, None when nothing; the library's own search wants UTF-8."""
    if name.isascii():
        return dictionary.get(name) if name else None
    return next((held for key, held in dictionary.items() if key == name), None)
