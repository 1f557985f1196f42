"""The server: it has loaded what the work needs, forks for each request, and never reads an input itself.

One thread, two generations. For each connection it forks a supervisor; the supervisor makes the namespaces,
forks the child that does the work, watches it, and says how it ended. A child that runs riot, or a client
that goes away, costs a supervisor and its child, and nothing else.
"""

import contextlib
import errno
import gc
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Never

from . import kernel, namespaces, wire
from .confinement import INPUT, OUTPUT, Budget, Mode, best_mode, confine
from .wire import Ending

Work = Callable[[bytes, str], bytes]

OUT_OF_MEMORY = 3  # exit statuses of a child
BROKEN = 1
UNCONFINED = 4

AT_ONCE = 8  # children at the same time; further requests wait their turn in the kernel's queue
WAITING = 128
REQUESTED_WITHIN = 10.0  # seconds, once connected
LOOK_EVERY = 1.0  # seconds
STALLED_AFTER = 15.0  # seconds without any use of the processor: a busy machine gives some of it each second
LONGEST_LIFE = 400.0  # seconds of clock: the whole budget, on a machine that gives a thirteenth of a core
LAST_ORDERS = 10.0  # seconds that children have to end when the server is asked to stop


def listen(address: Path) -> socket.socket:
    """Take this address, from whoever had it before: who may reach it is who may enter its folder."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    address.unlink(missing_ok=True)
    listener.bind(str(address))
    address.chmod(0o666)
    listener.listen(WAITING)
    return listener


def serve(
    address: Path, work: Work, budget: Budget, *, warm: Callable[[], None], mode: Mode | None = None
) -> None:
    """Answer until SIGTERM. `warm` loads, by working once, what would be loaded on first use.

    Raises confinement.NoJail before anything is answered, when nothing confines a child here.
    """
    listener = listen(address)
    parent = os.getppid()
    dying_with_parent = kernel.signal_at_parents_death()
    warm()
    _cease_to_be_root()
    mode = mode or best_mode()
    if mode is Mode.NAMESPACES:
        namespaces.leave_the_system()
    # The kernel forgot it when this process changed user: the parent may have died since.
    kernel.prctl(kernel.PR_SET_PDEATHSIG, dying_with_parent)
    if dying_with_parent and os.getppid() != parent:
        return
    gc.collect()
    gc.freeze()  # what is loaded lives as long as the server: no child looks at it again
    _Server(listener, work, budget, mode).run()


def _cease_to_be_root() -> None:
    nobody = namespaces.OVERFLOW
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):  # root of a container that has no other user
            os.setgroups([])
            os.setresgid(nobody, nobody, nobody)
            os.setresuid(nobody, nobody, nobody)


class _Server:
    def __init__(self, listener: socket.socket, work: Work, budget: Budget, mode: Mode) -> None:
        self.listener, self.work, self.budget, self.mode = listener, work, budget, mode
        self.supervisors: dict[int, int] = {}  # their pid, by the descriptor that tells their end
        self.stopping = False

    def run(self) -> None:
        self.awake, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGTERM, self._asked_to_stop)
        signal.signal(signal.SIGINT, self._asked_to_stop)
        while not self.stopping:
            self._turn(None)
        self.listener.close()
        deadline = time.monotonic() + LAST_ORDERS
        while self.supervisors and time.monotonic() < deadline:
            self._turn(deadline - time.monotonic())

    def _asked_to_stop(self, *_: object) -> None:
        self.stopping = True

    def _turn(self, patience: float | None) -> None:
        """Wait for something to happen, and see to it."""
        awaited = [*self.supervisors]
        if not self.stopping:
            awaited.append(self.awake)
            if len(self.supervisors) < AT_ONCE:
                awaited.append(self.listener.fileno())
        ready, _, _ = select.select(awaited, [], [], patience)
        for descriptor in ready:
            if descriptor in self.supervisors:
                os.waitpid(self.supervisors.pop(descriptor), 0)
                os.close(descriptor)
            elif descriptor != self.awake:
                self._accept()

    def _accept(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            pid = os.fork()
            if pid == 0:
                _as_a_supervisor(self, connection)
            self.supervisors[os.pidfd_open(pid)] = pid


def _as_a_supervisor(server: _Server, connection: socket.socket) -> Never:
    status = BROKEN
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        for asked in (signal.SIGTERM, signal.SIGINT):
            signal.signal(asked, signal.SIG_IGN)
        server.listener.close()
        with contextlib.suppress(
            BrokenPipeError, ConnectionResetError, TimeoutError, wire.BadRequest
        ):  # the client has gone
            _supervise(connection, server.work, server.budget, server.mode)
        status = 0
    except OSError as failure:
        code = errno.errorcode.get(failure.errno or 0, "")
        line = {"event": "supervisor failed", "level": "error", "error": type(failure).__name__, "code": code}
        sys.stderr.write(json.dumps(line) + "\n")
    finally:
        os._exit(status)


def _supervise(connection: socket.socket, work: Work, budget: Budget, mode: Mode) -> None:
    connection.settimeout(REQUESTED_WITHIN)
    label, input_fd, output_fd = wire.requested(connection)
    if mode is Mode.NAMESPACES:
        try:
            namespaces.unshare_for_one_child()
        except OSError:
            wire.tell(connection, Ending(UNCONFINED, 0, 0.0, unconfined=True))
            raise
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    connection.send(wire.STARTED)
    pid = os.fork()
    if pid == 0:
        _as_a_child(work, label, input_fd, output_fd, budget)
    os.close(input_fd)
    os.close(output_fd)
    wire.tell(connection, _watched(pid, connection, budget))


def _as_a_child(work: Work, label: str, input_fd: int, output_fd: int, budget: Budget) -> Never:
    status = UNCONFINED
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        confine(input_fd, output_fd, budget)
        status = BROKEN
        _write(work(_read(), label))
        status = 0
    except MemoryError:
        status = OUT_OF_MEMORY
    finally:
        os._exit(status)


def _read() -> bytes:
    size = os.lseek(INPUT, 0, os.SEEK_END)
    content = bytearray(size)
    at = 0
    while at < size and (piece := os.pread(INPUT, min(size - at, 1 << 20), at)):
        content[at : at + len(piece)] = piece
        at += len(piece)
    return bytes(content)


def _write(output: bytes) -> None:
    left = memoryview(output)
    while left:
        left = left[os.write(OUTPUT, left) :]


def _watched(pid: int, connection: socket.socket, budget: Budget) -> Ending:
    """How the child ended: by itself, by its limits, or by us when it stalls or nobody waits for it."""
    poll = select.poll()
    poll.register(ended := os.pidfd_open(pid), select.POLLIN)
    poll.register(connection, select.POLLRDHUP | select.POLLIN)
    clock = kernel.processor_clock(pid)
    began = moved_at = time.monotonic()
    spent, stalled = 0.0, False
    while not (ready := dict(poll.poll(LOOK_EVERY * 1000))).get(ended):
        now = time.monotonic()
        with contextlib.suppress(OSError):  # it has just ended
            if (so_far := time.clock_gettime(clock)) > spent:
                spent, moved_at = so_far, now
        stalled = now - moved_at > STALLED_AFTER or now - began > LONGEST_LIFE
        if stalled or connection.fileno() in ready:
            os.kill(pid, signal.SIGKILL)
            break
    _, status, usage = os.wait4(pid, 0)
    seconds = usage.ru_utime + usage.ru_stime
    code = os.waitstatus_to_exitcode(status)
    if code == signal.SIGABRT:  # told as an exit status, for the first process of a namespace
        code = -signal.SIGABRT
    return Ending(
        status=max(code, 0),
        killed_by=max(-code, 0),
        processor_seconds=round(seconds, 3),
        # The kernel counts its limits in ticks, some way off what it says was used.
        out_of_time=code == signal.SIGXCPU or (code == -signal.SIGKILL and seconds > 0.8 * budget.seconds),
        # A library that gets no memory aborts, as it does for faults of its own: then little was in use.
        out_of_memory=code == OUT_OF_MEMORY
        or (code == -signal.SIGABRT and usage.ru_maxrss * 1024 > budget.memory // 2),
        stalled=stalled,
        unconfined=code == UNCONFINED,
    )
