"""An insurer of the tests' own: a real server on loopback, which knows as many people as one likes."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from .cast import CAMILLE, Insured

TOKEN = "a token between the insurer and us"


def people(count: int) -> list[Insured]:
    """Namesakes of Camille, born on the same day in the same place, with a number each."""
    return [
        CAMILLE.but(number=f"{CAMILLE.number[:10]}{order:03d}", seed=order) for order in range(1, count + 1)
    ]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *asked: object) -> None:
        """Whoever asked may have been killed since: that is no error of the insurer's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*asked)


@contextmanager
def serving(
    statements: Mapping[str, bytes], *, before: Callable[[str], object] = lambda number: None
) -> Iterator[str]:
    """The address of an insurer that holds these statements, by number of 15 characters.

    `before` is called with the number asked about, and may take its time: the answer leaves afterwards. Who
    asked may be dead by then.
    """

    class Historiques(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = self.headers["Authorization"] == f"Bearer {TOKEN}" and self.path == "/historiques"
            found = statements.get(asked["ins"]["valeur"]) if known else None
            before(asked["ins"]["valeur"])
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(found or b"")))
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Historiques)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
