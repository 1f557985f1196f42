"""Redis dies, falls silent and comes back while people open dossiers, by the operations and by the pages."""

import base64
import time
from dataclasses import dataclass

import pytest
from django.utils import timezone

from accounts import directory
from accounts.userinfo import PlaceOfPractice
from sandbox import totp
from sandbox.population import CAST, LEO, MANON
from tests.proof import processes, without_redis
from tests.proof.browsers import OverTheWire
from tests.proof.figures import Sheet, milliseconds, said
from tests.proof.processes import until

EACH_BY_OPERATION, EACH_BY_PAGE = 20, 3
HALF_A_SECOND, AN_OPENING_AT_MOST = 0.5, 2.5
SECRET, PASSWORD = b"twenty bytes of TOTP", "guichet ardoise pluvier 31"

DONE = """
Dossiers are opened while Redis is there, then killed, then silent (it accepts connections and never
answers, as behind a firewall that drops), then back. First by the operations, with a scheduler and no
worker; then by an agent in front of the pages, over HTTP, whose session Redis also caches, with a worker
and a scheduler. The bell is what tells a worker that a job is ready: when it cannot ring, the scheduler
finds the job and does it.
"""


@dataclass
class Seen:
    """The openings of one state of Redis, as the agent saw them."""

    pages: list[float]
    opened: int = 0


@pytest.mark.slow
def test_dossiers_open_whatever_becomes_of_redis(real_database, outside, tmp_path, settings):
    with processes.redis_of_our_own(tmp_path) as server:
        by_operation = without_redis.opening(
            real_database, outside, server, tmp_path, settings, each=EACH_BY_OPERATION
        )
    with processes.redis_of_our_own(tmp_path) as server:
        by_page = _in_front_of_the_pages(real_database, outside, server, tmp_path)

    sheet = Sheet("without-redis", "Dossiers open whatever becomes of Redis", DONE)
    sheet.table(
        f"By the operations, {EACH_BY_OPERATION} each",
        ("Redis", "Opening", "The bell alone", "Until the scheduler has done it all"),
        [
            (
                state,
                said(times.openings),
                milliseconds(times.bell),
                milliseconds(times.work) if state in ("dead", "silent") else "",
            )
            for state, times in by_operation.items()
        ],
    )
    sheet.table(
        f"By the pages, {EACH_BY_PAGE} each",
        ("Redis", "Opened", "Each page, from the card to the sheet"),
        [(state, f"{seen.opened} of {EACH_BY_PAGE}", said(seen.pages)) for state, seen in by_page.items()],
    )
    sheet.write()
    assert all(times.bell < HALF_A_SECOND for times in by_operation.values())
    assert all(max(times.openings) < AN_OPENING_AT_MOST for times in by_operation.values())
    assert all(seen.opened == EACH_BY_PAGE for seen in by_page.values())
    assert all(max(seen.pages) < AN_OPENING_AT_MOST for seen in by_page.values())


def _in_front_of_the_pages(database, world, server, folder) -> dict[str, Seen]:
    _roy_has_an_account()
    port = processes.free_port()
    told = world.environment() | {"DMP_BASE_URL": f"http://127.0.0.1:{port}", "REDIS_URL": server.url}
    told |= {"DMP_DEMO": "1"}  # without TLS, only a demonstration starts
    environment = database.environment(**told)
    processes.collect_static_files(environment)
    web = processes.web(environment, folder / "web.log", port)
    waker = processes.scheduler(environment, folder / "waker.log", every=0.5)
    worker = processes.worker(environment, folder / "worker.log")
    cards = [person.slug for person in CAST if not person.died_on and person not in (LEO, MANON)]
    states = (
        ("there", lambda: None),
        ("dead", server.die),
        ("silent", lambda: (server.start(), server.fall_silent())),
        ("back", server.speak_again),
    )
    seen: dict[str, Seen] = {}
    try:
        roy = OverTheWire(f"http://127.0.0.1:{port}")
        assert until(lambda: _answers(roy), within=60, every=0.1), "the web does not answer"
        _sign_in(roy)
        for state, become in states:
            become()
            seen[state] = Seen([])
            for _ in range(EACH_BY_PAGE):
                seen[state].opened += _open(roy, cards.pop(), seen[state].pages)
        with database.superuser() as postgresql:
            untouched = (
                "SELECT count(*) FROM jobs_job WHERE state = 'leased' OR (state = 'ready' AND code = '')"
            )
            assert until(lambda: postgresql.execute(untouched).fetchone() == (0,), within=120, every=0.1)
    finally:
        for process in (web, worker, waker):
            process.stop()
    return seen


def _roy_has_an_account() -> None:
    directory.provision_agent(
        login="bernard.roy",
        name="Bernard Roy",
        structure=PlaceOfPractice(number="99900000100015", name="CPAM de la Haute-Garonne"),
        at=timezone.now(),
        password=PASSWORD,
        totp_secret=SECRET,
    )


def _answers(browser: OverTheWire) -> bool:
    try:
        return browser.get("/healthz").status == 200
    except OSError:
        return False


def _sign_in(roy: OverTheWire) -> None:
    code = roy.post("/guichet/connexion/", {"login": "bernard.roy", "password": PASSWORD})
    assert code.location == "/guichet/connexion/code/", code.text
    typed = {"code": totp.code(base64.b32encode(SECRET).decode(), time.time())}
    assert roy.post(code.location, typed).location == "/guichet/"


def _open(roy: OverTheWire, card: str, pages: list[float]) -> bool:
    """Whether the sheet was printed, and how long each page took."""

    def timed(path: str, fields: dict[str, str]):
        started = time.perf_counter()
        answer = roy.post(path, fields)
        pages.append(time.perf_counter() - started)
        return answer

    visit = timed("/guichet/carte/", {"carte": card})
    agreement = timed(visit.location, {"piece": "ID_CARD"})
    sheet = timed(agreement.location, {"agreed": "on", "regulation": "on", "contact": "rien"})
    return sheet.status == 302 and sheet.location.endswith("/fiche/")
