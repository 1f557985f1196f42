"""Alive is not ready: a proxy is told the difference, and one word says why."""

import shutil
import time
from statistics import median
from types import SimpleNamespace

import pytest
import structlog
from django.db import OperationalError

from dmp import readiness
from dmp.readiness import NotReady, Watch
from jobs import clock
from vault import keyfile


def ready(client):
    answer = client.get("/readyz")
    return answer.status_code, answer.content.decode().strip()


@pytest.fixture
def at_once(monkeypatch):
    """The thread looks all the time: what is true now is seen in this test, not within a second."""
    monkeypatch.setattr(readiness, "EVERY_SECONDS", 0.01)


@pytest.fixture
def until(client, at_once):
    def becomes(*expected):
        for _ in range(400):
            if ready(client) == expected:
                return True
            time.sleep(0.01)
        return ready(client) == expected

    return becomes


@pytest.fixture
def store(tmp_path, settings):
    options = {
        "BACKEND": "documents.store.DurableFileSystemStorage",
        "OPTIONS": {"location": tmp_path / "store"},
    }
    settings.STORAGES = settings.STORAGES | {"default": options}
    return tmp_path / "store"


def test_a_process_that_answers_is_alive(client):
    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_a_process_that_lacks_nothing_is_ready(client):
    assert ready(client) == (200, "ok")


@pytest.mark.django_db
def test_a_web_whose_clock_is_five_minutes_ahead_says_so_and_serves(monkeypatch):
    now = time.time
    monkeypatch.setattr(clock, "_watch", clock.Watch())
    monkeypatch.setattr(clock, "_skew", 0.0)
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: now() + 300, monotonic=time.monotonic))

    with structlog.testing.capture_logs() as logs:
        readiness.the_database_can_be_written()

    [line] = logs
    assert (line["event"], line["seconds"]) == ("clock skew", pytest.approx(300, abs=1))


@pytest.mark.django_db
def test_it_answers_within_two_milliseconds(client):
    ready(client)
    times = []
    for _ in range(50):
        started = time.thread_time()
        ready(client)
        times.append(time.thread_time() - started)

    assert median(times) < 0.002


@pytest.mark.django_db
def test_a_process_without_its_database_is_not_ready(until, monkeypatch):
    assert until(200, "ok")

    def gone(*_, **__):
        raise OperationalError

    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", gone)

    assert until(503, "database")


def test_a_database_that_is_read_only_for_whoever_comes_next(until, real_database):
    assert until(200, "ok")

    for setting in (
        f"ALTER DATABASE {real_database.name} SET default_transaction_read_only = on",
        f"ALTER ROLE dmp_app IN DATABASE {real_database.name} SET default_transaction_read_only = 'yes'",
    ):
        with real_database.superuser() as superuser:
            superuser.execute(setting)
        assert until(503, "read-only"), setting
        with real_database.superuser() as superuser:
            superuser.execute("SET default_transaction_read_only = off")
            superuser.execute(setting.partition(" SET ")[0] + " RESET default_transaction_read_only")
        assert until(200, "ok"), setting


def test_a_role_that_may_write_in_a_database_that_may_not(until, real_database):
    with real_database.superuser() as superuser:
        for whom, how in (
            (f"ROLE dmp_app IN DATABASE {real_database.name}", "off"),
            (f"DATABASE {real_database.name}", "on"),
        ):
            superuser.execute(f"ALTER {whom} SET default_transaction_read_only = {how}")

    assert until(200, "ok")


def test_a_whole_server_that_turns_read_only(until, real_database):
    assert until(200, "ok")
    with real_database.superuser() as superuser:
        superuser.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        superuser.execute("SELECT pg_reload_conf()")
    try:
        assert until(503, "read-only")
    finally:
        with real_database.superuser() as superuser:
            superuser.execute("SET default_transaction_read_only = off")
            superuser.execute("ALTER SYSTEM RESET default_transaction_read_only")
            superuser.execute("SELECT pg_reload_conf()")
    assert until(200, "ok")


def test_a_migration_that_was_not_applied(until, real_database):
    assert until(200, "ok")
    with real_database.owner() as owner:
        removed = owner.execute(
            "DELETE FROM django_migrations WHERE app = 'jobs' AND name LIKE '0001%' RETURNING name"
        )
        assert removed.fetchone()

    assert until(503, "migrations")


def test_a_database_of_the_next_release_is_no_reason(until, real_database):
    with real_database.owner() as owner:
        owner.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('jobs', '9999_later', now())"
        )

    assert until(200, "ok")


@pytest.mark.parametrize("fault", ["missing", "readable by others", "malformed", "another one"])
def test_a_key_that_a_process_starting_now_could_not_use(fault, until, real_database, settings, tmp_path):
    path = tmp_path / "kek.json"
    shutil.copy(settings.VAULT["KEYS"], path)
    path.chmod(0o600)
    settings.VAULT = settings.VAULT | {"KEYS": path}
    assert until(200, "ok")

    if fault == "missing":
        path.unlink()
    elif fault == "readable by others":
        path.chmod(0o644)
    elif fault == "malformed":
        path.write_text("{}")
    else:
        path.unlink()
        keyfile.write_new(path, keyfile.KeyFile.fresh())

    assert until(503, "key")


@pytest.mark.django_db
def test_a_store_where_nothing_can_be_written(until, store):
    assert until(200, "ok")

    shutil.rmtree(store)
    store.write_text("a file where the folder was")

    assert until(503, "store")


@pytest.mark.django_db
def test_a_store_whose_disk_has_no_room_for_a_document(until, store, monkeypatch):
    assert until(200, "ok")
    usage = shutil.disk_usage(store)

    monkeypatch.setattr("documents.store.shutil.disk_usage", lambda _: usage._replace(free=10_000_000))

    assert until(503, "store")


@pytest.mark.django_db
def test_a_look_leaves_nothing_in_the_store(until, store):
    assert until(200, "ok")
    readiness.watch.stop()

    assert list(store.iterdir()) == []


@pytest.mark.django_db
def test_redis_is_no_reason(until, settings):
    settings.DMP_REDIS_URL = settings.CELERY_BROKER_URL = "redis://127.0.0.1:9/0"

    assert until(200, "ok")


def test_what_no_longer_answers_at_all_is_named_and_holds_nobody(monkeypatch):
    monkeypatch.setattr(readiness, "LATE_SECONDS", 0.1)
    watch = Watch((("database", lambda: None), ("store", lambda: time.sleep(2))))

    started = time.monotonic()
    assert watch.word() == "store"
    assert time.monotonic() - started < 1.5
    watch.stop()


def test_the_first_reason_is_the_one_that_is_said():
    def not_ready():
        raise NotReady("recovery")

    watch = Watch((("database", not_ready), ("store", lambda: 1 / 0)))

    assert watch.word() == "recovery"
    watch.stop()


def test_nobody_looks_when_nobody_asks(monkeypatch):
    monkeypatch.setattr(readiness, "UNASKED_SECONDS", 0.05)
    monkeypatch.setattr(readiness, "EVERY_SECONDS", 0.01)
    looked = []
    watch = Watch((("database", lambda: looked.append(1)),))

    assert watch.word() == ""
    time.sleep(0.3)
    count = len(looked)
    time.sleep(0.1)

    assert len(looked) == count
    assert watch.word() == ""
    watch.stop()


def test_every_answer_refuses_devices_and_other_sites(client):
    answer = client.get("/healthz")

    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
