"""Contents at rest: sealed under the dossier's key, in their row when small, else in the object store.

Whoever calls has a passage: the keyring comes from there. One interface hides both places.
"""

import io
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4, uuid5

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection

from vault import streams
from vault.keyring import SMALL, Keyring

ORIGINAL = "original"
NARRATIVE = "narrative"
TEXTS = "texts"
TEXT_LIKE = frozenset({NARRATIVE, TEXTS})

SHELVES = 256  # an object stands on the shelf of its first two letters
# A row comes within the minute that an object was written in, or never: a day is beyond any transaction.
NEVER_NAMED_AFTER = timedelta(hours=24)
_OURS = re.compile(r"[0-9a-f]{2}/([0-9a-f]{32}|\.[^/]+)")


@dataclass(frozen=True, slots=True)
class Kept:
    """How one part is kept: the columns of its row."""

    part: str
    size: int
    sealed: bytes | None
    blob: str | None


def page(number: int) -> str:
    return f"page/{number}"


def keep(
    keyring: Keyring, document_id: UUID, part: str, clear: bytes, *, text_like: bool | None = None
) -> Kept:
    """Seal one part. What goes to the object store is on the disk when this returns, before any row."""
    content_id = uuid5(document_id, part)
    if len(clear) <= SMALL:
        compress = part in TEXT_LIKE if text_like is None else text_like
        return Kept(part, len(clear), keyring.seal_content(content_id, clear, compress=compress), None)
    sealed = io.BytesIO()
    bound = streams.associated_data(keyring.subject_id, content_id)
    streams.encrypt(io.BytesIO(clear), sealed, keyring.stream_key(), bound)
    sealed.seek(0)
    name = uuid4().hex
    return Kept(part, len(clear), None, default_storage.save(f"{name[:2]}/{name}", File(sealed)))


def clear(keyring: Keyring, document_id: UUID, kept: Kept) -> bytes:
    """The part as it was. Raises vault.keyring.Unsealable: nothing is given that is not whole."""
    content_id = uuid5(document_id, kept.part)
    if kept.sealed is not None:
        return keyring.unseal_content(content_id, kept.sealed)
    bound = streams.associated_data(keyring.subject_id, content_id)
    with default_storage.open(kept.blob, "rb") as sealed:
        return b"".join(streams.decrypt(sealed, keyring.stream_key(), bound))


def tidy(shelf: int, *, at: datetime) -> int:
    """Remove from one shelf the objects that no row names, a day after they were written; how many.

    They come from a stop between the object and its row. Those present are listed before rows are asked.
    """
    old = default_storage.untouched_since(at - NEVER_NAMED_AFTER, f"{shelf:02x}")
    unnamed = _unnamed([name for name in old if _OURS.fullmatch(name)])
    for name in unnamed:
        default_storage.delete(name)
    return len(unnamed)


def _unnamed(names: list[str]) -> list[str]:
    if not names:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT documents_unnamed(%s::text[])", [names])
        return [name for (name,) in cursor.fetchall()]
