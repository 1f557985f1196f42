"""An insurer of the tests' own: a real server on loopback, which knows as many people as one likes."""

import json
from collections.abc import Iterator, Mapping
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


@contextmanager
def serving(statements: Mapping[str, bytes]) -> Iterator[str]:
    """The address of an insurer that holds these statements, by number of 15 characters."""

    class Historiques(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = self.headers["Authorization"] == f"Bearer {TOKEN}" and self.path == "/historiques"
            found = statements.get(asked["ins"]["valeur"]) if known else None
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(found or b"")))
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Historiques)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
