"""The processes of the web: a master that holds the socket, workers that die with it."""

import argparse
import multiprocessing
import os
import resource
import signal
import socket
from functools import partial
from importlib import import_module
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.net import SocketHolder
from granian.server import Server

from dmp import children
from dmp.front.application import THREADS, Front

BACKLOG = 2048
CONNECTIONS = 4096  # in one process: a slow one costs some 20 kB
HEAD_SECONDS = 10  # to send a request's head, and how long a connection may stay idle


class Web(Server):
    """granian, on a socket that is already open and that its workers share.

    One queue of connections for all of them: a worker that ends takes none of those that wait with it.
    """

    def __init__(self, target: str, listening: socket.socket, **how: Any) -> None:
        super().__init__(target, **how)
        self._listening = listening

    def _init_shared_socket(self) -> None:
        self._ssp, self._sso = None, None
        self._shd = SocketHolder(self._listening.fileno(), False, self.backlog)

    def _drop_shared_socket(self) -> None:
        self._listening.close()


def main() -> int:
    asked = arguments()
    allow_many_connections()
    multiprocessing.set_start_method("fork")
    os.register_at_fork(after_in_child=partial(children.die_with, os.getpid(), signal.SIGKILL))
    web = Web(
        asked.target,
        listening(asked),
        address=asked.host,
        port=asked.port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=asked.workers,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_SECONDS * 1000),
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=asked.grace,
    )
    web.serve(target_loader=partial(load, asked.target, asked.threads), wrap_loader=False)
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dmp.front", description=__doc__)
    parser.add_argument("target", help="module:name of an RSGI or WSGI application")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--fd", type=int, help="a listening socket, inherited: instead of a port")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=THREADS, help="of a WSGI application, in each worker")
    parser.add_argument("--grace", type=int, default=30, help="seconds given to end what was begun")
    return parser.parse_args()


def listening(asked: argparse.Namespace) -> socket.socket:
    """The socket that whoever started us holds, or one of our own."""
    if asked.fd is not None:
        return socket.socket(fileno=asked.fd)
    family = socket.AF_INET6 if ":" in asked.host else socket.AF_INET
    return socket.create_server((asked.host, asked.port), family=family, backlog=BACKLOG)


def load(target: str, threads: int) -> Any:
    """In a worker: the application, behind a front when it is a WSGI one."""
    module, _, name = target.partition(":")
    application = getattr(import_module(module), name or "application")
    return application if hasattr(application, "__rsgi__") else Front(application, threads=threads)


def allow_many_connections() -> None:
    """Each connection is a file: the limit of a shell, often 1024, is raised to what we may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 1024
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, wanted) if hard > 0 else wanted), hard))
