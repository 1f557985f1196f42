import socket
from uuid import uuid4

import pytest

from dmp import valkey
from jobs import bell, handlers


@pytest.fixture
def kind():
    """A kind of job of this test alone; what it registers is forgotten."""
    name = f"test.{uuid4()}"
    yield name
    handlers._kinds.pop(name, None)


@pytest.fixture(autouse=True)
def _a_bell_of_our_own():
    bell.silence_over()
    yield
    bell.silence_over()


@pytest.fixture
def dead_redis(settings):
    """Nobody listens there any more."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def silent_redis(settings):
    """Something accepts connections there and never says a word, as behind a firewall that drops."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
        yield


@pytest.fixture
def full_redis(settings):
    """Its backlog is full: connections are neither accepted nor refused."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{address[1]}/0"
        yield
        for filler in fillers:
            filler.close()


@pytest.fixture
def emptied_redis(redis_server, settings):
    """The Redis of the tests, empty; emptied again."""
    with valkey.operator(settings.DMP_VAR) as server:
        server.flushall()
        yield server
        server.flushall()
