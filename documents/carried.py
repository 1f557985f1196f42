"""What travels inside a CDA document, as HL7's encapsulated data (ED): bytes, text, or the name of a file.

Pure. The bytes are believed rather than what is said of them: `%PDF-` makes a PDF, whatever its media type.
"""

import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

PDF = "application/pdf"
TEXT = "text/plain"
MOST_BYTES = 40_000_000  # of one thing, once it is inflated
IMAGES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
# Those that a document may name; what an 8859-1 text has where that table has none is of Windows.
CHARSETS = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8", "ascii": "utf-8",
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252",
    "windows-1252": "cp1252", "cp1252": "cp1252", "iso-8859-15": "iso-8859-15", "latin-9": "iso-8859-15",
    "utf-16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
}  # fmt: skip
WINDOWS = {"DF": -zlib.MAX_WBITS, "ZL": zlib.MAX_WBITS, "GZ": 16 + zlib.MAX_WBITS}


@dataclass(frozen=True, slots=True)
class Media:
    """Something carried. `content` is None when it is not there (`reference` names it, perhaps), or cannot
    be decoded."""

    media_type: str
    content: bytes | None
    charset: str = ""
    reference: str = ""

    def text(self) -> str:
        """Its words: in the charset told, else in strict UTF-8, else as Windows wrote in France."""
        return decoded(self.content or b"", self.charset)


def media(text: str, attributes: Mapping[str, str], reference: str = "") -> Media:
    """What an element of that text and those attributes carries."""
    told, _, parameters = attributes.get("mediaType", "").partition(";")
    charset = attributes.get("charset", "") or parameters.partition("charset=")[2]
    charset = charset.strip(" \"'").lower()
    media_type = told.strip().lower()
    content: bytes | None = None
    if attributes.get("representation", "TXT").strip().upper() == "B64":
        content = _inflated(_from_base64(text), attributes.get("compression", "").strip().upper())
    elif (hidden := _from_base64(text, strict=True)) and (
        _kind(hidden) or not media_type.startswith("text/")
    ):
        content = hidden  # base64 that does not say so
    elif text.strip():
        content, charset = text.encode(), "utf-8"
    if not content:
        return Media(media_type, None, reference=reference)
    return Media(_kind(content) or media_type, content, charset)


def decoded(content: bytes, charset: str) -> str:
    """The words of a text. Raises nothing: whatever the bytes are, Windows has a letter for nearly all."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        charset = "utf-16"
    for known in (CHARSETS.get(charset, ""), "utf-8", "cp1252"):
        try:
            if known:
                return content.decode(known).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _kind(content: bytes) -> str:
    """What the bytes themselves say they are; empty when they do not."""
    if b"%PDF-" in content[:1024]:
        return PDF
    return next((kind for start, kind in IMAGES.items() if content.startswith(start)), "")


def _from_base64(text: str, *, strict: bool = False) -> bytes | None:
    try:
        return binascii.a2b_base64("".join(text.split()) if strict else text, strict_mode=strict)
    except ValueError:
        return None


def _inflated(content: bytes | None, compression: str) -> bytes | None:
    if not content or not compression:
        return content
    if compression not in WINDOWS:
        return content if _kind(content) else None
    for window in dict.fromkeys((WINDOWS[compression], *WINDOWS.values())):
        inflating = zlib.decompressobj(window)
        try:
            inflated = inflating.decompress(content, MOST_BYTES)
        except zlib.error:
            continue
        return inflated if inflating.eof else None
    return content if _kind(content) else None
