"""One key per subject: made, wrapped, found again."""

import os
import time
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import Lock
from uuid import UUID

from django.db import connection, transaction

from .keyring import KEY_BYTES, NOBODY, Keyring, Unsealable
from .providers import CannotUnwrap, WrapContext, provider

SYSTEM_SUBJECT = UUID("5e0c1a55-0000-4000-8000-000000000001")
"""The house itself: traces without a dossier, sessions. Its key is made by `migrate`."""

EPHEMERAL = "ephemeral"


class SubjectKind(StrEnum):
    """Whose key it is. Part of what the wrapping authenticates: the values never change."""

    DOSSIER = "dossier"
    ACCOUNT = "account"
    PROFESSIONAL = "professional"
    STRUCTURE = "structure"
    SYSTEM = "system"


class NoSuchSubject(LookupError):
    """No key is kept for this subject: it never existed, or it was forgotten."""


@dataclass(frozen=True, slots=True, repr=False)
class Wrapped:
    """A subject's key as its row keeps it."""

    kind: str
    version: int
    kek_version: int
    wrapped: bytes


class Kept:
    """Keyrings already unwrapped, for a minute and up to a bound, in this process only."""

    def __init__(self, *, at_most: int = 2000, seconds: float = 60.0) -> None:
        self._at_most = at_most
        self._seconds = seconds
        self._entries: dict[Hashable, tuple[float, Keyring]] = {}
        self._lock = Lock()

    def get(self, name: Hashable) -> Keyring | None:
        entry = self._entries.get(name)
        return entry[1] if entry and entry[0] > time.monotonic() else None

    def keep(self, name: Hashable, keyring: Keyring) -> None:
        with self._lock:
            self._entries.pop(name, None)
            while len(self._entries) >= self._at_most:
                self._entries.pop(next(iter(self._entries)))
            self._entries[name] = (time.monotonic() + self._seconds, keyring)

    def drop(self, subject_id: UUID) -> None:
        with self._lock:
            for name in [
                name for name, (_, keyring) in self._entries.items() if keyring.subject_id == subject_id
            ]:
                del self._entries[name]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


# Two ways in: by what the row says, always true; by subject alone, only once the row is known to be
# committed, else a key made in a transaction that fails could seal what nobody would ever unseal.
_by_row = Kept()
_by_subject = Kept()


def prepare(subject_id: UUID, kind: SubjectKind) -> tuple[Keyring, Wrapped]:
    """A new key and its row, for callers who insert it within their own statement. No SQL."""
    secret = os.urandom(KEY_BYTES)
    context = WrapContext(kind.value, subject_id, 1)
    kek_version, wrapped = provider().wrap(secret, context)
    return Keyring(subject_id, secret), Wrapped(kind.value, 1, kek_version, wrapped)


def create(subject_id: UUID, kind: SubjectKind, *, at: datetime) -> Keyring:
    """Make the key of a new subject: one INSERT."""
    keyring, row = prepare(subject_id, kind)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO vault_subjectkey (subject_id, kind, version, kek_version, wrapped, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [subject_id, row.kind, row.version, row.kek_version, row.wrapped, at],
        )
    return keyring


def unwrap(subject_id: UUID, wrapped: Wrapped) -> Keyring:
    """The keyring of a row the caller has read. No SQL. Raises Unsealable if the row was altered."""
    sealed = bytes(wrapped.wrapped)
    name = (subject_id, wrapped.kind, wrapped.version, wrapped.kek_version, sealed)
    if kept := _by_row.get(name):
        return kept
    context = WrapContext(wrapped.kind, subject_id, wrapped.version)
    try:
        secret = provider().unwrap(sealed, context, wrapped.kek_version)
    except CannotUnwrap:
        raise Unsealable from None
    keyring = Keyring(subject_id, secret, wrapped.version)
    _by_row.keep(name, keyring)
    return keyring


def keyring(subject_id: UUID) -> Keyring:
    """The keyring of a subject. Raises NoSuchSubject."""
    return _by_subject.get(subject_id) or keyrings([subject_id]).get(subject_id) or _missing(subject_id)


def keyrings(subject_ids: Collection[UUID]) -> dict[UUID, Keyring]:
    """The keyrings of several subjects, in one statement; who has none is left out."""
    found = {subject_id: kept for subject_id in subject_ids if (kept := _by_subject.get(subject_id))}
    unknown = [subject_id for subject_id in subject_ids if subject_id not in found]
    if not unknown:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject_id, kind, version, kek_version, wrapped FROM vault_subjectkey"
            " WHERE subject_id = ANY(%s)",
            [unknown],
        )
        read = {row[0]: unwrap(row[0], Wrapped(*row[1:])) for row in cursor.fetchall()}
    transaction.on_commit(lambda: _keep_all(read))
    return found | read


def system() -> Keyring:
    """The house's own keyring."""
    return keyring(SYSTEM_SUBJECT)


def forget_cached(subject_id: UUID) -> None:
    """Drop what this process keeps of a subject, when its key is revoked or destroyed."""
    _by_row.drop(subject_id)
    _by_subject.drop(subject_id)


def forget_all_cached() -> None:
    """Drop every keyring this process keeps."""
    _by_row.clear()
    _by_subject.clear()


def wrap_ephemeral(keyring: Keyring, row_id: UUID) -> bytes:
    """The key of one row, to be kept in that row: KEK version(4) | wrapped."""
    return join_ephemeral(
        *keyring.wrapped_by(lambda key: provider().wrap(key, WrapContext(EPHEMERAL, row_id, 1)))
    )


def unwrap_ephemeral(row_id: UUID, wrapped: bytes) -> Keyring:
    """The keyring of a row sealed under a key of its own. Raises Unsealable."""
    kek_version, sealed = split_ephemeral(bytes(wrapped))
    try:
        return Keyring(NOBODY, provider().unwrap(sealed, WrapContext(EPHEMERAL, row_id, 1), kek_version))
    except CannotUnwrap:
        raise Unsealable from None


def join_ephemeral(kek_version: int, sealed: bytes) -> bytes:
    return kek_version.to_bytes(4, "big") + sealed


def split_ephemeral(wrapped: bytes) -> tuple[int, bytes]:
    """The version of the KEK, and the wrapped key."""
    return int.from_bytes(wrapped[:4], "big"), wrapped[4:]


def _keep_all(read: dict[UUID, Keyring]) -> None:
    for subject_id, found in read.items():
        _by_subject.keep(subject_id, found)


def _missing(subject_id: UUID) -> Keyring:
    raise NoSuchSubject(subject_id)
