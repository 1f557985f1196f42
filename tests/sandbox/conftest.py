import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.world import World, running


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    memory: Path = tmp_path_factory.mktemp("world")
    with running(memory) as world:
        yield world


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Inputs that nobody on this project wrote."""
    folder = os.environ.get("DMP_CORPORA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("DMP_CORPORA does not say where the inputs written by others are.")
    return Path(folder)
