"""The way out of the house holds against whatever answers."""

import json
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest

from accounts import insurer, outbound
from accounts.identity import Ins, nir_key
from accounts.outbound import TooLarge, Unreachable, call, retry_after
from accounts.traits import Traits
from tests.cast import NOON

CAMILLE = Traits(birth_name="MOREAU", given_names=("Camille", "Anne"), sex="F", birth_date="19790307")
INS = Ins("1.2.250.1.213.1.4.10", "279035121518989")
NIA = Ins("1.2.250.1.213.1.4.11", "8790351215189" + nir_key("8790351215189"))


@contextmanager
def answering(*pieces: bytes, pause: float = 0.0, times: int = 1):
    """A server that answers with these bytes whatever it is asked; what it was asked, as it goes."""
    server = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []

    def serve():
        for _ in range(times):
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                asked.append(_request(client))
                try:
                    for piece in pieces:
                        client.sendall(piece)
                        time.sleep(pause)
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
    finally:
        server.shutdown(socket.SHUT_RDWR)  # whoever waits there for a client goes
        server.close()
        thread.join(timeout=10)
        assert not thread.is_alive()


def _request(client: socket.socket) -> bytes:
    client.settimeout(2)
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65536)
        if not piece:  # who asked has gone: without this, nothing would ever be enough
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    ]
    while lengths and len(body) < lengths[0] and (piece := client.recv(65536)):
        body += piece
    return head + b"\r\n\r\n" + body


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def code_of(url: str, **bounds: float) -> str:
    with pytest.raises(Unreachable) as told:
        call("GET", url, **bounds)
    return told.value.code


def test_an_answer_is_read_whole():
    with answering(http("200 OK", b'{"a": 1}', 'ETag: "x"')) as (url, asked):
        answer = call("POST", url, json={"b": 2})

    assert (answer.status, answer.json(), answer.headers["etag"]) == (200, {"a": 1}, '"x"')
    assert b'{"b": 2}' in asked[0]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status):
    with answering(http(status, b"", "Location: http://127.0.0.1:1/")) as (url, _):
        assert code_of(url) == "answer.redirect"


def test_a_flood_is_cut_at_the_size_allowed():
    flood = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    with answering(flood, *[b"x" * 100_000] * 50) as (url, _), pytest.raises(TooLarge):
        call("GET", url, most=1_000_000)


def test_what_is_compressed_is_refused():
    with answering(http("200 OK", b"\x1f\x8b", "Content-Encoding: gzip")) as (url, _):
        assert code_of(url) == "answer.encoded"


def test_a_drip_does_not_hold_us():
    began = time.monotonic()
    with answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", *[b"x"] * 20, pause=0.1) as (url, _):
        assert code_of(url, whole_seconds=0.3) == "answer.too_slow"
        assert time.monotonic() - began < 1.9


@pytest.mark.parametrize(
    ("pieces", "secure"),
    [
        ([b"HTTP/1.1 200 OK\r\nX-Long: ", *[b"x"] * 40], False),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b"x"] * 40], False),
        ([b"\x16\x03\x03\x40\x00", *[b"\x02"] * 40], True),
    ],
    ids=["headers", "body", "handshake"],
)
def test_nothing_dripped_lasts_longer_than_the_whole(pieces, secure):
    with answering(*pieces, pause=0.1) as (url, _):
        began = time.monotonic()
        with pytest.raises(Unreachable) as told:
            call("GET", url.replace("http:", "https:") if secure else url, whole_seconds=0.3)
        seconds = time.monotonic() - began

    assert told.value.code == "answer.too_slow"
    assert seconds < 2.0


def test_a_silence_does_not_hold_us(monkeypatch):
    with answering(b"", pause=1.0) as (url, _), pytest.raises(Unreachable) as told:
        call("GET", url, read_seconds=0.2)

    assert told.value.code == "no_answer"


def test_a_cut_answer_is_no_answer():
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") as (url, _):
        assert code_of(url) == "no_answer"


@pytest.mark.parametrize(
    "url", ["http://insurer.example/", "ftp://127.0.0.1/", "file:///etc/passwd", "//x", ""]
)
def test_nothing_leaves_in_clear_nor_by_another_protocol(url):
    assert code_of(url) == "address.not_https"


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (socket.gaierror(socket.EAI_NONAME, "not known"), "address.unknown"),
        (socket.gaierror(socket.EAI_AGAIN, "come back"), "no_answer"),
        (ssl.SSLCertVerificationError("not theirs"), "address.not_trusted"),
        (ssl.SSLError("broken"), "no_answer"),
    ],
    ids=["no such name", "no name for now", "somebody else's certificate", "a broken handshake"],
)
def test_an_address_that_is_wrong_is_told_from_a_silence(monkeypatch, failure, code):
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    assert code_of("https://assurance.invalid/historiques") == code


def test_nobody_there_is_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert code_of(f"http://127.0.0.1:{port}/") == "no_answer"


