"""What is in Redis is a bell or a copy; nobody else rings, reads or stops anything there."""

import json
import subprocess
import sys
import time
from base64 import b64encode
from contextlib import contextmanager
from uuid import uuid4

import pytest
import redis
import yaml
from django.conf import settings
from django.utils import timezone

from accounts.session_cache import SessionCache
from dmp import children, valkey
from dmp.celery import app
from jobs import bell, queue
from jobs.urgency import Urgency


@pytest.fixture
def server(redis_server):
    with valkey.operator(settings.DMP_VAR) as client:
        client.flushall()
        client.acl_log_reset()
        yield client
        client.flushall()


@pytest.fixture
def application(redis_server):
    with redis.Redis.from_url(settings.DMP_REDIS_URL) as client:
        yield client


def test_nobody_comes_in_without_the_password(redis_server):
    with redis.Redis(unix_socket_path=redis_server) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


@pytest.mark.parametrize("password", ["", "dmp", "x" * 64])
def test_another_password_does_not_do(redis_server, password):
    client = redis.Redis(unix_socket_path=redis_server, username="dmp", password=password or None)

    with client, pytest.raises(redis.RedisError):
        client.ping()


FORBIDDEN = [
    *(
        "FLUSHALL",
        "FLUSHDB",
        "KEYS *",
        "SCAN 0",
        "MONITOR",
        "SHUTDOWN NOSAVE",
        "DEBUG SLEEP 0",
        "SAVE",
        "BGSAVE",
    ),
    *("CONFIG GET *", "CONFIG SET dir /tmp", "CONFIG SET maxmemory-policy noeviction", "CONFIG REWRITE"),
    *("ACL LIST", "ACL SETUSER dmp +@all", "ACL WHOAMI", "MODULE LIST", "MODULE LOAD /tmp/x.so"),
    *("CLIENT LIST", "CLIENT KILL TYPE normal", "CLIENT PAUSE 1000", "REPLICAOF 127.0.0.1 1", "SWAPDB 0 1"),
    *(
        "EVAL return 0",
        "SCRIPT FLUSH",
        "FUNCTION LIST",
        "SUBSCRIBE celery.pidbox",
        "PUBLISH x y",
        "SLOWLOG GET",
    ),
    *(
        "SET other 1",
        "GET other",
        "DUMP session:x",
        "RESTORE session:x 0 x",
        "RANDOMKEY",
        "OBJECT HELP",
        "SORT x",
    ),
]


@pytest.mark.parametrize("command", FORBIDDEN)
def test_the_application_may_not(application, command):
    with pytest.raises(redis.ResponseError, match=r"(?i)no permissions|not allowed"):
        application.execute_command(*command.split())


def test_what_the_application_does_it_may(server, application):
    cache = SessionCache(settings.DMP_REDIS_URL)
    cache.put(b"mac", b"sealed", 60)
    cache.drop(b"mac")

    assert all(bell.ring(urgency) for urgency in Urgency)

    assert cache.get(b"mac") == b""
    assert server.acl_log() == []


def test_full_memory_refuses_nothing(tmp_path, monkeypatch):
    """What was used longest ago goes: a copy of a session, or a bell."""
    running = valkey.start(tmp_path, megabytes=4)
    try:
        with valkey.operator(tmp_path) as client:
            evicted = client.info("stats")["evicted_keys"]
            with redis.Redis.from_url(valkey.address(tmp_path, "unix", "db=1")) as application:
                for number in range(2000):
                    assert application.set(f"session:{number}", b"x" * 4000, ex=60)
                assert application.lpush("codes", b"bell")
            assert client.info("stats")["evicted_keys"] > evicted
    finally:
        children.stop(running)


def test_a_message_of_megabytes_is_not_taken(application):
    with pytest.raises(redis.RedisError):
        application.lpush("codes", b"x" * 2_000_000)


def test_workers_take_no_orders_and_tell_nothing():
    assert app.conf.worker_enable_remote_control is False
    assert app.conf.worker_send_task_events is False
    assert app.conf.task_send_sent_event is False
    assert app.conf.accept_content == ["json"]


