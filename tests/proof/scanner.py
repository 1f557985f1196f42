"""Looks for planted secrets in bytes, in every way that a program may have written them.

A form is a way to write: UTF-8 and its cases, UTF-16, Latin-1, hexadecimal, base64 wherever it begins,
percent and JSON escapes, reversed, a number in its groups. What is compressed or encoded inside a file is
opened and searched too, one inside the other.
"""

import base64
import binascii
import bz2
import json
import lzma
import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

SHORTEST, SHORTEST_ENCODED = 6, 9  # bytes: less is found anywhere by chance
MOST_OPENED = 32 << 20
DEEPEST = 2
NIR_GROUPS = (1, 3, 5, 7, 10, 13)


@dataclass(frozen=True, slots=True)
class Secret:
    """Something planted: what it is, said without saying it, and its value."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a secret was found, and in which form. The secret itself is not repeated."""

    place: str
    kind: str
    form: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.place}, as {self.form}"


# Ways to write --------------------------------------------------------------------------------

Writing = Callable[[str], Iterable[bytes]]


def _base64(offset: int) -> Writing:
    """What stays the same of a base64 text, whatever comes before and after the secret."""

    def written(text: str) -> Iterator[bytes]:
        clear = text.encode()
        whole = base64.b64encode(b"\0" * offset + clear)
        first = (0, 2, 3)[offset]
        last = (offset + len(clear)) // 3 * 4
        stable = whole[first:last]
        yield stable
        yield stable.translate(bytes.maketrans(b"+/", b"-_"))

    return written


def _latin(text: str) -> Iterator[bytes]:
    try:
        yield text.encode("cp1252")
    except UnicodeEncodeError:
        return


def _escaped(text: str) -> Iterator[bytes]:
    """As Redis, psql and Python show bytes that are not ASCII."""
    yield "".join(chr(b) if b < 128 else f"\\x{b:02x}" for b in text.encode()).encode()
    yield "".join(chr(b) if b < 128 else f"\\{b:03o}" for b in text.encode()).encode()


