"""Where a request comes from: what proxies of ours saw, never what the client claims."""

import pytest
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import RequestFactory

from accounts.browsers import KNOWN_FOR, address_of, browser_of, give_secret, network_of

PROXY, CLIENT, CLAIMED = "10.0.0.2", "203.0.113.7", "198.51.100.1"


def request(forwarded: str | None = None, **cookies):
    headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    made = RequestFactory().get("/", headers=headers, REMOTE_ADDR=PROXY)
    made.COOKIES.update(cookies)
    return made


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, None, PROXY),
        (0, CLAIMED, PROXY),  # nobody of ours wrote it
        (1, CLIENT, CLIENT),
        (1, f"{CLAIMED}, {CLIENT}", CLIENT),
        (1, f"{CLAIMED},{CLAIMED},  {CLIENT} ", CLIENT),
        (2, f"{CLAIMED}, {CLIENT}, 10.0.0.1", CLIENT),
        (2, f"{CLIENT}, 10.0.0.1", CLIENT),
        (2, CLAIMED, PROXY),  # it came by a shorter way than ours
        (1, None, PROXY),
        (1, "", PROXY),
        (1, f"{CLIENT}, ", PROXY),
    ],
)
def test_the_address_is_the_one_our_outermost_proxy_saw(settings, hops, forwarded, address):
    settings.DMP_TRUSTED_PROXIES = hops

    assert address_of(request(forwarded)) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.10", "192.0.2.10/32"),
        ("::ffff:192.0.2.10", "192.0.2.10/32"),
        ("2001:db8:1:2:3::1", "2001:db8:1::/56"),
        ("2001:db8:1:2f:9::9", "2001:db8:1::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("", "unknown"),
        ("192.0.2.10:443", "unknown"),
        ("é" * 5000, "unknown"),
    ],
)
def test_the_addresses_of_one_home_are_one_network(address, network):
    assert network_of(address) == network


def test_a_browser_keeps_its_secret_until_it_is_closed():
    asked, answer = request(), HttpResponse()

    secret = browser_of(asked).secret
    give_secret(asked, answer)

    cookie = answer.cookies[django_settings.DMP_BROWSER_COOKIE_NAME]
    assert cookie.value == secret
    assert (cookie["max-age"], cookie["path"], cookie["domain"]) == ("", "/", "")
    assert cookie["httponly"]
    again, second = request(**{django_settings.DMP_BROWSER_COOKIE_NAME: secret}), HttpResponse()
    assert browser_of(again).secret == secret
    give_secret(again, second)
    assert not second.cookies


@pytest.mark.parametrize("sent", ["", "short", "x" * 44, "é" * 43, "a b" * 15, "x" * 100_000])
def test_a_secret_that_is_none_of_ours_is_replaced(sent):
    asked, answer = request(**{django_settings.DMP_BROWSER_COOKIE_NAME: sent}), HttpResponse()

    secret = browser_of(asked).secret
    give_secret(asked, answer)

    assert len(secret) == 43
    assert secret != sent
    assert answer.cookies[django_settings.DMP_BROWSER_COOKIE_NAME].value == secret


def test_a_page_that_asks_nothing_of_the_browser_gives_it_nothing():
    answer = HttpResponse()

    give_secret(request(), answer)

    assert not answer.cookies
    assert KNOWN_FOR.days == 180
