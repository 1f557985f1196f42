"""A checker whose files attack: `python -m tests.jail.attacks SOCKET MODE [LAYER LEFT OUT]`.

Each input is JSON with what the attack is given; the label names it. The answer says what it got, or by which
error it was refused.
"""

import ctypes
import errno
import gc
import json
import mmap
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from jail import kernel, landlock, seccomp, server
from jail.confinement import INPUT, OUTPUT, Budget, Mode

BUDGET = Budget(memory=256 << 20, seconds=1)
ATTACKS: dict[str, Callable[..., object]] = {}
RANGES: list[tuple[int, int]] = []
libc = ctypes.CDLL(None, use_errno=True)


def attack(function: Callable[..., object]) -> Callable[..., object]:
    ATTACKS[function.__name__] = function
    return function


def work(content: bytes, label: str) -> bytes:
    try:
        got = ATTACKS[label](**json.loads(content))
    except OSError as refused:
        return json.dumps({"refused": errno.errorcode[refused.errno or 0]}).encode()
    return json.dumps({"got": got}).encode()


def call(number: int, *arguments: int) -> int:
    result: int = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


# Files -------------------------------------------------------------------------------------------


@attack
def reads(path: str) -> str:
    return Path(path).read_text(errors="replace")


@attack
def lists(path: str) -> list[str]:
    return [entry.name for entry in Path(path).iterdir()]


@attack
def writes(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)


@attack
def makes_a_folder(path: str) -> None:
    Path(path).mkdir()


@attack
def removes(path: str) -> None:
    Path(path).unlink()


@attack
def shares_memory() -> int:
    return os.memfd_create("x")


@attack
def shares_system_v_memory() -> int:
    result: int = libc.shmget(1234, 4096, 0o1666)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


@attack
def changes_its_input() -> int:
    return os.write(INPUT, b"x")


@attack
def reads_another_descriptor() -> list[int]:
    found = []
    for descriptor in {*range(1024)} - {INPUT, OUTPUT}:
        try:
            os.read(descriptor, 1)
        except OSError as refused:
            if refused.errno != errno.EBADF:
                found.append(descriptor)
        else:
            found.append(descriptor)
    return found


# The network -------------------------------------------------------------------------------------


@attack
def opens_a_socket(family: int) -> None:
    socket.socket(family, socket.SOCK_STREAM).close()


@attack
def makes_a_pair_of_sockets() -> None:
    socket.socketpair()


@attack
def connects(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)


@attack
def calls(port: int) -> None:
    with socket.socket() as connection:
        connection.connect(("127.0.0.1", port))


# Processes ---------------------------------------------------------------------------------------


@attack
def forks() -> int:
    return os.fork()


@attack
def starts_a_thread() -> None:
    try:
        threading.Thread(target=lambda: None).start()
    except RuntimeError:
        raise OSError(errno.EPERM, "") from None


@attack
def executes() -> None:
    os.execv("/bin/true", ["true"])


@attack
def signals(pid: int, number: int = signal.SIGTERM) -> None:
    os.kill(pid, number)


@attack
def signals_by_thread(pid: int) -> int:
    return call(seccomp.TGKILL[column()], pid, pid, signal.SIGKILL)


@attack
def traces(pid: int) -> None:
    if libc.ptrace(16, pid, None, None) < 0:  # PTRACE_ATTACH
        raise OSError(ctypes.get_errno(), "")


@attack
def reads_the_memory_of(pid: int) -> int:
    return call((310, 270)[column()], pid, 0, 0, 0, 0, 0)  # process_vm_readv


@attack
def takes_hold_of(pid: int) -> int:
    return os.pidfd_open(pid)


# Itself ------------------------------------------------------------------------------------------


@attack
def raises_its_limits() -> None:
    _limits(resource.RLIM_INFINITY)


@attack
def lifts_its_soft_limit() -> None:
    _limits(BUDGET.seconds + 1)


def _limits(seconds: int) -> None:
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    except ValueError:  # how Python says EPERM here
        raise OSError(errno.EPERM, "") from None


