"""The only way in for XML that somebody else wrote.

One expat pass that refuses what has no place in a health document (DOCTYPE, entities) and whatever would
exhaust the machine, while handing elements and text to the caller: what is read has been guarded, and
nothing is read twice. Processing instructions are ignored, never followed: real CDA files carry
`<?xml-stylesheet?>`. No tree is built; a caller keeps what it wants.

Namespaces are resolved here and not by expat, whose own expansion of a long namespace over many attributes
costs gigabytes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Never
from xml.parsers import expat

CHUNK = 1 << 16
ENCODINGS = frozenset({"utf-8", "utf-16", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})
HL7 = "urn:hl7-org:v3"

Start = Callable[[str, Mapping[str, str]], bool | None]
End = Callable[[str], None]
Text = Callable[[str], None]


class Rejected(ValueError):
    """The file is refused. `code` is stable and says why; nothing of the content is repeated."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a health document never exceeds. Real ones: 20 levels, 4 000 elements, 3 MB, logos of 10 kB in
    the attributes of the style sheet they travel in."""

    bytes: int = 20 << 20
    depth: int = 64
    elements: int = 200_000
    attributes: int = 64
    attributes_in_all: int = 400_000
    attribute_length: int = 1 << 16
    token: int = 1 << 20  # a tag, a comment or an instruction
    text: int = 20 << 20
    prefixes: int = 64
    declarations: int = 20_000  # elements that declare a prefix
    namespace_length: int = 256


LIMITS = Limits()


def parse(
    data: bytes,
    *,
    start: Start | None = None,
    end: End | None = None,
    text: Text | None = None,
    limits: Limits = LIMITS,
) -> None:
    """Read `data` once, calling back for each element and each run of text, or raise Rejected.

    Element names of the HL7 v3 namespace come bare (`section`), others in braces (`{uri}name`, `{}name`
    without a namespace). Attributes come as written, declarations of namespaces included. Text comes in
    pieces: join them. What a callback raises leaves unchanged and stops the reading.

    When `start` answers True the element is passed over: nothing of what it holds is told, nor its end. It is
    counted all the same.
    """
    if len(data) > limits.bytes:
        raise Rejected("xml.too_large")
    data = _BEFORE.sub(b"", data, count=1)
    parser = expat.ParserCreate(_encoding(data))
    parser.buffer_text = True
    parser.XmlDeclHandler = _known_encoding
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.EntityDeclHandler = _no_doctype
    parser.UnparsedEntityDeclHandler = _no_doctype
    parser.ExternalEntityRefHandler = _no_doctype
    _Guard(parser, limits, start, end, text).listen()
    try:
        for offset in range(0, len(data), CHUNK):
            parser.Parse(data[offset : offset + CHUNK], False)
            if offset - parser.CurrentByteIndex > limits.token:  # still unfinished: do not scan it again
                raise Rejected("xml.token_too_long")
        parser.Parse(b"", True)
    except expat.ExpatError:
        raise Rejected("xml.malformed") from None


class _Guard:
    """Counts what passes and resolves names on the way to the caller."""

    def __init__(
        self,
        parser: expat.XMLParserType,
        limits: Limits,
        start: Start | None,
        end: End | None,
        text: Text | None,
    ) -> None:
        self.parser, self.limits = parser, limits
        self.start, self.end, self.text = start, end, text
        self.elements = self.attributes = self.characters = self.declarations = self.unheard = 0
        self.names: list[str] = []
        self.scopes: list[tuple[int, _Scope]] = []
        self.scope = _Scope({"": "", "xml": "http://www.w3.org/XML/1998/namespace"})

    def listen(self) -> None:
        self.parser.StartElementHandler = self.opened
        self.parser.EndElementHandler = self.closed
        self.parser.CharacterDataHandler = self.said

    def pass_over(self) -> None:
        self.unheard = 1
        self.parser.StartElementHandler = self.opened_unheard
        self.parser.EndElementHandler = self.closed_unheard
        self.parser.CharacterDataHandler = None

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if self.elements > self.limits.elements:
            raise Rejected("xml.too_many_elements")
        if len(self.names) >= self.limits.depth:
            raise Rejected("xml.too_deep")
        if attributes:
            self.weigh(attributes)
            self.declare(attributes)
        resolved = self.scope.known.get(name) or self.scope.resolve(name)
        self.names.append(resolved)
        if self.start and self.start(resolved, attributes):
            self.pass_over()

    def opened_unheard(self, _: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        self.unheard += 1
        if self.elements > self.limits.elements:
            raise Rejected("xml.too_many_elements")
        if len(self.names) + self.unheard > self.limits.depth + 1:
            raise Rejected("xml.too_deep")
        if attributes:
            self.weigh(attributes)

    def weigh(self, attributes: dict[str, str]) -> None:
        limits, count = self.limits, len(attributes)
        self.attributes += count
        if count > limits.attributes or self.attributes > limits.attributes_in_all:
            raise Rejected("xml.too_many_attributes")
        for value in attributes.values():
            if len(value) > limits.attribute_length:
                raise Rejected("xml.attribute_too_long")

    def declare(self, attributes: dict[str, str]) -> None:
        declared = {
            name[6:]: value
            for name, value in attributes.items()
            if name.startswith("xmlns") and (name == "xmlns" or name[5] == ":")
        }
        if not declared:
            return
        prefixes = self.scope.prefixes | declared
        self.declarations += 1
        if self.declarations > self.limits.declarations or len(prefixes) > self.limits.prefixes:
            raise Rejected("xml.namespace")
        if max(map(len, declared.values())) > self.limits.namespace_length:
            raise Rejected("xml.namespace")
        self.scopes.append((len(self.names), self.scope))
        self.scope = _Scope(prefixes)

    def closed(self, _: str) -> None:
        name = self.names.pop()
        if self.end:
            self.end(name)
        if self.scopes and self.scopes[-1][0] == len(self.names):
            self.scope = self.scopes.pop()[1]

    def closed_unheard(self, _: str) -> None:
        self.unheard -= 1
        if not self.unheard:
            self.listen()
            self.names.pop()
            if self.scopes and self.scopes[-1][0] == len(self.names):
                self.scope = self.scopes.pop()[1]

    def said(self, text: str) -> None:
        self.characters += len(text)
        if self.characters > self.limits.text:
            raise Rejected("xml.too_much_text")
        if self.text:
            self.text(text)


class _Scope:
    """The prefixes in force, and the names already resolved under them."""

    __slots__ = ("known", "prefixes")

    def __init__(self, prefixes: dict[str, str]) -> None:
        self.prefixes = prefixes
        self.known: dict[str, str] = {}

    def resolve(self, name: str) -> str:
        prefix, colon, local = name.rpartition(":")
        namespace = self.prefixes.get(prefix)
        if namespace is None or (colon and not (prefix and local)):
            raise Rejected("xml.namespace")
        resolved = self.known[name] = local if namespace == HL7 else f"{{{namespace}}}{local}"
        return resolved


def _encoding(data: bytes) -> str | None:
    """The encoding that the bytes are in, where it is not the one declared: many declare the Latin-1 of their
    software's forms and write UTF-8, or the letters that Windows has beside it (œ, €, ’); others the UTF-16
    in which their software held the text. None to believe what is declared."""
    for start, wide in _WIDE.items():
        if data.startswith(start):
            return wide
    match = _DECLARED.match(data)
    if match is None:
        return None
    declared = match[1].decode().lower()
    meant = _ALIASES.get(declared, declared)
    if meant == "utf-16":  # what declares it would not read so far, were it true
        return "utf-8"
    if meant in _LATIN and not data.isascii():
        if _is_utf_8(data):
            return "utf-8"
        if meant == "iso-8859-1" and _OF_WINDOWS.search(data) and not _OF_NOBODY.search(data):
            return "windows-1252"
    return meant if meant != declared else None


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


# Blank lines, and the mark of UTF-8, that some software leaves before the declaration.
_BEFORE = re.compile(rb"\A(?:\xef\xbb\xbf|[ \t\r\n])+(?=<)")
# How text of two bytes a letter begins, whatever it declares.
_WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16le", b"\0<": "utf-16be"}
_DECLARED = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
# Other names that they go by.
_ALIASES = {
    **dict.fromkeys(("utf8", "utf_8"), "utf-8"),
    **dict.fromkeys(("utf16", "utf_16", "utf-16le", "utf-16be", "unicode", "ucs-2"), "utf-16"),
    **dict.fromkeys(("cp1252", "cp-1252", "windows1252", "win-1252", "x-cp1252"), "windows-1252"),
    **dict.fromkeys(("latin1", "latin-1", "iso8859-1", "iso_8859-1", "iso88591"), "iso-8859-1"),
    **dict.fromkeys(("latin9", "latin-9", "iso8859-15", "iso_8859-15"), "iso-8859-15"),
    "ascii": "us-ascii",
}
_LATIN = frozenset({"iso-8859-1", "iso-8859-15", "windows-1252", "us-ascii"})
_OF_WINDOWS, _OF_NOBODY = re.compile(rb"[\x80-\x84\x86-\x9f]"), re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


def _known_encoding(_version: str, encoding: str | None, _standalone: int) -> None:
    declared = (encoding or "utf-8").lower()
    if _ALIASES.get(declared, declared) not in ENCODINGS:
        raise Rejected("xml.encoding")


def _no_doctype(*_: object) -> Never:
    raise Rejected("xml.doctype")
