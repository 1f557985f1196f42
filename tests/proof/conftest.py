"""The long programme runs when it is asked for (`make proof`), and writes its figures to docs/proofs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.world import World, running

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "proof: the long programme, run by `make proof`")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.proof)
    if "proof" not in (config.option.markexpr or ""):
        items[:] = [item for item in items if item not in ours]
        config.hook.pytest_deselected(items=ours)


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