def test_no_cookie_is_kept_and_no_environment_believed(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with answering(http("200 OK", b"", "Set-Cookie: a=b; Path=/"), times=2) as (url, asked):
        call("GET", url)
        call("GET", url)

    assert b"cookie" not in asked[1].lower()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_told(body):
    with pytest.raises(Unreachable, match="not_json"):
        outbound.Answer(200, {}, body).json()


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(seconds=1)),
        ("99999999999", timedelta(days=1)),
        ("9" * 5000, timedelta(days=1)),
        ("000000060", timedelta(minutes=1)),
        ("-5", None),
        ("Fri, 31 Dec 99999 00:00:00 GMT", None),
        ("Sat, 21 Nov 2026 12:10:00 GMT", timedelta(minutes=10)),
        ("Sat, 21 Nov 2020 12:10:00 GMT", timedelta(seconds=1)),
        ("", None),
        ("soon", None),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_a_day(text, wait):
    assert retry_after(text, now=NOON) == wait


# The insurer ------------------------------------------------------------------------------------


@contextmanager
def the_insurer(settings, *pieces: bytes):
    with answering(*pieces) as (url, asked):
        settings.DMP_HISTORY_URL, settings.DMP_HISTORY_TOKEN = url, "the token"
        yield asked


def test_the_insurer_is_told_what_the_protocol_says_and_no_more(settings):
    told = (
        b'{"id": "v/1", "contacts": [{"id": "c1", "canal": "sms", "masque": "06 ** ** ** 42"}],'
        b' "traits": {"nom_naissance": "MOREAU", "prenoms": ["CAMILLE", "JEANNE"], "sexe": "F",'
        b' "date_naissance": "19790307", "lieu_naissance": "31555"}}'
    )
    with the_insurer(settings, http("200 OK", told)) as asked:
        verification = insurer.verify(INS, CAMILLE, "12345678901")

    assert verification.id == "v/1"
    assert verification.contacts[0].mask == "06 ** ** ** 42"
    assert verification.traits == Traits(
        birth_name="MOREAU",
        given_names=("CAMILLE", "JEANNE"),
        sex="F",
        birth_date="19790307",
        birth_place="31555",
    )
    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /verifications ")
    assert b"Authorization: Bearer the token" in head
    assert b'"serie_vitale": "12345678901"' in body
    assert b'"prenom": "Camille"' in body
    assert b"Anne" not in body


@pytest.mark.parametrize("asked", [NIA, INS], ids=["asked by the former", "asked by the present"])
def test_the_insurer_tells_the_number_of_today_and_those_of_before(settings, asked):
    told = {
        "id": "v1",
        "contacts": [],
        "traits": {"nom_naissance": "MOREAU", "prenoms": [], "sexe": "F", "date_naissance": "19790307"},
        "ins": {"oid": INS.oid, "valeur": INS.value},
        "ins_anciens": [{"oid": NIA.oid, "valeur": NIA.value}],
    }
    with the_insurer(settings, http("200 OK", json.dumps(told).encode())):
        verification = insurer.verify(asked, CAMILLE, "12345678901")

    assert verification.ins == (INS if asked == NIA else None)
    assert verification.former == (NIA,)


def test_whom_the_insurer_does_not_recognise_is_nobody(settings):
    with the_insurer(settings, http("404 Not Found")):
        assert insurer.verify(INS, CAMILLE, "12345678901") is None


@pytest.mark.parametrize(
    ("answer", "code", "wait"),
    [
        (http("503 Busy", b"", "Retry-After: 60"), "insurer.status_503", timedelta(minutes=1)),
        (http("429 Slow down", b"", "Retry-After: 30"), "insurer.status_429", timedelta(seconds=30)),
        (http("500 Oops"), "insurer.status_500", None),
        (http("401 Who"), "insurer.status_401", None),
        (http("200 OK", b"<html>"), "answer.not_json", None),
        (http("200 OK", b"[]"), "insurer.not_understood", None),
        (
            http("200 OK", b'{"id": "v", "contacts": [{"id": "c", "canal": "pigeon"}]}'),
            "insurer.not_understood",
            None,
        ),
        (http("200 OK", b'{"id": "v", "contacts": []}'), "insurer.not_understood", None),  # no traits
        (http("302 Found", b"", "Location: /"), "answer.redirect", None),
    ],
)
def test_any_other_answer_of_the_insurer_is_later(settings, answer, code, wait):
    with the_insurer(settings, answer), pytest.raises(insurer.InsurerUnreachable) as told:
        insurer.verify(INS, CAMILLE, "12345678901")

    assert (told.value.code, told.value.retry_after) == (code, wait)


def test_the_identifier_of_a_verification_stays_one_piece_of_the_address(settings):
    with the_insurer(settings, http("202 Accepted")) as asked:
        insurer.send_code("../v?x", "c1", "123456")

    assert asked[0].startswith(b"POST /verifications/..%2Fv%3Fx/codes ")


def test_a_history_that_does_not_end_is_cut(settings):
    flood = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 25_000_000
    with the_insurer(settings, flood), pytest.raises(insurer.AnswerTooLarge):
        insurer.request("/historiques", {})


