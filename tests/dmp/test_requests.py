"""Each request leaves one line that names nobody, and a reference that leads to everything it caused."""

import json
import logging
import re
import time
import warnings
from io import BytesIO
from uuid import uuid4

import pytest
import structlog
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from dmp import logs, requests
from jobs import queue

NIR = "279035121518989"
NAME = "Duchamp-Lagarrigue"
MAIL = "camille.duchamp@example.fr"
PHONE = "0612345678"
PERSON = re.compile(
    "|".join((r"2.?79.?03.?51.?215.?189", NAME, r"camille\.duchamp", r"06.?12.?34.?56.?78")), re.IGNORECASE
)
PLANTED = f"{NIR} {NAME} {MAIL} {PHONE}"


@pytest.fixture
def lines(capsys):
    """The lines of this process so far, parsed; its raw output is kept in `lines.text`."""
    root = logging.getLogger()
    handlers, level, configuration = root.handlers, root.level, structlog.get_config()
    logs.configure({"level": "DEBUG"})

    def read() -> list[dict[str, object]]:
        captured = capsys.readouterr()
        read.text += captured.err + captured.out
        return [json.loads(line) for line in captured.err.splitlines() if line.startswith("{")]

    read.text = ""
    yield read
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**configuration)


def the_line(lines) -> dict[str, object]:
    (line,) = [line for line in lines() if line["event"] == "request"]
    return line


@pytest.mark.django_db
def test_a_request_is_one_line_with_its_route_and_its_reference(client, lines):
    answer = client.get("/aide/?q=a")

    line = the_line(lines)
    assert line["route"] == "public:help"
    assert (line["method"], line["status"]) == ("GET", 200)
    assert line["request"] == answer["X-Request-ID"]
    assert 0 <= line["seconds"] < 10
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", answer["X-Request-ID"])


@pytest.mark.django_db
def test_an_address_that_leads_nowhere_is_not_repeated(client, lines):
    client.get(f"/{NIR}/{NAME}")

    line = the_line(lines)
    assert (line["route"], line["status"]) == ("none", 404)
    assert not PERSON.search(lines.text)


def test_a_health_check_that_answers_well_leaves_no_line(client, lines):
    client.get("/healthz")

    assert lines() == []


@pytest.fixture
def broken(monkeypatch, client):
    """The help page, broken by an exception that carries somebody."""

    def breaks(*_: object, **__: object) -> None:
        raise ValueError(PLANTED)

    monkeypatch.setattr("portal.public.pages.render", breaks)
    client.raise_request_exception = False
    return client


@pytest.mark.django_db
def test_the_page_of_an_error_gives_the_reference_under_which_it_is_found(broken, lines):
    answer = broken.get("/aide/")

    found = [line for line in lines() if line.get("request") == answer["X-Request-ID"]]
    assert answer.status_code == 500
    assert answer["X-Request-ID"] in answer.content.decode()
    assert [line["event"] for line in found] == ["request failed", "request"]
    assert found[0]["error"] == "ValueError"
    assert found[0]["where"].startswith("portal.public.pages.read:")
    assert found[1]["status"] == 500


@pytest.mark.django_db
def test_two_requests_never_share_a_reference(client):
    assert client.get("/aide/")["X-Request-ID"] != client.get("/aide/")["X-Request-ID"]


@pytest.mark.django_db
def test_a_reference_given_from_outside_is_not_believed(client, lines):
    answer = client.get("/aide/", headers={"X-Request-ID": NIR})

    assert answer["X-Request-ID"] != NIR
    assert NIR not in lines.text


def test_references_do_not_repeat():
    assert len({requests.new_reference() for _ in range(5000)}) == 5000


