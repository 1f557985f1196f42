"""A request as WSGI (PEP 3333) wants it told, from what granian read."""

import sys
from functools import lru_cache
from io import BytesIO
from typing import Any

from granian.rsgi import Scope

from dmp.front.bodies import Refused

VERSIONS = {"1": "HTTP/1.0", "1.1": "HTTP/1.1"}
ALONE = {"CONTENT_TYPE", "CONTENT_LENGTH"}
# What one header may weigh, as for most servers. Whoever reads cookies or parameters in Python may take
# a time that grows with the square of that: a minute at 300 kB.
HEADER_SIGNS = 8192


class HeaderTooLarge(Refused):
    status = 431


@lru_cache(maxsize=512)
def variable(header: str) -> str | None:
    """The name of a header's variable; None for `x_forwarded_for`, which would pass for `x-forwarded-for`."""
    if "_" in header:
        return None
    name = header.upper().replace("-", "_")
    return name if name in ALONE else f"HTTP_{name}"


def environ(scope: Scope, body: BytesIO, size: int) -> dict[str, Any]:
    """`size` is the number of bytes in `body`, whatever was announced. Raises HeaderTooLarge."""
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
        if len(value) > HEADER_SIGNS:
            raise HeaderTooLarge
        told[name] = value
    told["CONTENT_LENGTH"] = str(size) if size else ""
    told.pop("HTTP_TRANSFER_ENCODING", None)
    return told
