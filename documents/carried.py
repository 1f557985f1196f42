"""What travels inside a CDA document, as HL7's encapsulated data (ED): bytes, text, or the name of a file.

Pure. The bytes are believed rather than what is said of them: `%PDF-` makes a PDF, whatever its media type.
"""

import binascii
import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

PDF = "application/pdf"
TEXT = "text/plain"
MOST_BYTES = 40_000_000  # of one thing, once it is inflated
GZIP, ZIP = b"\x1f\x8b\x08", b"PK\x03\x04"
PACKED = (GZIP, ZIP)
NO_LETTER = re.compile("[^A-Za-z0-9+/]+")
NO_PART_OF_A_NAME = re.compile("[^a-z0-9]+")
DATA_URL = re.compile(r"\A\s*data:[^,]{0,200},")
OTHER_ALPHABET = str.maketrans("-_", "+/")
IMAGES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
# Those that a document may name; what an 8859-1 text has where that table has none is of Windows.
CHARSETS = {
    "utf8": "utf-8", "usascii": "utf-8", "ascii": "utf-8",
    "iso88591": "cp1252", "latin1": "cp1252", "windows1252": "cp1252", "cp1252": "cp1252",
    "iso885915": "iso-8859-15", "latin9": "iso-8859-15", "latin0": "iso-8859-15",
    "utf16": "utf-16", "utf16le": "utf-16-le", "utf16be": "utf-16-be",
    "macintosh": "mac-roman", "macroman": "mac-roman", "cp850": "cp850", "ibm850": "cp850",
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
    charset = attributes.get("charset", "") or parameters.lower().partition("charset=")[2].partition(";")[0]
    charset = NO_PART_OF_A_NAME.sub("", charset.lower())
    media_type = told.strip().lower()
    content: bytes | None = None
    if attributes.get("representation", "TXT").strip().upper() == "B64":
        content = _inflated(_from_any_base64(text), attributes.get("compression", "").strip().upper())
    elif (hidden := _from_base64(text)) and (_kind(hidden) or not media_type.startswith("text/")):
        content = hidden  # base64 that does not say so
    elif text.strip():
        content, charset = text.encode(), "utf8"
    if not content:
        return Media(media_type, None, reference=reference)
    return Media(_kind(content) or media_type, content, charset)


def decoded(content: bytes, charset: str) -> str:
    """The words of a text. Raises nothing: whatever the bytes are, Windows has a letter for nearly all.

    Bytes that can hardly be anything else (a mark of order, letters of UTF-8) are believed before the charset
    told, which is often the one of the software's forms.
    """
    told = CHARSETS.get(charset, "")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        told = "utf-16"
    elif told == "utf-16" or (not told and b"\0" in content):
        told = "utf-16-be" if content[::2].count(0) > content[1::2].count(0) else "utf-16-le"
    several_bytes = told.startswith("utf-16")
    for known in ("" if several_bytes else "utf-8", told, "utf-8", "cp1252"):
        try:
            if known:
                return content.decode(known).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _kind(content: bytes) -> str:
    """What the bytes themselves say they are; empty when they do not."""
    kind = next((kind for start, kind in IMAGES.items() if content.startswith(start)), "")
    return kind or (PDF if b"%PDF-" in content[:1024] and not content.startswith(PACKED) else "")


def _from_base64(text: str) -> bytes | None:
    """The bytes of a text that is nothing but base64."""
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except ValueError:
        return None


def _from_any_base64(text: str) -> bytes | None:
    """The bytes of what is said to be base64, in either of its alphabets, whatever stands between its letters
    and however its end is missing."""
    if text.isascii() and not any(sign in text for sign in "-_,"):  # nearly all
        with suppress(ValueError):
            return binascii.a2b_base64(text)
    letters = NO_LETTER.sub("", DATA_URL.sub("", text).translate(OTHER_ALPHABET))
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(letters + "=" * (-len(letters) % 4)) or None


def _inflated(content: bytes | None, compression: str) -> bytes | None:
    if content and not compression and content.startswith(GZIP):
        compression = "GZ"
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
