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

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.net import SocketHolder
from granian.server import Server

from dmp import children
from dmp.front.application import THREADS, Front
from dmp.front.queues import BACKLOG, queues

WORKERS = 2
CONNECTIONS = 4096  # in one process: a slow one costs some 20 kB
HEAD_SECONDS = 10  # to send a request's head, and how long a connection may stay idle


class Web(Server):
    """granian, on sockets that are already open and stay with the master.

    A worker that ends takes none of the connections that wait with it: its successor finds them.
    """

    def __init__(self, target: str, listening: list[socket.socket], **how: Any) -> None:
        super().__init__(target, **how)
        self._listening = listening

    def _init_shared_socket(self) -> None:
        self._ssp, self._sso = None, None

    def _spawn_worker(self, idx: int, *others: Any, **how: Any) -> Any:
        queue = self._listening[idx % len(self._listening)]
        self._shd = SocketHolder(queue.fileno(), False, self.backlog)
        return super()._spawn_worker(idx, *others, **how)

    def _drop_shared_socket(self) -> None:
        for queue in self._listening:
            queue.close()


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
        loop=Loops.uvloop,
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
    parser.add_argument(
        "--fd",
        type=int,
        action="append",
        help="a listening socket, inherited, instead of a port; given again, the queue of the next worker",
    )
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--threads", type=int, default=THREADS, help="of a WSGI application, in each worker")
    parser.add_argument("--grace", type=int, default=30, help="seconds given to end what was begun")
    asked = parser.parse_args()
    if asked.fd and len(asked.fd) > asked.workers:
        parser.error("a queue without a worker would never be served: fewer --fd, or more --workers")
    return asked


def listening(asked: argparse.Namespace) -> list[socket.socket]:
    """The sockets that whoever started us holds, or our own."""
    if asked.fd:
        return [socket.socket(fileno=descriptor) for descriptor in asked.fd]
    return queues(asked.host, asked.port, asked.workers)


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
