"""The outside world of these tests, in its own process, and people who come to open a dossier."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.world import World, running


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    memory: Path = tmp_path_factory.mktemp("world")
    with running(memory) as world:
        yield world


@pytest.fixture(autouse=True)
def outside(world: World, settings) -> None:
    """The house talks to this world and to no other."""
    for name, value in world.settings().items():
        setattr(settings, name, value)
