"""Where each chain ended at the last verification, signed and kept outside the database.

Somebody who may write anywhere in the database can cut the end of a chain together with its head, or remove a
whole chain: nothing that is left says so. Each verification that finds nothing therefore writes where every
chain ends, and the next one begins by comparing. A list is two files in the folder DMP_LEDGER_HEADS:

    heads-000017.bin     chain(16) | position(8) | hash(32) for each chain, in order of chain
    heads-000017.json    {"format", "number", "at", "chains", "entries", "sha256", "note", "key", "signature"}

`sha256` is that of the first file; the signature is Ed25519 over the RFC 8785 form of the rest. The key is
none of the vault's: it is in a file of its own, DMP_LEDGER_KEY, which also remembers the number of the last
list, so that a list removed or an earlier one put back is noticed. Who only holds the database holds neither.
"""

import base64
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self
from uuid import UUID

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LIST_FORMAT = "dmp-heads/1"
KEY_FORMAT = "dmp-ledger-key/1"
RECORD = 56  # bytes
LISTS_KEPT = 3
_CHUNK = 1 << 20


class CannotCompare(Exception):
    """The signed list cannot be used; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class SignedEnd:
    """Where a chain ended when the list was signed."""

    position: int
    hash: bytes


@dataclass(slots=True)
class SigningKey:
    """The versions of the key, and the number of the last list signed. Only the last one has its secret."""

    path: Path
    public: dict[int, bytes]
    private: bytes
    last: int = 0

    @classmethod
    def fresh(cls, path: Path) -> Self:
        secret = Ed25519PrivateKey.generate()
        return cls(path, {1: secret.public_key().public_bytes_raw()}, secret.private_bytes_raw())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises CannotCompare, FileNotFoundError."""
        with path.open(encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise CannotCompare(f"The key {path} can be read by others. Run: chmod 600 {path}")
            text = file.read()
        try:
            payload = json.loads(text)
            if payload["format"] != KEY_FORMAT:
                raise CannotCompare(f"The key {path} is not in the format {KEY_FORMAT}.")
            public = {int(version): base64.b64decode(key) for version, key in payload["public"].items()}
            return cls(path, public, base64.b64decode(payload["private"]), int(payload["last"]))
        except (KeyError, TypeError, AttributeError, ValueError):
            # Nothing of the file's content may reach a log through the cause.
            raise CannotCompare(f"The key {path} is malformed.") from None

    def renew(self) -> None:
        """A new version, which signs from now on. What the earlier ones signed can still be compared with."""
        secret = Ed25519PrivateKey.generate()
        self.public[max(self.public) + 1] = secret.public_key().public_bytes_raw()
        self.private = secret.private_bytes_raw()

    def save(self) -> None:
        """Whole or not at all, for its owner only."""
        payload = {
            "format": KEY_FORMAT,
            "last": self.last,
            "public": {str(version): base64.b64encode(key).decode() for version, key in self.public.items()},
            "private": base64.b64encode(self.private).decode(),
        }
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self.path, (json.dumps(payload, indent=2) + "\n").encode())

    def sign(self, manifest: dict[str, Any]) -> dict[str, Any]:
        manifest = {**manifest, "key": max(self.public)}
        made = Ed25519PrivateKey.from_private_bytes(self.private).sign(rfc8785.dumps(manifest))
        return {**manifest, "signature": base64.b64encode(made).decode()}

    def refuse_unsigned(self, manifest: dict[str, Any], path: Path) -> None:
        """Raises CannotCompare."""
        unsigned = {name: value for name, value in manifest.items() if name != "signature"}
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public[int(manifest["key"])])
            key.verify(base64.b64decode(manifest["signature"]), rfc8785.dumps(unsigned))
        except (InvalidSignature, KeyError, TypeError, ValueError):
            raise CannotCompare(f"The list {path} is not signed by the key of this installation.") from None


