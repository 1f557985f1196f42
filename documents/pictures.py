"""Images from outside: decoded, measured, and written anew, so that nothing else travels in them."""

import io
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

MOST_PIXELS = 40_000_000
WIDEST = 1600
FORMATS = ("PNG", "JPEG", "GIF")


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes
    media_type: str
    width: int
    height: int


def rewritten(content: bytes) -> Picture | None:
    """The same image in clean bytes; None when it is not one, or too large to be looked at."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            photograph = image.format == "JPEG"
            image.draft("RGB", (WIDEST, WIDEST))
            shown = image.convert("RGB" if photograph else "RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError):
        return None
    except Image.DecompressionBombError:
        return None
    shown.thumbnail((WIDEST, WIDEST * 4))
    written = io.BytesIO()
    if photograph:
        shown.save(written, "JPEG", quality=85)
    else:
        shown.save(written, "PNG")
    return Picture(written.getvalue(), "image/jpeg" if photograph else "image/png", shown.width, shown.height)
