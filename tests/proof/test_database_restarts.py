"""PostgreSQL is killed under a living house: people are asked to come back, and it comes back by itself."""

import http.client
import os
import secrets
import signal
import threading
import time
from collections import Counter

import pytest

from tests.proof.figures import Sheet
from tests.proof.house import living
from tests.proof.processes import until

KILLS, CALLERS = 5, 8
DONE = """
Eight people turn pages whose session is looked for in the database, while its server is killed five times
without a word and started again by whoever supervises.
"""


def turn_a_page(port: int) -> int:
    """As somebody whose visit must be looked for in the database."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/aide/", headers={"Cookie": f"session={secrets.token_hex(16)}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status == 503:
            assert answer.headers["Retry-After"] == "30"
        return answer.status
    finally:
        connection.close()


@pytest.mark.slow
def test_a_killed_database_costs_no_500(tmp_path):
    statuses: Counter[int] = Counter()
    ended = threading.Event()
    away: list[float] = []

    def call() -> None:
        while not ended.is_set():
            statuses[turn_a_page(house.port)] += 1

    with living(tmp_path) as house:
        callers = [threading.Thread(target=call) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        for _ in range(KILLS):
            time.sleep(5)
            postmaster = int((house.var / "pg" / "postmaster.pid").read_text().split()[0])
            os.kill(postmaster, signal.SIGKILL)
            began = time.monotonic()
            assert until(lambda: turn_a_page(house.port) == 200, within=60, every=0.2)
            away.append(time.monotonic() - began)
        ended.set()
        for caller in callers:
            caller.join()

    sheet = Sheet("database-restarts", "The database is killed", DONE)
    sheet.count("Kills", KILLS)
    sheet.count("Served", statuses[200])
    sheet.count("Asked to come back", statuses[503])
    sheet.count("Anything else", sum(statuses.values()) - statuses[200] - statuses[503])
    sheet.count("Away, at worst", f"{max(away):.1f} s")
    sheet.write()
    assert set(statuses) <= {200, 503}, statuses
