"""What is printed of an opening: secrets in signs that nobody mistakes, and an address to aim at."""

from dataclasses import dataclass
from functools import cache

import segno
from django.utils.safestring import SafeString, mark_safe

from dossiers.counter import AccessSheet


@dataclass(frozen=True, slots=True)
class Printed:
    address: str
    square: SafeString
    reached: str  # where the codes arrive, as one says it


def printed(sheet: AccessSheet, address: str) -> Printed | None:
    """The address as one types it and as one aims at it: never the login, never the password.

    Nothing for a dossier without access on the web.
    """
    if sheet.login is None:
        return None
    mask = sheet.contact_mask or ""
    return Printed(
        address=address.partition("://")[2].rstrip("/"),
        square=_square(address),
        reached=f"par courriel à {mask}" if "@" in mask else f"par SMS au {mask}",
    )


@cache
def _square(address: str) -> SafeString:
    """The address as a square code: the same on every sheet, drawn once."""
    drawn = segno.make(address, error="m", micro=False).svg_inline(
        scale=4, border=2, svgclass="qr", lineclass=None, omitsize=True
    )
    return mark_safe(drawn)  # noqa: S308 - drawn by segno from an address of ours