@dataclass(frozen=True, slots=True)
class SignedHeads:
    """A list whose signature holds. Read in order, in little memory, or by chain."""

    path: Path
    number: int
    at: str
    chains: int
    entries: int

    def __iter__(self) -> Iterator[tuple[UUID, SignedEnd]]:
        with self.path.open("rb") as file:
            while record := file.read(RECORD):
                yield _unpacked(record)

    def of(self, chain: UUID) -> SignedEnd | None:
        with self.path.open("rb") as file:
            low, high = 0, self.chains
            while low < high:
                middle = (low + high) // 2
                file.seek(middle * RECORD)
                found, end = _unpacked(file.read(RECORD))
                if found == chain:
                    return end
                low, high = (middle + 1, high) if found < chain else (low, middle)
        return None


@dataclass(slots=True)
class Listing:
    """The list being written, chain after chain. It counts for nothing until `sign`."""

    file: IO[bytes]
    chains: int = 0
    entries: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, chain: UUID, position: int, hashed: bytes) -> None:
        record = chain.bytes + position.to_bytes(8, "big") + hashed
        self.file.write(record)
        self.digest.update(record)
        self.chains += 1
        self.entries += position


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where this installation keeps its lists, and the key that signs them."""

    folder: Path
    key_path: Path

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One verification at a time. Raises CannotCompare when another is running."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CannotCompare("Another verification is running.") from None
            yield

    def key(self) -> SigningKey | None:
        """None at the very first verification: there is neither key nor list. Raises CannotCompare."""
        try:
            return SigningKey.load(self.key_path)
        except FileNotFoundError:
            if self._numbers():
                raise CannotCompare(
                    f"There are lists in {self.folder} but no key at {self.key_path}: bring it back."
                ) from None
            return None

    def latest(self, key: SigningKey) -> SignedHeads | None:
        """The last list signed, None when none ever was. Raises CannotCompare when it is not there whole."""
        if key.last == 0:
            return None
        manifest_path = self._path(key.last, "json")
        try:
            manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            raise CannotCompare(
                f"The list {manifest_path} is missing or unreadable: bring it back, or accept what is there "
                "with --accept and the reason."
            ) from None
        key.refuse_unsigned(manifest, manifest_path)
        heads = SignedHeads(
            self._path(key.last, "bin"),
            manifest["number"],
            manifest["at"],
            manifest["chains"],
            manifest["entries"],
        )
        if manifest["number"] != key.last or _digest(heads.path) != manifest["sha256"]:
            raise CannotCompare(f"The list {heads.path} is not the one that was signed.")
        return heads

    @contextmanager
    def writing(self) -> Iterator[Listing]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.folder / "draft"
        try:
            with draft.open("wb") as file:
                yield Listing(file)
        finally:
            draft.unlink(missing_ok=True)

    def sign(self, listing: Listing, key: SigningKey, *, at: datetime, note: str = "") -> int:
        """Make the list the one that the next verification compares with. Its number."""
        number = key.last + 1
        listing.file.flush()
        os.fsync(listing.file.fileno())
        (self.folder / "draft").replace(self._path(number, "bin"))
        manifest = key.sign(
            {
                "format": LIST_FORMAT,
                "number": number,
                "at": at.isoformat(),
                "chains": listing.chains,
                "entries": listing.entries,
                "sha256": listing.digest.hexdigest(),
                "note": note,
            }
        )
        _write(self._path(number, "json"), (json.dumps(manifest, indent=2) + "\n").encode())
        key.last = number
        key.save()
        for old in self._numbers():
            if old <= number - LISTS_KEPT:
                for kind in ("bin", "json"):
                    self._path(old, kind).unlink(missing_ok=True)
        return number

    def _path(self, number: int, kind: str) -> Path:
        return self.folder / f"heads-{number:06}.{kind}"

    def _numbers(self) -> list[int]:
        names = (path.stem.removeprefix("heads-") for path in self.folder.glob("heads-*.json"))
        return sorted(int(name) for name in names if name.isdecimal())


def _unpacked(record: bytes) -> tuple[UUID, SignedEnd]:
    return UUID(bytes=record[:16]), SignedEnd(int.from_bytes(record[16:24], "big"), record[24:RECORD])


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
