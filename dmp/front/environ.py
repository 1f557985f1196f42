"""A request as WSGI (PEP 3333) wants it told, from what granian read."""

import sys
from functools import lru_cache
from io import BytesIO
from typing import Any

from granian.rsgi import Scope

VERSIONS = {"1": "HTTP/1.0", "1.1": "HTTP/1.1"}
ALONE = {"CONTENT_TYPE", "CONTENT_LENGTH"}


@lru_cache(maxsize=512)
def variable(header: str) -> str | None:
    """The name of a header's variable; None for `x_forwarded_for`, which would pass for `x-forwarded-for`."""
    if "_" in header:
        return None
    name = header.upper().replace("-", "_")
    return name if name in ALONE else f"HTTP_{name}"


def environ(scope: Scope, body: BytesIO, size: int) -> dict[str, Any]:
    """`size` is the number of bytes in `body`, whatever was announced."""
    server, _, port = scope.server.rpartition(":")
    told: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": VERSIONS.get(scope.http_version, "HTTP/1.1"),
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for header, value in scope.headers.items():
        name = variable(header)
        if name is None:
            continue
        if name in told:
            value = told[name] + ("; " if name == "HTTP_COOKIE" else ",") + value
        told[name] = value
    told["CONTENT_LENGTH"] = str(size) if size else ""
    told.pop("HTTP_TRANSFER_ENCODING", None)
    return told
