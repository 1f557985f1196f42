"""What goes wrong, and a session about to end, in a real browser: two widths, two lights."""

import pytest
from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import OperationalError
from django.test import RequestFactory
from django.urls import reverse
from playwright.sync_api import expect

from accounts.sessions import SessionStore
from portal import errors
from portal.public import pages
from tests.portal.test_in_chromium import examine

pytestmark = pytest.mark.browser

VIEWS = ((390, "light"), (1280, "dark"))


def look(seen, name):
    for width, light in VIEWS:
        seen.page.emulate_media(color_scheme=light)
        seen.page.set_viewport_size({"width": width, "height": 844 if width < 700 else 900})
        seen.picture(f"{name}-{width}-{light}")
        examine(seen.page)


def failing(monkeypatch, failure):
    """The help page fails like this."""

    def render(*args, **kwargs):
        raise failure

    monkeypatch.setattr(pages, "render", render)


FAILURES = {
    400: (BadRequest(), "Nous n’avons pas compris cette demande"),
    403: (PermissionDenied(), "Vous ne pouvez pas faire cela"),
    500: (ZeroDivisionError(), "Quelque chose ne marche pas de notre côté"),
    503: (OperationalError(), "Le service ne peut pas vous répondre en ce moment"),
}


@pytest.mark.parametrize("status", FAILURES)
def test_a_failure_is_a_page_of_the_house(window, hers, monkeypatch, status):
    failure, title = FAILURES[status]
    failing(monkeypatch, failure)
    with window(width=390) as seen:
        answered = seen.page.goto(seen.house + reverse("public:help"))

        assert answered.status == status
        assert plain(seen.page.inner_text("h1")) == title
        look(seen, f"erreur-{status}")
    with window(width=390, signed_in=hers) as seen:
        seen.open(reverse("public:help"))
        assert plain(seen.page.inner_text("h1")) == title
        look(seen, f"erreur-{status}-inside")


def test_a_page_that_is_not_there(window, hers):
    for name, signed_in in (("outside", None), ("inside", hers)):
        with window(width=390, signed_in=signed_in) as seen:
            seen.open("/mon-dmp/nulle-part/")
            look(seen, f"erreur-404-{name}")


BARE = {
    "too large": lambda: errors.bare_page("/aide/", 413),
    "too slow": lambda: errors.bare_page("/aide/", 408),
    "verification": lambda: errors.doors_shut(RequestFactory().get("/aide/")),
}


@pytest.mark.parametrize("answer", BARE.values(), ids=BARE)
def test_what_is_answered_before_any_view(window, monkeypatch, request, answer):
    monkeypatch.setattr(pages, "render", lambda *args, **kwargs: answer())
    with window(width=390) as seen:
        seen.open(reverse("public:help"))
        look(seen, f"erreur-{request.node.callspec.id.replace(' ', '-')}")


def test_a_form_that_waited_too_long(window):
    with window(width=390) as seen:
        page = seen.open(reverse("public:sign_in"))
        page.fill("#id_login", "x")
        page.fill("#id_password", "x")
        page.context.clear_cookies()
        press(page, "Continuer")
        assert plain(page.inner_text("h1")) == "Cette page est restée ouverte trop longtemps"
        look(seen, "erreur-403-form")


def press(page, words):
    with page.expect_navigation():
        page.get_by_role("button", name=words).click()


def plain(words):
    return " ".join(words.replace("\u202f", " ").replace("\u00a0", " ").split())


@pytest.fixture
def about_to_end(window, hers):
    with window(width=390, signed_in=hers) as seen:
        seen.page.clock.install()
        seen.open(reverse("patient:people"))
        assert not seen.page.get_by_text("Votre session se termine bientôt").is_visible()
        seen.page.clock.fast_forward("13:05")
        yield seen


def test_a_session_about_to_end_is_announced_and_put_off(about_to_end):
    page, words = about_to_end.page, "Votre session se termine bientôt"
    assert page.get_by_text(words).is_visible()
    look(about_to_end, "session-fin")
    page.get_by_role("button", name="Rester connecté").click()
    expect(page.get_by_text(words)).to_be_hidden()
    page.clock.fast_forward("13:05")
    assert page.get_by_text(words).is_visible(), "and announced again"


def test_a_session_that_has_ended_is_not_said_to_last(about_to_end, hers):
    SessionStore(hers.cookies[settings.SESSION_COOKIE_NAME].value).delete()
    about_to_end.page.get_by_role("button", name="Rester connecté").click()

    expect(about_to_end.page.locator("h1")).to_contain_text("Se connecter")