def message(task="jobs.look", kwargs=None, *, content_type="application/json", body=None, **headers):
    """A message as Celery would have sent it, or not quite."""
    if body is None:
        body = b64encode(json.dumps([[], kwargs or {}, {}]).encode()).decode()
    return json.dumps(
        {
            "body": body,
            "content-encoding": "utf-8",
            "content-type": content_type,
            "headers": {"lang": "py", "task": task, "id": str(uuid4()), "root_id": None} | headers,
            "properties": {
                "correlation_id": str(uuid4()),
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": "bulk"},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    )


NOT_OURS = {
    "not json": "\x00\xff not json",
    "no headers": "{}",
    "a list": "[]",
    "null": "null",
    "an unknown task": message("os.system", {"command": "true"}),
    "celery's own": message("celery.backend_cleanup"),
    "wrong arguments": message(kwargs={"job": "1"}),
    "a class we do not have": message(kwargs={"urgency": "__class__"}),
    "a class that is no word": message(kwargs={"urgency": ["codes"]}),
    "pickle": message(
        content_type="application/x-python-serialize", body=b64encode(b"cos\nsystem\n.").decode()
    ),
    "yaml": message(
        content_type="application/x-yaml", body=b64encode(b"!!python/object:os.system {}").decode()
    ),
    "a body that is no base64": message(body="%%%"),
    "nested": message(kwargs={"urgency": None}, body=b64encode(b"[" * 50_000).decode()),
    "in an hour": message(kwargs={"urgency": "bulk"}, eta="9999-01-01T00:00:00"),
    "a strange date": message(kwargs={"urgency": "bulk"}, eta="yesterday", expires="never"),
}


@contextmanager
def worker(database, log):
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "tests.jobs.worker",
        "worker",
        "-Q",
        "bulk",
        "-l",
        "warning",
    ]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    with log.open("ab") as output:
        process = children.start(
            children.dying_with_us(command), environment=database.environment(), output=output
        )
    try:
        yield process
    finally:
        children.stop(process, patience=10)


def test_a_message_that_is_not_ours_changes_nothing_and_stops_no_worker(
    real_database, server, tmp_path, monkeypatch
):
    from tests.jobs.worker import KIND

    with real_database.superuser() as superuser:
        superuser.execute("CREATE TABLE effect (idem text)")
        superuser.execute("GRANT INSERT, SELECT ON effect TO dmp_app")
    log = tmp_path / "worker.log"
    with worker(real_database, log) as process:
        server.lpush("bulk", *NOT_OURS.values())
        until(lambda: server.llen("bulk") == 0, process, log)

        job = queue.enqueue(KIND, subject_id=uuid4(), idem="1", at=timezone.now())
        bell.ring(Urgency.BULK)
        until(lambda: queue.state(job).state == "done" and server.llen("bulk") == 0, process, log)

        assert process.poll() is None
    assert queue.waiting(["ready", "leased", "held", "dead"]) == []


def until(true, process, log):
    deadline = time.monotonic() + 90
    while not true():
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.1)


def test_the_container_s_server_has_the_same_rules(tmp_path):
    service = yaml.safe_load((settings.BASE_DIR / "docker-compose.yml").read_text())["services"]["valkey"]
    [script] = service["command"]
    rules = service["environment"]["VALKEY_RULES"]

    [_, ours] = valkey.access_list("a password").splitlines()

    assert ours.split(" ", 4)[4] == rules
    for name, value in valkey.LIMITS.items():
        written = value or '""'
        assert f"--{name} {written}" in script


def test_the_container_s_server_starts_and_asks_for_the_password(tmp_path):
    """Its own command, run here."""
    service = yaml.safe_load((settings.BASE_DIR / "docker-compose.yml").read_text())["services"]["valkey"]
    [script] = service["command"]
    socket = tmp_path / "s"
    script = script.replace("$$", "$").replace("/tmp/users.acl", str(tmp_path / "users.acl"))
    script = script.replace("valkey-server", f"{valkey.binary()} --port 0 --unixsocket {socket}", 1)
    environment = {
        "PATH": "/usr/bin:/bin",
        "VALKEY_PASSWORD": "p@ss",
        "VALKEY_RULES": service["environment"]["VALKEY_RULES"],
    }
    process = subprocess.Popen(["sh", "-c", script], env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        with redis.Redis(unix_socket_path=str(socket), username="dmp", password="p@ss") as known:
            assert known.set("session:x", "1", ex=5)
        with redis.Redis(unix_socket_path=str(socket)) as nobody, pytest.raises(redis.AuthenticationError):
            nobody.ping()
    finally:
        children.stop(process)