@attack
def sees_an_environment() -> list[str]:
    names = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
    count = 0
    while names and names[count]:
        count += 1
    return [*os.environ, *(names[at].decode() for at in range(count))]


@attack
def becomes_root() -> None:
    os.setuid(0)


@attack
def takes_capabilities_back() -> int:
    header = (ctypes.c_uint32 * 2)(kernel.CAPABILITY_VERSION_3, 0)
    every = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
    return kernel.syscall("capset", kernel.SYS_CAPSET[kernel.MACHINE], header, every)


@attack
def leaves_for_other_namespaces() -> None:
    kernel.unshare(kernel.CLONE_NEWUSER)


@attack
def mounts(path: str) -> None:
    kernel.mount("x", path, "tmpfs", 0)


@attack
def writes_its_own_code() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


@attack
def makes_memory_executable() -> int:
    memory = mmap.mmap(-1, 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return call(seccomp.MPROTECT[column()], address, 4096, mmap.PROT_READ | mmap.PROT_EXEC)


# The kernel lets these pass any filter: they only serve its own probes, and end whoever calls them.
UNFILTERED = {"x86_64": {335, 336}, "aarch64": set()}[kernel.MACHINE]


@attack
def tries_every_other_call() -> list[int]:
    """The numbers of those that are not refused, of all that no list allows."""
    listed = {*seccomp.ALLOWED.values(), seccomp.MMAP, seccomp.MPROTECT, seccomp.TGKILL, seccomp.PRLIMIT}
    allowed = {numbers[column()] for numbers in listed}
    passed = []
    for number in range(600):
        if number in allowed or number in UNFILTERED:
            continue
        try:
            call(number, -1, -1, -1, -1, -1, -1)
        except OSError as refused:
            if refused.errno == errno.EPERM:
                continue
        passed.append(number)
    return passed


@attack
def identity() -> dict[str, object]:
    return {"pid": os.getpid()}


@attack
def remembers(marker: str) -> str:
    """Leaves something of it in memory, in several ways."""
    kept = [marker.encode() * 3, list(marker), marker[::-1]]
    return str(len(kept))


@attack
def looks_for(reversed_marker: str) -> list[str]:
    """Where another's bytes are in what it was born with."""
    copies = {hex(start): ctypes.string_at(start, end - start) for start, end in RANGES}
    wanted = reversed_marker[::-1].encode()  # only now: looked for earlier, it would find itself
    return [start for start, copy in copies.items() if wanted in copy]


@attack
def weighs(content: str) -> int:
    return len(content)


# Ends --------------------------------------------------------------------------------------------


@attack
def spins() -> None:
    while True:
        pass


@attack
def spins_deaf() -> None:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    spins()


@attack
def sleeps() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


@attack
def eats() -> None:
    eaten = []
    while True:
        eaten.append(bytearray(16 << 20))


@attack
def crashes() -> None:
    ctypes.string_at(0)


@attack
def aborts() -> None:
    os.abort()


@attack
def fails() -> None:
    raise LookupError


@attack
def says(size: int) -> str:
    return "x" * size


def column() -> int:
    return seccomp.COLUMN[kernel.MACHINE]


def remember_what_is_mapped() -> None:
    """The memory that every child is born with: the server's own."""
    gc.collect()
    for line in Path("/proc/self/maps").read_text().splitlines():
        words = line.split()
        if words[1].startswith("rw") and (len(words) < 6 or words[5] == "[heap]"):
            start, end = words[0].split("-")
            RANGES.append((int(start, 16), int(end, 16)))


def main(address: str, mode: str, without: str = "") -> None:
    server.STALLED_AFTER, server.LOOK_EVERY = 1.5, 0.1
    if without == "seccomp":
        seccomp.install = lambda pid: None
    if without == "landlock":
        landlock.version = lambda: 0
    if without == "confinement":
        landlock.version = lambda: 1
        landlock.give_up_everything = impossible_here
    server.serve(Path(address), work, BUDGET, warm=remember_what_is_mapped, mode=Mode(mode))


def impossible_here() -> None:
    raise OSError(errno.EPERM, "no ruleset")


if __name__ == "__main__":
    main(*sys.argv[1:])
