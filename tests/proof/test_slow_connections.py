"""Eight, twenty-four, five hundred connections that are slow on purpose; others turn pages meanwhile."""

import http.client
import resource
import socket
import statistics
import time
from contextlib import ExitStack, suppress

import pytest

from tests.proof import proxies
from tests.proof.figures import Sheet
from tests.proof.house import House, living

HOW_MANY = (8, 24, 500)
ROUNDS, PAGES = 5, 60
TOO_SHORT_TO_TELL = 15.0  # milliseconds: another process of the machine weighs more than that
PATH = "/aide/"
HOST = b"Host: 127.0.0.1\r\n"
# What a connection sends before it falls silent.
KINDS = {
    "heads": b"POST /connexion/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    "bodies": b"POST /connexion/ HTTP/1.1\r\n" + HOST + b"Content-Length: 9000\r\n\r\nlogin=",
    "readers": b"GET %s HTTP/1.1\r\n" + HOST + b"\r\n",  # of the largest file there is
}
DONE = """
Connections that send half a head, half a body, or read nothing of the largest file there is, all at once,
against `make run` and through the proxy of the deployment. Somebody else turns pages, one after the other.
The p95 of these against the p95 just before, when nobody is slow: of five measures of each, the calmest.
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    with living(tmp_path_factory.mktemp("slow")) as house:
        yield house
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
@pytest.mark.parametrize("way", ["make run", "proxy"])
def test_others_wait_less_than_twice_as_long(house: House, way, tmp_path):
    if way == "proxy" and not proxies.caddy():
        pytest.skip("no caddy on this machine: apt install caddy")
    sheet = Sheet(f"slow-{way.replace(' ', '-')}", f"Slow connections, {way}", DONE)
    ratios = {}
    with ExitStack() as stack:
        port = house.port
        if way == "proxy":
            port = stack.enter_context(proxies.proxied(house.port, tmp_path))
            sheet.count("Proxy", "Caddy " + ".".join(map(str, proxies.version())))
        largest = max(
            (house.var / "static").rglob("*"), key=lambda path: path.stat().st_size * path.is_file()
        )
        address = f"/static/{largest.relative_to(house.var / 'static')}".encode()
        turn_pages(port)
        for many in HOW_MANY:
            for kind, sent in KINDS.items():
                idle, slow = under(port, sent.replace(b"%s", address), many)
                ratios[kind, many] = 1.0 if slow < TOO_SHORT_TO_TELL else slow / idle
                sheet.count(f"{many} {kind}: p95, idle then meanwhile", f"{idle:.1f} ms, {slow:.1f} ms")
    sheet.write()

    assert {case: ratio for case, ratio in ratios.items() if ratio >= 2} == {}


def under(port: int, sent: bytes, many: int) -> tuple[float, float]:
    """The p95 of others, in milliseconds, before and while so many connections are slow.

    Whatever else the machine does can only add to a measure: the calmest of each tells.
    """
    idle, meanwhile = [], []
    for _ in range(ROUNDS):
        idle.append(turn_pages(port))
        with ExitStack() as lines:
            for _ in range(many):
                lines.enter_context(opened(port, sent))
            time.sleep(0.5)
            meanwhile.append(turn_pages(port))
    return min(idle), min(meanwhile)


def opened(port: int, sent: bytes) -> socket.socket:
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(20)
    line.connect(("127.0.0.1", port))
    line.setblocking(False)
    with suppress(BlockingIOError):
        line.send(sent)
    return line


def turn_pages(port: int) -> float:
    times = []
    for _ in range(PAGES):
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", PATH)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 200
        times.append((time.perf_counter() - began) * 1000)
    return statistics.quantiles(times, n=20)[18]
