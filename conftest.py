"""Tests run on a real PostgreSQL and a real Valkey of their own process, as the application's login."""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings
from django.test import override_settings
from hypothesis.configuration import set_hypothesis_home_dir

from dmp import checking, children, pg, valkey
from tests import browser, sharing_out, strict_templates
from tests.failures import Failures

# Nothing is written in the tree outside .venv and var.
set_hypothesis_home_dir(Path(__file__).parent / "var" / "hypothesis")

TEST_DATABASE = "dmp_test"

strict_templates.install()

ROOM_IN_MEMORY = 1 << 30  # bytes free, of which each process takes less than a tenth
OUTSIDE = ("DMP_LEDGER_HEADS", "DMP_LEDGER_KEY", "DMP_JOURNAL")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Failures())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many journeys were not played for want of a browser: a skip that nobody reads would hide them."""
    reports = [report for kind in ("skipped", "error") for report in terminalreporter.getreports(kind)]
    missing = sum(browser.NO_BROWSER in str(report.longrepr) for report in reports)
    if sentence := browser.not_played(missing):
        terminalreporter.write_line(sentence)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = sharing_out.longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> sharing_out.Dealer | None:
    return sharing_out.Dealer(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def as_slow_as_kept() -> Iterator[dict[str, int]]:
    """Argon2id is run as often as ever, with a thousandth of its work; what it was, for who asks."""
    from accounts.hashers import Argon2id

    kept = {"memory_cost": Argon2id.memory_cost, "time_cost": Argon2id.time_cost}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Argon2id, "memory_cost", 64)
        patch.setattr(Argon2id, "time_cost", 1)
        yield kept


@pytest.fixture
def slow_passwords(as_slow_as_kept: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id as people's passwords are kept by it."""
    from accounts.hashers import Argon2id

    for name, value in as_slow_as_kept.items():
        monkeypatch.setattr(Argon2id, name, value)


@pytest.fixture(scope="session")
def var() -> Iterator[Path]:
    """This process's own `var`: removed at the end, with those that killed processes left behind."""
    mine: Path = settings.DMP_VAR
    with _of_this_process(mine.parent):
        yield mine
    shutil.rmtree(children.socket_directory(mine), ignore_errors=True)