# -- A deadline, whatever the other side does ------------------------------------------------------


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\n", *[b"X-%d: y\r\n" % number for number in range(40)]],
        [b"HTTP/1.1 200 OK\r\nX: ", *[b"y"] * 40],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b"x"] * 40],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 40],
        [b"H", b"T", b"T", *[b"P"] * 40],
    ],
    ids=["heads", "one head", "a body", "chunks", "the first line"],
)
def test_no_drip_holds_us_beyond_the_deadline(monkeypatch, pieces):
    monkeypatch.setattr(outbound, "WHOLE_SECONDS", 0.4)
    began = time.monotonic()
    with answering(*pieces, pause=0.1) as (url, _):
        assert code_of(url) in ("answer.too_slow", "no_answer")
        assert time.monotonic() - began < 2


def test_what_was_cut_is_not_taken_for_an_end(monkeypatch):
    monkeypatch.setattr(outbound, "WHOLE_SECONDS", 0.3)
    with answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[1,", *[b" "] * 20, pause=0.1) as (url, _):
        assert code_of(url) == "answer.too_slow"


# -- How many at once ------------------------------------------------------------------------------


@pytest.fixture
def two_at_once():
    outbound._start_afresh()
    outbound.at_most(2)
    yield
    outbound.at_most(None)
    outbound._start_afresh()


@contextmanager
def silent():
    """A server that accepts, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def calling(url: str, codes: list[str]) -> threading.Thread:
    def one() -> None:
        try:
            call("GET", url)
            codes.append("answered")
        except Unreachable as failure:
            codes.append(failure.code)

    thread = threading.Thread(target=one)
    thread.start()
    return thread


def until_under_way(calls: int) -> None:
    for _ in range(500):
        if outbound._calls._under_way.total() == calls:
            return
        time.sleep(0.01)
    raise AssertionError("the calls did not begin")


def test_the_third_caller_is_told_to_come_back_and_holds_nothing(monkeypatch, two_at_once):
    monkeypatch.setattr(outbound, "SECONDS_WITH_SOMEBODY_WAITING", 3.0)
    monkeypatch.setattr(outbound, "PATIENCE_SECONDS", 0.1)
    codes: list[str] = []
    with silent() as url:
        threads = [calling(url, codes) for _ in range(2)]
        until_under_way(2)
        with pytest.raises(outbound.Busy) as told:
            call("GET", url)
        assert codes == [], "the others are still waiting"
        for thread in threads:
            thread.join()

    assert told.value.retry_after
    assert set(codes) <= {"no_answer", "answer.too_slow"}


def test_the_silence_of_one_does_not_close_the_way_to_the_others(monkeypatch, two_at_once):
    monkeypatch.setattr(outbound, "SECONDS_WITH_SOMEBODY_WAITING", 2.0)
    monkeypatch.setattr(outbound, "PATIENCE_SECONDS", 0.1)
    codes: list[str] = []
    with silent() as url, answering(http("200 OK", b"{}"), times=4) as (other, _):
        calling(url, codes).join()
        held = calling(url, codes)
        until_under_way(1)

        with pytest.raises(outbound.Busy):
            call("GET", url)
        assert call("GET", other).status == 200
        held.join()


def test_a_short_call_is_worth_waiting_for(monkeypatch, two_at_once):
    monkeypatch.setattr(outbound, "PATIENCE_SECONDS", 10.0)
    codes: list[str] = []
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", b"x", pause=0.1, times=4) as (url, _):
        threads = [calling(url, codes) for _ in range(3)]
        for thread in threads:
            thread.join()

    assert codes == ["answered"] * 3


def test_calls_are_not_counted_where_nobody_waits():
    codes: list[str] = []
    with answering(http("200 OK"), times=20) as (url, _):
        threads = [calling(url, codes) for _ in range(12)]
        for thread in threads:
            thread.join()

    assert codes == ["answered"] * 12


# The way out where there is only one -----------------------------------------------------------


def test_a_proxy_that_the_settings_name_is_the_way_out(settings):
    with answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as (proxy, asked):
        settings.DMP_EGRESS_PROXY = proxy.replace("http://", "http://house:secret@")

        with pytest.raises(Unreachable, match="no_answer"):
            call("GET", "https://insurer.example/dmp")

    (head,) = asked
    assert head.startswith(b"CONNECT insurer.example:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic " in head
    assert b"/dmp" not in head


def test_what_is_on_this_machine_is_reached_without_it(settings):
    settings.DMP_EGRESS_PROXY = "http://127.0.0.1:9"
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (url, _):
        assert call("GET", url).body == b"ok"


def test_the_variables_of_a_shell_are_not_read(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (url, _):
        assert call("GET", url).body == b"ok"


def test_a_proxy_that_drips_its_agreement_is_cut(settings, monkeypatch):
    monkeypatch.setattr(outbound, "WHOLE_SECONDS", 0.5)
    with answering(*[bytes([byte]) for byte in b"HTTP/1.1 200 OK\r\nX: " + b"a" * 60], pause=0.1) as (
        proxy,
        _,
    ):
        settings.DMP_EGRESS_PROXY = proxy

        started = time.monotonic()
        with pytest.raises(Unreachable, match=r"answer\.too_slow"):
            call("GET", "https://insurer.example/dmp")

    assert time.monotonic() - started < 5
