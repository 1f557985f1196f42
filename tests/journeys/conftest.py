"""One house for all journeys, started as `make run` starts it, and the people who come to its doors."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.journeys.outside import World
from tests.journeys.visitors import Visitor
from tests.proof.house import living

Coming = Callable[..., Visitor]


@pytest.fixture(scope="session")
def world(var: Path, chrome: Browser) -> Iterator[World]:
    with living(var / "journeys") as house:
        yield World(house)
    shutil.rmtree(house.sockets, ignore_errors=True)


@pytest.fixture
def comes(chrome: Browser, world: World) -> Iterator[Coming]:
    """Somebody opens a window: still signed in when they came before under the same name."""
    came: list[Visitor] = []

    def come(inside: str = "", *, width: int = 1280, scripts: bool = True) -> Visitor:
        context = chrome.new_context(
            viewport={"width": width, "height": 844 if width < 700 else 900},
            locale="fr-FR",
            reduced_motion="reduce",
            java_script_enabled=scripts,
            storage_state=world.inside.get(inside),
        )
        came.append(Visitor(context.new_page(), world))
        return came[-1]

    yield come
    for visitor in came:
        visitor.page.context.close()
    assert [words for visitor in came for words in visitor.complaints] == []
