"""The web starts again under way, behind the proxy of the deployment: nobody notices but by waiting."""

import http.client
import re
import threading
import time
from collections import Counter

import pytest

from tests.proof import processes, proxies
from tests.proof.figures import Sheet
from tests.proof.processes import until

REQUESTS, PER_SECOND, EVERY_SECONDS = 10_000, 50, 25
CALLERS = 100  # a request that waits for the web to start holds its caller
DONE = """
Pages and forms at a steady pace through the proxy, each on a connection of its own, while the web is stopped
politely and started again, as an upgrade does. Lost: anything but the answer that was expected.
"""
FORM = "application/x-www-form-urlencoded"
TOKEN = "t" * 32


def ask(port: int, number: int) -> str:
    """A page or a form in turn; « as expected », or what came instead."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        if number % 2:
            headers = {"Content-Type": FORM, "Cookie": f"csrf={TOKEN}", "X-CSRFToken": TOKEN}
            connection.request("POST", "/ouvrir/numero/", b"nir=1" + b"&x=" + b"y" * 2000, headers)
            wanted = (200, 302)
        else:
            connection.request("GET", "/aide/")
            wanted = (200,)
        answer = connection.getresponse()
        answer.read()
        return "as expected" if answer.status in wanted else f"status {answer.status}"
    except OSError as failure:
        return type(failure).__name__
    except http.client.HTTPException as failure:
        return type(failure).__name__
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.skipif(not proxies.caddy(), reason="no caddy on this machine: apt install caddy")
def test_no_request_is_lost_while_the_web_starts_again(real_database, redis_server, outside, tmp_path):
    port = processes.free_port()
    told = outside.environment() | {"DMP_BASE_URL": f"http://127.0.0.1:{port}", "DMP_DEMO": "1"}
    environment = real_database.environment(**told)
    processes.collect_static_files(environment)
    web = processes.web(environment, tmp_path / "web.log", port)
    results: Counter[str] = Counter()
    lock, longest, down = threading.Lock(), [0.0], []
    numbers = iter(range(REQUESTS))
    began = time.monotonic()

    def call() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
            asked = time.monotonic()
            result = ask(proxy, number)
            with lock:
                results[result] += 1
                longest[0] = max(longest[0], time.monotonic() - asked)

    try:
        assert until(lambda: proxies.listens(port), within=60)
        with proxies.proxied(port, tmp_path) as proxy:
            assert until(lambda: ask(proxy, 0) == "as expected", within=60)
            began = time.monotonic()
            callers = [threading.Thread(target=call) for _ in range(CALLERS)]
            for caller in callers:
                caller.start()
            while any(caller.is_alive() for caller in callers):
                time.sleep(EVERY_SECONDS)
                stopped = time.monotonic()
                web.running.terminate()
                web.running.wait(60)
                web.start()
                assert until(lambda: proxies.listens(port), within=60)
                down.append(time.monotonic() - stopped)
            for caller in callers:
                caller.join()
    finally:
        web.stop()

    sheet = Sheet("restart", "The web starts again", DONE)
    sheet.count("Proxy", "Caddy " + ".".join(map(str, proxies.version())))
    sheet.count("Requests", f"{sum(results.values())} at {PER_SECOND} a second, half of them forms")
    sheet.count("Restarts", len(down))
    sheet.count("Nobody listens, at worst", f"{max(down):.1f} s")
    sheet.count("Answered as expected", results["as expected"])
    sheet.count("Lost", sum(results.values()) - results["as expected"])
    sheet.count("Longest wait", f"{longest[0]:.1f} s")
    sheet.write()
    assert re.fullmatch(r"Counter\(\{'as expected': \d+\}\)", repr(results)), results
