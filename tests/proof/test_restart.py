"""The web starts again under way, behind the proxy of the deployment: nobody notices but by waiting."""

import http.client
import socket
import sys
import threading
import time
from collections import Counter

import pytest

from tests.proof import processes, proxies
from tests.proof.figures import Sheet
from tests.proof.processes import until

REQUESTS, PER_SECOND, EVERY_SECONDS = 10_000, 50, 25
CALLERS = 100  # a request that waits for the web to start holds its caller
SENDS_A_FORM_AGAIN = (2, 11, 2)  # before, Caddy lost the body of a form when nobody listened (caddy #7546)
DONE = """
Requests at a steady pace through the proxy, each on a connection of its own, while the web is stopped
politely and started again, as an upgrade does. Lost: anything but the answer that was expected. Somebody
holds the socket meanwhile, as `make run` or systemd do; or nobody does, as between two containers, and then a
proxy older than Caddy 2.11.2 is sent pages only.
"""
FORM = "application/x-www-form-urlencoded"
TOKEN = "t" * 32


def ask(port: int, number: int, *, forms: bool) -> str:
    """A page or a form in turn; « as expected », or what came instead."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        if number % 2 and forms:
            headers = {"Content-Type": FORM, "Cookie": f"csrf={TOKEN}", "X-CSRFToken": TOKEN}
            connection.request("POST", "/ouvrir/numero/", b"nir=1" + b"&x=" + b"y" * 2000, headers)
            wanted = (200, 302)
        else:
            connection.request("GET", "/aide/")
            wanted = (200,)
        answer = connection.getresponse()
        answer.read()
        return "as expected" if answer.status in wanted else f"status {answer.status}"
    except (OSError, http.client.HTTPException) as failure:
        return type(failure).__name__
    finally:
        connection.close()


class Upgraded:
    """A web process that ends and begins again."""

    def __init__(self, environment, log, listening: socket.socket | None):
        self.environment, self.log, self.listening = environment, log, listening
        self.port = listening.getsockname()[1] if listening else processes.free_port()
        self.web = self._start()

    def _start(self):
        if self.listening is None:
            return processes.web(self.environment, self.log, self.port)
        command = [sys.executable, "-m", "dmp.front", "dmp.wsgi:front", "--workers", "1"]
        command += ["--fd", str(self.listening.fileno())]
        return processes.Process(command, self.environment, self.log, inherited=(self.listening.fileno(),))

    def again(self) -> None:
        self.web.running.terminate()
        self.web.running.wait(60)
        self.web = self._start()


@pytest.mark.slow
@pytest.mark.skipif(not proxies.caddy(), reason="no caddy on this machine: apt install caddy")
@pytest.mark.parametrize("held", [True, False], ids=["socket held", "nobody listens"])
def test_no_request_is_lost_while_the_web_starts_again(real_database, redis_server, outside, tmp_path, held):
    told = outside.environment() | {"DMP_BASE_URL": "http://127.0.0.1:8000", "DMP_DEMO": "1"}
    environment = real_database.environment(**told)
    processes.collect_static_files(environment)
    forms = held or proxies.version() >= SENDS_A_FORM_AGAIN
    listening = socket.create_server(("127.0.0.1", 0), backlog=512) if held else None
    upgraded = Upgraded(environment, tmp_path / "web.log", listening)
    results: Counter[str] = Counter()
    lock, longest, restarts = threading.Lock(), [0.0], 0
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
            result = ask(proxy, number, forms=forms)
            with lock:
                results[result] += 1
                longest[0] = max(longest[0], time.monotonic() - asked)

    try:
        with proxies.proxied(upgraded.port, tmp_path) as proxy:
            assert until(lambda: ask(proxy, 0, forms=False) == "as expected", within=60)
            began = time.monotonic()
            callers = [threading.Thread(target=call) for _ in range(CALLERS)]
            for caller in callers:
                caller.start()
            while any(caller.is_alive() for caller in callers):
                time.sleep(EVERY_SECONDS)
                upgraded.again()
                restarts += 1
            for caller in callers:
                caller.join()
    finally:
        upgraded.web.stop()
        if listening:
            listening.close()

    name = "held" if held else "closed"
    sheet = Sheet(f"restart-{name}", f"The web starts again, its socket {name}", DONE)
    sheet.count("Proxy", "Caddy " + ".".join(map(str, proxies.version())))
    what = "half of them forms" if forms else "pages"
    sheet.count("Requests", f"{sum(results.values())} at {PER_SECOND} a second, {what}")
    sheet.count("Restarts", restarts)
    sheet.count("Answered as expected", results["as expected"])
    sheet.count("Lost", sum(results.values()) - results["as expected"])
    sheet.count("Longest wait", f"{longest[0]:.1f} s")
    sheet.write()
    assert set(results) == {"as expected"}, results
