"""What is printed of a visit: secrets in signs that nobody mistakes, an address, what is awaited."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import segno
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from access.waking import Waking
from accounts.paris import paris_day
from dossiers.counter import AccessSheet
from dossiers.waking import SECOND_VISIT_AFTER, letter_arrives_by
from portal.civility import civility
from portal.names import soft

TEMPLATES = {
    Waking.NOTHING: "counter/sheets/awake.html",
    Waking.FIRST_CODE: "counter/sheets/first_code.html",
    Waking.WAKE_CODE: "counter/sheets/wake_code.html",
    Waking.LETTER: "counter/sheets/letter.html",
    Waking.INSURER: "counter/sheets/silence.html",
    Waking.SECOND_VISIT: "counter/sheets/second_visit.html",
    Waking.NO_ACCESS: "counter/sheets/no_access.html",
}
PRINTED_PASSWORD_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What the paper says besides the visit itself. `address` and `square` never hold a secret."""

    template: str
    called: str  # « Madame Kaddouri »
    address: str
    square: SafeString
    reached: str  # where the codes of every day arrive, as one says it
    code_goes_to: str  # where the nine digits go
    until: date  # the last day of the printed password
    letter_by: date
    second_visit_from: date
    help_phone: str  # of the operator; nothing is printed without


def printed(sheet: AccessSheet, address: str) -> Printed:
    """The words of one sheet, for the address of the sign-in page."""
    day = paris_day(sheet.opened_at)
    waking = Waking.NO_ACCESS if sheet.login is None and not _waits(sheet) else sheet.waking
    return Printed(
        template="counter/sheets/woken.html" if _woken(sheet) else TEMPLATES[waking],
        called=_called(sheet),
        address=address.partition("://")[2].rstrip("/"),
        square=_square(address),
        reached=_by(*sheet.reached) if sheet.reached else "",
        code_goes_to=_by(*sheet.code_goes_to) if sheet.code_goes_to else "",
        until=day + timedelta(days=PRINTED_PASSWORD_DAYS),
        letter_by=letter_arrives_by(day),
        second_visit_from=sheet.opened_at + SECOND_VISIT_AFTER,
        help_phone=settings.DMP_HELP_PHONE,
    )


def _waits(sheet: AccessSheet) -> bool:
    return sheet.waking is Waking.SECOND_VISIT or _woken(sheet)


def _woken(sheet: AccessSheet) -> bool:
    """An access made before, that this visit woke: its own sheet still serves."""
    return sheet.waking is Waking.NOTHING and sheet.login is None


def _called(sheet: AccessSheet) -> str:
    if sheet.minor:
        return soft(f"{sheet.given_name} {sheet.used_name or sheet.birth_name}".strip())
    person = civility(sheet)
    name = soft(sheet.used_name or sheet.birth_name)
    return f"{'Madame' if person.agreement else 'Monsieur'} {name}"


def _by(channel: str, mask: str) -> str:
    return f"par e-mail à {mask}" if channel == "courriel" else f"par SMS au {mask}"


@cache
def _square(address: str) -> SafeString:
    """The address as a square code: the same on every sheet, drawn once."""
    drawn = segno.make(address, error="m", micro=False).svg_inline(
        scale=4, border=2, svgclass="qr", lineclass=None, omitsize=True
    )
    return mark_safe(drawn)  # noqa: S308 - drawn by segno from an address of ours
