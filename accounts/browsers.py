"""Whose browser asks: the network it calls from, and the secret that tells it from every other.

A browser that has already signed somebody in, with both factors, is known for that login: whatever strangers
try elsewhere, it is not slowed. Knowing a browser proves nothing about who uses it: it is never a factor.
"""

import ipaddress
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponseBase

from vault import blind

KNOWN_FOR = timedelta(days=180)
KNOWN_AT_MOST = 5  # browsers of one account: the sixth takes the place of the one seen longest ago
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a request comes from, as far as it can be told. Neither is ever kept in clear."""

    network: str
    secret: str


def browser_of(request: HttpRequest) -> Browser:
    """The browser that sends this request; one that had no secret is given one with the answer."""
    if (browser := getattr(request, "browser", None)) is not None:
        return browser
    found = request.COOKIES.get(settings.DMP_BROWSER_COOKIE_NAME, "")
    known = bool(_SECRET.fullmatch(found))
    browser = Browser(network_of(address_of(request)), found if known else secrets.token_urlsafe(32))
    request.browser, request.browser_secret_lasts = browser, None if known else timedelta(0)
    return browser


def give_secret(request: HttpRequest, response: HttpResponseBase) -> None:
    """Put the browser's secret in the answer: until it is closed, or for long once somebody has signed in."""
    if (lasts := getattr(request, "browser_secret_lasts", None)) is None:
        return
    response.set_cookie(
        settings.DMP_BROWSER_COOKIE_NAME,
        request.browser.secret,
        max_age=lasts or None,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def last(request: HttpRequest, time: timedelta) -> None:
    """Have the browser keep its secret for that time at least."""
    browser_of(request)
    lasts = getattr(request, "browser_secret_lasts", None) or timedelta(0)
    request.browser_secret_lasts = max(lasts, time)


def binding(request: HttpRequest, purpose: str) -> str:
    """What ties a value to this browser: copied into another, it is worth nothing."""
    return blind.keyed_mac(f"browser.{purpose}", browser_of(request).secret.encode()).hex()


# Addresses ------------------------------------------------------------------------------------


def address_of(request: HttpRequest) -> str:
    """The address a request comes from: with `DMP_TRUSTED_PROXIES` proxies of ours in front, the one that the
    outermost of them saw. What stands further left in X-Forwarded-For is what the client claims."""
    nearest: str = request.META.get("REMOTE_ADDR", "")
    if not (hops := settings.DMP_TRUSTED_PROXIES):
        return nearest
    seen = [address.strip() for address in request.headers.get("X-Forwarded-For", "").split(",")]
    return seen[-hops] if len(seen) >= hops and seen[-hops] else nearest


def network_of(address: str) -> str:
    """The network an address belongs to: one home has many addresses of IPv6."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if found.version == 6 and found.ipv4_mapped:
        found = found.ipv4_mapped
    prefix = 32 if found.version == 4 else 56
    return str(ipaddress.ip_network((found, prefix), strict=False))


# Known browsers -------------------------------------------------------------------------------


def is_known(login: str, browser: Browser, *, at: datetime) -> bool:
    """Whether somebody has signed in under this (normalised) login from this browser. The same work whether
    the login exists or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM accounts_knownbrowser WHERE browser_mac = %s::bytea AND until > %s::timestamptz",
            [known_mac(login, browser), at],
        )
        return cursor.fetchone() is not None


def remember(user_id: UUID, login: str, request: HttpRequest, *, at: datetime) -> None:
    """This login has just signed in from this browser, with both factors."""
    browser = browser_of(request)
    last(request, KNOWN_FOR)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_knownbrowser (browser_mac, user_id, seen_at, until)
            VALUES (%s::bytea, %s::uuid, %s::timestamptz, %s::timestamptz)
            ON CONFLICT (browser_mac) DO UPDATE SET seen_at = excluded.seen_at, until = excluded.until
            """,
            [known_mac(login, browser), user_id, at, at + KNOWN_FOR],
        )
        cursor.execute(
            "DELETE FROM accounts_knownbrowser WHERE browser_mac IN (SELECT browser_mac"
            " FROM accounts_knownbrowser WHERE user_id = %s::uuid ORDER BY seen_at DESC OFFSET %s)",
            [user_id, KNOWN_AT_MOST],
        )


def forget_old(*, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_knownbrowser WHERE until <= %s::timestamptz", [at])


def known_mac(login: str, browser: Browser) -> bytes:
    return blind.keyed_mac("browser", f"{browser.secret}|{login}".encode())
