"""A small WSGI application behind a front that is soon impatient, served by real processes in the tests."""

import json
import os
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from dmp.front.application import ANNOUNCED, Front
from dmp.front.bodies import Budget, Pace

LARGE = b"x" * 30_000_000
calls: list[str] = []


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if ask := environ.get(ANNOUNCED):
        if path == "/upload":
            ask.most, ask.sender = 2_000_000, environ.get("HTTP_X_SENDER", "")
        start_response("413 Content Too Large", [("Content-Type", "text/plain")])
        return [b"larger than " + str(ask.most).encode()]
    body = environ["wsgi.input"].read()
    calls.append(f"{path} {len(body)}")
    if path == "/sleep":
        time.sleep(1.8)
    if path == "/broken":
        raise RuntimeError
    if path == "/ended":
        raise SystemExit
    headers = [("Content-Type", "text/plain")]
    if path == "/file":
        headers.append(("Content-Length", str(Path(__file__).stat().st_size)))
    if path == "/misspelt":
        headers.append(("X-Number", 3))
    start_response("200 OK", headers)
    match path:
        case "/large":
            return [LARGE]
        case "/file":
            return environ["wsgi.file_wrapper"](Path(__file__).open("rb"))
        case "/calls":
            return [json.dumps(calls).encode()]
        case "/process":
            return [str(os.getpid()).encode()]
        case "/environ":
            told = {name: value for name, value in environ.items() if isinstance(value, str)}
            return [json.dumps(told).encode()]
    return [f"{len(body)} {sha256(body).hexdigest()}".encode()]


front = Front(
    application,
    asks=True,
    threads=2,
    pace=Pace(grace=1.5, bytes_per_second=20_000, longest=4.0),
    files=Budget(5_000_000, 3_000_000),
    whole=4,  # others come piece by piece
)