@pytest.mark.django_db
def test_nobody_planted_anywhere_comes_out_in_a_log(client, lines, broken, monkeypatch):
    """Thirty places where somebody's number, name, address or telephone may be: none speaks."""
    upload = SimpleUploadedFile(f"{PLANTED}.pdf", PLANTED.encode())
    gets = [
        {"path": f"/aide/{NIR}"},
        {"path": f"/aide/?q={NIR}&n={NAME}"},
        {"path": f"/connexion/?suite=/{NIR}/{MAIL}"},
        {"path": f"/mon-dmp/documents/{NAME}/"},
        {"path": "/aide/", "headers": {"User-Agent": PLANTED}},
        {"path": "/aide/", "headers": {"Referer": f"http://testserver/?{NIR}"}},
        {"path": "/aide/", "headers": {"Accept-Language": PLANTED}},
        {"path": "/aide/", "headers": {"X-Forwarded-For": PLANTED}},
        {"path": "/aide/", "headers": {"HX-Current-URL": f"http://testserver/{NIR}"}},
        {"path": "/aide/", "headers": {"Cookie": f"session={NIR}; autre={NAME}"}},
        {"path": "/aide/", "headers": {"Authorization": f"Bearer {NIR}"}},
        {"path": "/aide/", "headers": {"Host": f"{NIR}.example"}},
        {"path": "/aide/", "headers": {"Host": f"{NAME}.example"}},
        {"path": "/api/v1/dossiers", "headers": {"Authorization": f"Bearer {NIR}"}},
    ]
    posts = [
        {"path": "/connexion/", "data": {"login": PLANTED, "password": PLANTED}},
        {"path": "/connexion/", "data": {"identifiant": NIR, PLANTED: "1"}},
        {"path": "/ouvrir/numero/", "data": {"nir": NIR}},
        {"path": "/ouvrir/nom/", "data": {"birth_name": NAME, "given_name": PLANTED}},
        {"path": "/ouvrir/numero/", "data": {"fichier": upload}},
        {"path": "/ouvrir/numero/", "data": PLANTED, "content_type": "text/plain"},
        {"path": "/ouvrir/numero/", "data": b"x", "content_type": f"multipart/form-data; boundary={NIR}"},
        {"path": "/ouvrir/numero/", "data": b"x", "content_type": f"application/{NIR}"},
        {"path": "/api/token", "data": {"client_assertion": PLANTED}},
        {"path": "/api/token", "data": json.dumps({PLANTED: PLANTED}), "content_type": "application/json"},
        {"path": "/api/token", "data": "{" + PLANTED, "content_type": "application/json"},
    ]

    for get in gets:
        client.get(**get)
    for post in posts:
        client.post(**post)
    client.generic(NAME, "/aide/")
    for speaking in SPEAKERS:
        try:
            speaking()
        except Exception:
            structlog.get_logger("dmp.test").exception("failed")

    assert len(gets) + len(posts) + len(SPEAKERS) >= 30
    assert sum(line["event"] == "request" for line in lines()) >= len(gets) + len(posts)
    assert not PERSON.search(lines.text), PERSON.search(lines.text)


@pytest.mark.django_db
def test_what_a_request_asks_for_is_found_under_its_reference(lines):
    """One search finds the page, the job that it asked for, and the jobs that this one asks for."""
    job = uuid4()
    with bound_contextvars(request="7F3K9-QXM2P"):
        queue.enqueue("history.import", subject_id=job, idem=str(job), at=timezone.now())

    with connection.cursor() as cursor:
        cursor.execute("SELECT request FROM jobs_job WHERE subject_id = %s", [job])
        assert cursor.fetchone() == ("7F3K9-QXM2P",)
    queue.work(queue.job_id_of("history.import", str(job)))

    worked = [line for line in lines() if line["event"].startswith("job")]
    assert worked
    assert {line["request"] for line in worked} == {"7F3K9-QXM2P"}


def an_exception_of_ours() -> None:
    raise LookupError(PLANTED)


def an_error_of_the_database() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT %s::int", [PLANTED])


def a_library_with_values() -> None:
    logging.getLogger("requests").warning("cannot reach %s: %r", PLANTED, DatabaseError(PLANTED))


def a_library_that_formats_first() -> None:
    logging.getLogger("kombu").error(f"lost {NIR} at {MAIL} and {PHONE}")


def a_library_with_an_exception() -> None:
    try:
        raise ValueError(PLANTED)
    except ValueError:
        logging.getLogger("urllib3").exception("retrying")


def a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn(PLANTED, stacklevel=1)


def a_key_of_ours() -> None:
    structlog.get_logger("dmp.test").info("job worked", job=PLANTED.split()[0], name=NAME, path=f"/{NIR}")


SPEAKERS = (
    an_exception_of_ours,
    an_error_of_the_database,
    a_library_with_values,
    a_library_that_formats_first,
    a_library_with_an_exception,
    a_warning,
    a_key_of_ours,
)


def answered(content_type: str, path: str = "/aide/", verb: str = "GET") -> str:
    """The status with which the application answers, as the front calls it."""
    told = {
        "REQUEST_METHOD": verb,
        "PATH_INFO": path,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": "1" if verb == "POST" else "",
        "wsgi.input": BytesIO(b"x"),
        "wsgi.url_scheme": "http",
    }
    said = []
    requests.Application()(told, lambda status, headers: said.append(status))
    return said[0]


UNREADABLE = [
    "text/plain; charset*=klingon''x",
    "text/plain; charset*=undefined''x",
    "text/plain; a*=idna''xn--%ff",
    "text/plain; a*1*=utf-8''x; a*0=z",
    "multipart/form-data; boundary*=klingon''x",
]


@pytest.mark.django_db
@pytest.mark.parametrize("content_type", UNREADABLE)
def test_a_content_type_that_cannot_be_read_says_nothing(content_type):
    assert answered(content_type) == "200 OK"
    assert answered(content_type, "/oauth/token", "POST").startswith("4")


@pytest.mark.django_db
def test_a_content_type_costs_what_any_other_costs():
    """Python's own reading of parameters takes a minute for the last."""
    answered("text/plain")
    for length in (900, 8_000, 300_000):
        began = time.process_time()
        assert answered('text/plain; a="' + ";" * length) == "200 OK"
        assert time.process_time() - began < 0.5
