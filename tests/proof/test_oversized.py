"""Requests far larger than anything the house accepts: answered or cut, and memory stays small."""

import http.client
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.proof import processes
from tests.proof.figures import Sheet, megabytes
from tests.proof.processes import until

MEGABYTE = 1 << 20
LARGE, AT_ONCE = 300, 3
TOKEN = "b" * 32
MOST_MEMORY = 150 * MEGABYTE

DONE = """
Bodies of three hundred megabytes, three at once, are sent to pages that anybody may post to, as a form, as
a file, and with no length announced. Somebody else asks for the home page just after.
"""


def body(kind: str) -> Iterator[bytes]:
    if kind == "file":
        yield b'--x\r\nContent-Disposition: form-data; name="content"; filename="a.pdf"\r\n\r\n%PDF-1.4\n'
    else:
        yield b"login="
    for _ in range(LARGE):
        yield b"a" * MEGABYTE


def post(port: int, path: str, kind: str, told: list[object]) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"} if kind == "file" else {}
    headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    headers |= {"Cookie": f"csrf={TOKEN}", "X-CSRFToken": TOKEN}  # a page of ours was asked for before
    if kind != "unannounced":
        headers["Content-Length"] = str(sum(len(piece) for piece in body(kind)))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(
            "POST", path, body=body(kind), headers=headers, encode_chunked=kind == "unannounced"
        )
        told.append(connection.getresponse().status)
    except OSError as cut:
        told.append(type(cut).__name__)
    finally:
        connection.close()


@pytest.mark.slow
def test_a_flood_is_answered_or_cut_and_costs_little_memory(real_database, redis_server, outside, tmp_path):
    port = processes.free_port()
    told = outside.environment() | {"DMP_BASE_URL": f"http://127.0.0.1:{port}", "DMP_DEMO": "1"}
    environment = real_database.environment(**told)
    processes.collect_static_files(environment)
    web = processes.web(environment, tmp_path / "web.log", port)
    answers: list[object] = []
    try:
        assert until(lambda: _home(port) == 200, within=60, every=0.1)
        before, most = _memory(web), 0
        floods = [
            threading.Thread(target=post, args=(port, path, kind, answers))
            for path, kind in (
                ("/connexion/", "form"),
                ("/ouvrir/numero/", "file"),
                ("/oauth/token", "unannounced"),
            )
        ]
        for flood in floods:
            flood.start()
        while any(flood.is_alive() for flood in floods):
            most = max(most, _memory(web))
            time.sleep(0.05)
        started = time.perf_counter()
        home, waited = _home(port), time.perf_counter() - started
    finally:
        web.stop()

    sheet = Sheet("oversized", "Far too much is sent", DONE)
    sheet.count("Sent at once", f"{AT_ONCE} bodies of {LARGE} MB")
    sheet.count("Answers", ", ".join(map(str, answers)))
    sheet.count("Memory of the web before", megabytes(before))
    sheet.count("Most memory of the web", megabytes(most))
    sheet.count("The home page just after", f"{home}, {waited * 1000:.0f} ms")
    sheet.write()
    assert home == 200
    assert all(isinstance(answer, str) or answer < 500 for answer in answers)
    assert most - before < MOST_MEMORY


def _home(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def _memory(web: processes.Process) -> int:
    found = [psutil.Process(web.running.pid), *web.children()]
    return sum(_resident(one) for one in found)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
