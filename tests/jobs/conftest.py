from uuid import uuid4

import pytest

from jobs import bell, handlers


@pytest.fixture
def kind():
    """A kind of job of this test alone; what it registers is forgotten."""
    name = f"test.{uuid4()}"
    yield name
    handlers._handlers.pop(name, None)


@pytest.fixture(autouse=True)
def _a_bell_of_our_own():
    bell.silence_over()
    yield
    bell.silence_over()