@contextmanager
def _of_this_process(parent: Path) -> Iterator[Path]:
    """A folder named after this process, for as long as it lives; those of dead ones go."""
    for other in parent.iterdir() if parent.exists() else ():
        if other.name.isdigit() and not Path(f"/proc/{other.name}").exists():
            shutil.rmtree(other, ignore_errors=True)
    mine = parent / str(os.getpid())
    mine.mkdir(parents=True, exist_ok=True)
    yield mine
    shutil.rmtree(mine, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster_in_memory(var: Path) -> Iterator[bool]:
    """Whether the files of PostgreSQL are kept in memory, where a copy of a database costs a tenth."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or _room_in(memory) < ROOM_IN_MEMORY:
        yield False
        return
    with _of_this_process(children.private_directory(memory / f"dmp-tests-{os.geteuid()}")) as mine:
        (var / "pg").symlink_to(mine / "pg")
        yield True


def _room_in(memory: Path) -> int:
    return min(shutil.disk_usage(memory).free, psutil.virtual_memory().available)


@pytest.fixture(scope="session")
def postgresql(var: Path, cluster_in_memory: bool) -> Iterator[Path]:
    server = pg.start(var, durable=False)
    os.environ["PGPASSFILE"] = str(pg.passfile(var))  # for what tests start: psql, pg_dump, real processes
    yield var
    pg.stop(server)


@pytest.fixture(scope="session")
def checker(var: Path) -> Iterator[None]:
    """Who opens files from outside, jail included."""
    process = checking.start(var)
    yield
    children.stop(process)


@pytest.fixture(scope="session")
def redis_server(var: Path) -> Iterator[str]:
    """A Valkey for this process; its socket's path."""
    server = valkey.start(var)
    settings.DMP_REDIS_URL = valkey.address(var, "unix", "db=1")
    settings.CELERY_BROKER_URL = valkey.address(var, "redis+socket", "virtual_host=0")
    yield str(valkey.socket_path(var))
    children.stop(server)


@pytest.fixture(scope="session")
def keys(var: Path) -> None:
    """The keys of the vault, made for this process."""
    from dmp import keys

    keys.make(var, demo=False)


@pytest.fixture(scope="session")
def django_db_setup(
    postgresql: Path, redis_server: str, checker: None, keys: None, django_db_blocker
) -> Iterator[None]:
    """The migrated database that rolled-back tests use and that `real_database` copies."""
    from django.core.management import call_command
    from django.db import connections

    from revocation import doors

    with django_db_blocker.unblock():
        pg.prepare(postgresql, TEST_DATABASE)
        _point_at(TEST_DATABASE)
        call_command("migrate", database="owner", verbosity=0)
        connections.close_all()
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        doors.forget()


@pytest.fixture(autouse=True)
def nobody_watches() -> Iterator[None]:
    """Whoever asked /readyz started a thread that looks at the database: it ends with the test."""
    yield
    from dmp.readiness import watch

    watch.stop()


def _point_at(database: str) -> None:
    from django.db import connections

    from dmp.readiness import watch
    from revocation import doors

    watch.stop()
    doors.forget()
    connections.close_all()
    for alias in ("default", "owner"):
        connections[alias].settings_dict["NAME"] = database
        connections.databases[alias]["NAME"] = database


@contextmanager
def outside_of(database: str, var: Path) -> Iterator[None]:
    """Fresh places for what is kept outside this database: lists signed of its ledger, the journal."""
    folder = var / "outside" / database
    shutil.rmtree(folder, ignore_errors=True)
    with override_settings(**{name: folder / name.lower() for name in OUTSIDE}):
        yield


# What a process wants to be told before it starts: an outside where nobody answers.
NOBODY_OUTSIDE = {
    "DMP_BASE_URL": "https://dmp.example",
    "DMP_HISTORY_URL": "http://127.0.0.1:9",
    "DMP_HISTORY_TOKEN": "none",
    "DMP_SMS_URL": "http://127.0.0.1:9",
    "DMP_SMS_TOKEN": "none",
    "DMP_SMTP_HOST": "127.0.0.1",
    "DMP_SMTP_PORT": "9",
}


@dataclass(frozen=True)
class RealDatabase:
    """A database where commits are real, and the two ways into it that the application does not have."""

    name: str
    var: Path

    def superuser(self) -> AbstractContextManager[psycopg.Connection]:
        return pg.connect(self.var, self.name)

    @contextmanager
    def owner(self) -> Iterator[psycopg.Connection]:
        with pg.connect(self.var, self.name, login="dmp_owner") as connection:
            yield connection

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a real process (worker, scheduler, web) on this database."""
        # Playwright's loop asks it of this process alone; a deployment refuses to start with it.
        mine = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
        return mine | {
            "DJANGO_SETTINGS_MODULE": "dmp.settings",
            "DMP_VAR": str(self.var),
            "DATABASE_URL": pg.url(self.var, self.name, "dmp_app"),
            "DATABASE_OWNER_URL": pg.url(self.var, self.name, "dmp_owner"),
            **{name: str(getattr(settings, name)) for name in OUTSIDE},
            **NOBODY_OUTSIDE,
            **more,
        }


@pytest.fixture
def real_database(
    django_db_setup: None, django_db_blocker, postgresql: Path, cluster_in_memory: bool
) -> Iterator[RealDatabase]:
    """A fresh copy of the migrated database for one test that truly commits."""
    strategy = "file_copy" if cluster_in_memory else "wal_log"
    copy = f"{TEST_DATABASE}_copy"
    with django_db_blocker.unblock():
        from django.db import connections

        from revocation import doors

        connections.close_all()
        doors.forget()
        with pg.connect(postgresql) as server:
            pg.drop_database(server, copy)
            pg.create_database(server, copy, template=TEST_DATABASE, strategy=strategy)
        _point_at(copy)
        # What is kept outside a database is about that database alone.
        with outside_of(copy, postgresql):
            yield RealDatabase(copy, postgresql)
        _point_at(TEST_DATABASE)
        with pg.connect(postgresql) as server:
            pg.drop_database(server, copy)
