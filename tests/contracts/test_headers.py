"""What every answer says to browsers, whoever gives it: the application, its files, the front, `/healthz`."""

import json
import os
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from dmp import doors, headers
from dmp.front import pages
from dmp.front.application import Front

pytestmark = pytest.mark.django_db

EVERY = {name for name, _ in headers.of_every_answer()} | {"X-Request-ID"}
FORM = "application/x-www-form-urlencoded"


def browser():
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


ASKED = {
    "a page": lambda: browser().get("/"),
    "a page with a form": lambda: browser().get(reverse("public:sign_in")),
    "the door of professionals": lambda: browser().get(reverse("professional:sign_in")),
    "a space": lambda: browser().get(reverse("patient:home")),
    "a page that is not there": lambda: browser().get("/nulle-part/"),
    "an address without its slash": lambda: browser().get("/connexion"),
    "a page sent from elsewhere": lambda: browser().post(reverse("public:sign_in"), {}),
    "another verb": lambda: browser().delete("/oauth/token"),
    "what a program may ask": lambda: browser().options("/oauth/token"),
    "another host": lambda: browser().get("/", HTTP_HOST="evil.example"),
    "a program without a token": lambda: browser().get("/api/whoami"),
    "a body that is none": lambda: browser().post("/oauth/token", "{}", content_type="application/json"),
    "too many fields": lambda: browser().post("/oauth/token", "a=&" * 300, content_type=FORM),
    "a style sheet": lambda: browser().get("/static/css/base.css"),
    "a script": lambda: browser().get("/static/js/session.js"),
    "a file asked with another verb": lambda: browser().post("/static/css/base.css"),
    "whether it is ready": lambda: browser().get("/readyz"),
    "whether it is alive": lambda: browser().get("/healthz"),
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_each_answer_says_all_of_it(asked):
    answer = asked()

    assert EVERY - set(answer.headers) == set()
    assert "Server" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers
    said_in = answer.get("Content-Type", "")
    assert "utf-8" in said_in or not said_in.startswith("text/")
    if answer.cookies:
        assert "no-store" in answer["Cache-Control"]
    answer.close()


def test_closed_doors_say_all_of_it_too(monkeypatch):
    monkeypatch.setattr(doors, "_are_shut", lambda: True)

    answer = browser().get("/")

    assert answer.status_code == 503
    assert EVERY - set(answer.headers) == set()


@pytest.mark.parametrize("status", [400, 408, 413, 500, 503])
def test_a_refusal_of_the_front_says_all_of_it_and_is_found_by_its_reference(status, capsys):
    said, body = pages.page("/connexion/", status)

    told = dict(said)
    assert set(headers.of_every_answer()) <= set(said)
    assert len(told) == len(said)
    assert told["Content-Type"] == "text/html; charset=utf-8"
    assert told["X-Request-ID"] in body.decode()
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["request"], line["status"], line["route"]) == (told["X-Request-ID"], status, "none")


def test_the_process_that_is_alive_says_all_of_it():
    said = dict(Front(lambda *_: [], always=pages.ALWAYS)._alive)

    assert set(headers.of_every_answer()) <= set(said.items())
    assert said["content-type"] == "text/plain; charset=utf-8"


def test_no_document_of_ours_runs_what_is_not_ours():
    policy = dict(headers.of_every_answer())["Content-Security-Policy"]
    rules = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))

    assert rules["default-src"] == rules["object-src"] == rules["base-uri"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert "unsafe" not in policy


# Behind TLS -----------------------------------------------------------------------------------

READ_BEHIND_TLS = """
import json
from django.conf import settings
import django
django.setup()
from dmp import headers
print(json.dumps({
    "always": dict(headers.of_every_answer()),
    "names": [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.DMP_BROWSER_COOKIE_NAME,
              settings.DMP_OPENING_COOKIE_NAME],
    "secure": [settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE],
}))
"""


@pytest.fixture(scope="module")
def behind_tls():
    """What the settings become where people come by https."""
    given = os.environ | {"DMP_BASE_URL": "https://dmp.example", "DJANGO_SETTINGS_MODULE": "dmp.settings"}
    command = [sys.executable, "-c", READ_BEHIND_TLS]
    told = subprocess.run(command, env=given, cwd=settings.BASE_DIR, capture_output=True, check=True)
    return json.loads(told.stdout)


def test_behind_tls_two_years_of_it_are_asked_for_everywhere(behind_tls):
    assert behind_tls["always"]["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    caddy = (settings.BASE_DIR / "deploy" / "Caddyfile").read_text()
    assert 'header Strict-Transport-Security "max-age=63072000; includeSubDomains"' in caddy


def test_behind_tls_every_cookie_is_this_hosts_alone(behind_tls):
    assert all(name.startswith("__Host-") for name in behind_tls["names"])
    assert behind_tls["secure"] == [True, True]


def test_every_cookie_that_is_given_is_one_of_those():
    """`__Host-` is refused by browsers with a domain, or on another path."""
    given = {}
    for asked in ASKED.values():
        answer = asked()
        given |= answer.cookies
        answer.close()
    known = {
        settings.SESSION_COOKIE_NAME,
        settings.CSRF_COOKIE_NAME,
        settings.DMP_BROWSER_COOKIE_NAME,
        settings.DMP_OPENING_COOKIE_NAME,
    }
    written = re.compile(r"set_(?:signed_)?cookie\(\s*([^,\s]+)")
    packages = ("accounts", "portal", "api", "dmp")
    named = {
        found
        for package in packages
        for path in (settings.BASE_DIR / package).rglob("*.py")
        for found in written.findall(path.read_text())
    }

    assert set(given) <= known
    assert named == {"settings.DMP_BROWSER_COOKIE_NAME", "settings.DMP_OPENING_COOKIE_NAME"}
    for cookie in given.values():
        assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "Lax")
        assert cookie["httponly"] or cookie.key == settings.CSRF_COOKIE_NAME
