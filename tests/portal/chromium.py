"""A real browser before a real server, on a database where commits are real."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import Client
from django.test.testcases import LiveServerThread, QuietWSGIRequestHandler
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import ARGUMENTS, NO_BROWSER, executable
from tests.portal.examining import SHOTS


@dataclass(frozen=True)
class Window:
    """One person's window, and what the browser complained of in it."""

    page: Page
    house: str
    complaints: list[str]

    def open(self, address: str) -> Page:
        self.page.goto(self.house + address)
        return self.page

    def picture(self, name: str) -> None:
        if SHOTS:
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


OPENED = pytest.StashKey[ExitStack]()
Opening = Callable[..., "contextmanager[Window]"]


@pytest.fixture(scope="session")
def chrome(request: pytest.FixtureRequest) -> Iterator[Browser]:
    if executable() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_BROWSER, pytrace=False)
        pytest.skip(NO_BROWSER)
    request.getfixturevalue("django_db_setup")
    # Django keeps connections apart for code that runs inside a loop: those of before would stay open unseen.
    connections.close_all()
    with ExitStack() as opened:
        # Playwright's loop lives in this thread; what tests do themselves is as synchronous as ever.
        opened.enter_context(pytest.MonkeyPatch.context()).setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        opened.callback(connections.close_all)
        playwright = opened.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=executable(), args=[*ARGUMENTS])
        opened.callback(browser.close)
        request.config.stash[OPENED] = opened
        yield browser


def close_after(item: pytest.Item, following: pytest.Item | None) -> None:
    """End the browser, and Playwright's loop, after the last file that needs them: the tests that follow run
    in a thread as it was before."""
    opened = item.config.stash.get(OPENED, None)
    if opened and following and following.path != item.path and not _driving(following):
        opened.close()


def _driving(item: pytest.Item) -> bool:
    """Whether the file of this test drives a browser."""
    return any(
        other.path == item.path and "chrome" in getattr(other, "fixturenames", ())
        for other in item.session.items
    )


class _QuietRequests(QuietWSGIRequestHandler):
    """Connections end with the answer, so that none outlives the database of the test."""

    protocol_version = "HTTP/1.0"


class _Server(LiveServerThread):
    def _create_server(self, connections_override=None):
        return self.server_class(
            (self.host, self.port),
            _QuietRequests,
            allow_reuse_address=False,
            connections_override=connections_override,
        )


@pytest.fixture
def house(real_database) -> Iterator[str]:
    """The address of the house, answered by a real server on a free port."""
    server = _Server("127.0.0.1", lambda _: StaticFilesHandler(WSGIHandler()))
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()


@pytest.fixture
def window(chrome: Browser, house: str) -> Opening:
    """Open a window: its width, its light, with scripts or without; already signed in when given a client."""

    @contextmanager
    def open_it(
        *, width: int = 1280, dark: bool = False, scripts: bool = True, signed_in: Client | None = None
    ) -> Iterator[Window]:
        context = chrome.new_context(
            viewport={"width": width, "height": 844 if width < 700 else 900},
            color_scheme="dark" if dark else "light",
            locale="fr-FR",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        if signed_in is not None:
            context.add_cookies(
                [
                    {"name": name, "value": morsel.value, "url": house}
                    for name, morsel in signed_in.cookies.items()
                ]
            )
        page, complaints = context.new_page(), []
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None,
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield Window(page, house, complaints)
        context.close()

    return open_it
