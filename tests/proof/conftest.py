"""The long programme runs when it is asked for (`make proof`), and writes its figures to docs/proofs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.world import World, running

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.proof)


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def outside(world: World, settings) -> World:
    """The house talks to this world and to no other."""
    for name, value in world.settings().items():
        setattr(settings, name, value)
    return world