WAYS: dict[str, Writing] = {
    "utf-8": lambda text: (text.encode(),),
    "utf-16-le": lambda text: (text.encode("utf-16-le"),),
    "utf-16-be": lambda text: (text.encode("utf-16-be"),),
    "latin-1": _latin,
    "hex": lambda text: (text.encode().hex().encode(), text.encode().hex().upper().encode()),
    "hex of utf-16": lambda text: (text.encode("utf-16-le").hex().encode(),),
    "base64": _base64(0),
    "base64 one byte in": _base64(1),
    "base64 two bytes in": _base64(2),
    "base32": lambda text: (base64.b32encode(text.encode())[: len(text.encode()) // 5 * 8],),
    "url": lambda text: (quote(text).encode(), quote_plus(text).encode()),
    "json": lambda text: (json.dumps(text)[1:-1].encode(),),
    "escaped": _escaped,
    "html": lambda text: (re.sub(r"[^\x00-\x7f]", lambda m: f"&#{ord(m[0])};", text).encode(),),
    "reversed": lambda text: (text.encode()[::-1],),
}


def _spellings(text: str) -> set[str]:
    """The same words as people and programs spell them: case, accents, blanks, groups of digits."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    found = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")} | {bare, text.replace("’", "'")}
    if re.fullmatch(r"[12]\d{2}\d{2}(\d{2}|2[AB])\d{6}(\d{2})?", text):
        thirteen = text[:13]
        groups = [thirteen[a:b] for a, b in zip((0, *NIR_GROUPS), NIR_GROUPS, strict=False)]
        found |= {thirteen} | {separator.join(groups) for separator in (" ", ".", "\u202f", "\u00a0")}
    elif re.fullmatch(r"0\d{9}", text):
        pairs = [text[i : i + 2] for i in range(0, 10, 2)]
        found |= {"+33" + text[1:]} | {separator.join(pairs) for separator in (" ", ".")}
    return found | {one.lower() for one in found} | {one.upper() for one in found}


def long_enough(form: str, needle: bytes) -> bool:
    return len(needle) >= (SHORTEST_ENCODED if form.startswith("base") else SHORTEST)


# Searching ------------------------------------------------------------------------------------


class Scanner:
    def __init__(self, secrets: Iterable[Secret]) -> None:
        self.secrets = tuple(secrets)
        self.forms: dict[bytes, tuple[Secret, str]] = {}
        for secret in self.secrets:
            for spelling in _spellings(secret.value):
                for form, written in WAYS.items():
                    for needle in written(spelling):
                        if long_enough(form, needle):
                            self.forms.setdefault(needle, (secret, form))
        self._pattern = re.compile(_one_of(self.forms), re.DOTALL)
        self.files = self.bytes = self.opened = 0

    def in_tree(self, *roots: Path, but: Iterable[Path] = ()) -> list[Hit]:
        spared = tuple(but)
        paths = [
            path
            for root in roots
            for path in ([root] if root.is_file() else sorted(root.rglob("*")))
            if path.is_file() and not any(one == path or one in path.parents for one in spared)
        ]
        return [hit for path in paths for hit in self.in_bytes(path.read_bytes(), path.name)]

    def in_bytes(self, data: bytes, place: str) -> list[Hit]:
        self.files += 1
        self.bytes += len(data)
        found: dict[tuple[str, str, str], Hit] = {}
        for how, layer in self._layers(data, DEEPEST):
            for match in self._pattern.finditer(layer):
                secret, form = self.forms[match[0]]
                named = f"{form}{how}"
                found.setdefault((secret.kind, secret.value, named), Hit(place, secret.kind, named))
        return list(found.values())

    def _layers(self, data: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
        yield "", data
        if not depth:
            return
        for name, inside in _opened(data):
            self.opened += 1
            for how, layer in self._layers(inside, depth - 1):
                yield f" in {name}{how}", layer


_COMPRESSED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]|BZh[1-9]1AY&SY|\xfd7zXZ\x00")
_ENCODED = {
    "hex": re.compile(rb"(?<![0-9a-fA-F])(?:[0-9a-f]{2}){24,}|(?:[0-9A-F]{2}){24,}"),
    "base64": re.compile(rb"[A-Za-z0-9+/_-]{40,}={0,2}"),
}


def _opened(data: bytes) -> Iterator[tuple[str, bytes]]:
    for match in _COMPRESSED.finditer(data):
        if (inside := _decompressed(data, match.start())) is not None:
            yield inside
    for match in _ENCODED["hex"].finditer(data):
        yield "hex", binascii.unhexlify(match[0])
    for match in _ENCODED["base64"].finditer(data):
        text = match[0].rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        yield "base64", binascii.a2b_base64(text[: len(text) // 4 * 4])


def _decompressed(data: bytes, at: int) -> tuple[str, bytes] | None:
    ways: dict[str, Callable[[bytes], bytes]] = {
        "gzip or zlib": lambda some: zlib.decompressobj(47).decompress(some, MOST_OPENED),
        "bzip2": lambda some: bz2.BZ2Decompressor().decompress(some, MOST_OPENED),
        "xz": lambda some: lzma.LZMADecompressor().decompress(some, MOST_OPENED),
    }
    name = {0x1F: "gzip or zlib", 0x78: "gzip or zlib", 0x42: "bzip2", 0xFD: "xz"}[data[at]]
    try:
        clear = ways[name](data[at : at + MOST_OPENED])
    except (zlib.error, OSError, lzma.LZMAError, EOFError):
        return None
    return (name, clear) if len(clear) >= SHORTEST else None


def _one_of(needles: Iterable[bytes]) -> bytes:
    """One pattern for all, as a tree: each byte is looked at about once, however many they are."""
    return _branch(sorted(needles), 0)


def _branch(needles: list[bytes], depth: int) -> bytes:
    if len(needles) == 1:
        return re.escape(needles[0][depth:])
    by_first: dict[int, list[bytes]] = defaultdict(list)
    ends = False
    for needle in needles:
        if len(needle) == depth:
            ends = True
        else:
            by_first[needle[depth]].append(needle)
    branches = [re.escape(bytes([first])) + _branch(some, depth + 1) for first, some in by_first.items()]
    whole = b"(?:" + b"|".join(branches) + b")"
    return whole + b"?" if ends else whole


# Proving that it finds --------------------------------------------------------------------------

CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "bare": lambda clear: clear,
    "gzip": lambda clear: zlib.compress(clear, wbits=31),
    "zlib": lambda clear: zlib.compress(clear),
    "zlib, fast": lambda clear: zlib.compress(clear, 1),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zlib in hex": lambda clear: zlib.compress(clear).hex().encode(),
    "gzip in base64": lambda clear: base64.b64encode(zlib.compress(clear, wbits=31)),
    "json in base64 in zlib": lambda clear: zlib.compress(base64.b64encode(b'{"value": "' + clear + b'"}')),
}


def self_test(secrets: Iterable[Secret], noise: Callable[[int], bytes]) -> tuple[int, int, list[str]]:
    """Plant each secret, written each way, in each container: (planted, found, what was missed)."""
    planted, missed = 0, []
    for secret in secrets:
        scanner = Scanner([secret])
        for form, written in WAYS.items():
            for needle in written(secret.value):
                if not long_enough(form, needle):
                    continue
                for container, wrap in CONTAINERS.items():
                    planted += 1
                    data = noise(300) + b" " + wrap(noise(40) + needle + noise(40)) + b" " + noise(300)
                    if not scanner.in_bytes(data, "plant"):
                        missed.append(f"{secret.kind}, {form}, {container}")
    return planted, planted - len(missed), missed
