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
from tests.portal import examining

pytestmark = pytest.mark.browser


def look(seen, name):
    examining.look(seen.page, lambda view: seen.picture(f"{name}-{view}"))


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
        if status == 500:  # the others differ by their words
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
        assert not announced(seen.page).is_visible()
        seen.page.clock.fast_forward("13:05")
        yield seen


def announced(page):
    return page.get_by_role("heading", name="Votre session se termine bientôt")


def test_a_session_about_to_end_is_announced_and_put_off(about_to_end):
    page = about_to_end.page
    assert announced(page).is_visible()
    look(about_to_end, "session-fin")
    page.get_by_role("button", name="Rester connecté").click()
    expect(announced(page)).to_be_hidden()
    page.clock.fast_forward("13:05")
    expect(announced(page)).to_be_visible()


def test_what_a_page_asks_by_itself_puts_nothing_off(window, hers):
    with window(width=390, signed_in=hers) as seen:
        seen.page.clock.install()
        page = seen.open(reverse("patient:import"))
        with page.expect_response(lambda answer: "vu=" in answer.url) as polled:
            page.clock.fast_forward("13:05")
        polled.value.finished()

        expect(announced(page)).to_be_visible()


def end(hers):
    SessionStore(hers.cookies[settings.SESSION_COOKIE_NAME].value).delete()


def words_of(page):
    return plain(page.inner_text("body"))


def test_the_announcement_is_heard(about_to_end):
    assert "Votre session se termine bientôt" in about_to_end.page.inner_text(
        "[role=status][data-session-said]"
    )


def test_at_the_end_the_page_goes_away(about_to_end, hers):
    page = about_to_end.page
    end(hers)
    page.clock.fast_forward("02:00")

    expect(page.locator("h1")).to_contain_text("Se connecter")
    assert "Soignants" not in words_of(page)


def test_without_a_network_the_screen_is_cleared_all_the_same(about_to_end):
    page = about_to_end.page
    seen = []
    page.expose_function("tell", lambda words: seen.append(words))
    page.evaluate(
        "new MutationObserver(() => tell(document.body.innerText))"
        ".observe(document.body, { childList: true })"
    )
    page.route("**/*", lambda route: None)  # nobody answers
    page.clock.fast_forward("02:00")

    for _ in range(50):
        if seen:
            break
        page.wait_for_timeout(100)
    words = plain(seen[-1])
    assert words.startswith("Votre session a pris fin Par prudence, cette page ne montre plus rien.")
    assert "Soignants" not in words


def test_another_window_of_the_same_session_is_a_sign_of_life(about_to_end):
    page = about_to_end.page
    other = page.context.new_page()
    other.goto(about_to_end.house + reverse("patient:home"))

    expect(announced(page)).to_be_hidden()


def test_signing_out_in_one_window_empties_the_others(window, hers):
    with window(width=1280, signed_in=hers) as seen:
        page = seen.open(reverse("patient:people"))
        other = page.context.new_page()
        other.goto(seen.house + reverse("patient:home"))
        other.locator(".menu summary").click()
        other.get_by_role("button", name="Se déconnecter").click()
        expect(other.locator("h1")).to_contain_text("Vous avez quitté")

        expect(page.locator("h1")).to_contain_text("Se connecter")
        other.go_back()
        assert "Camille" not in words_of(other)


def test_a_session_that_has_ended_is_not_said_to_last(about_to_end, hers):
    end(hers)
    about_to_end.page.get_by_role("button", name="Rester connecté").click()

    expect(about_to_end.page.locator("h1")).to_contain_text("Se connecter")
