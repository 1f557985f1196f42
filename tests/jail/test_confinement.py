"""Each forbidden thing, tried from inside a jailed child, under each way of confining."""

import errno
import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from dmp import children
from jail import confinement, kernel, landlock, namespaces, seccomp
from tests.proof.processes import until

REFUSED = {"EPERM", "EACCES"}
TOO_LARGE = "EFBIG"  # what a limit of no byte at all says


@pytest.fixture
def kek(var: Path, keys) -> Path:
    return var / "keys" / "kek.json"


@pytest.fixture
def sleeper(attacked):
    """Another child, at work; its process as the machine numbers it."""
    thread = threading.Thread(target=attacked.ask, args=("sleeps",))
    thread.start()
    assert until(lambda: attacked.jailed, within=5)
    pid = attacked.jailed[0].pid
    yield pid
    os.kill(pid, signal.SIGKILL)
    thread.join()


FILES = {
    "the key": lambda kek: ("reads", str(kek)),
    "the passwords of the database": lambda kek: ("reads", str(kek.parent / "pgpass")),
    "its own program": lambda kek: ("reads", __file__),
    "a file that everybody reads": lambda kek: ("reads", "/etc/passwd"),
    "the root": lambda kek: ("lists", "/"),
    "the processes": lambda kek: ("lists", "/proc"),
    "its own memory": lambda kek: ("reads", "/proc/self/mem"),
    "its own environment": lambda kek: ("reads", "/proc/self/environ"),
    "its own descriptors": lambda kek: ("lists", "/proc/self/fd"),
    "the memory of its father": lambda kek: ("reads", f"/proc/{os.getpid()}/mem"),
    "shared memory": lambda kek: ("lists", "/dev/shm"),
    "a disk": lambda kek: ("reads", "/dev/vda"),
}
WRITINGS = [
    "/tmp/of-the-jail",
    "/of-the-jail",
    "/dev/shm/of-the-jail",
    "/proc/self/oom_score_adj",
    "/dev/null",
    "x",
]


@pytest.mark.parametrize("what", FILES)
def test_it_reads_nothing(attacked, kek, what):
    name, path = FILES[what](kek)

    assert attacked.refusal(name, path=path) in REFUSED


@pytest.mark.parametrize("path", WRITINGS)
@pytest.mark.parametrize("name", ["writes", "makes_a_folder", "removes"])
def test_it_writes_nothing(attacked, name, path):
    assert attacked.refusal(name, path=path) in REFUSED


@pytest.mark.parametrize("name", ["shares_memory", "shares_system_v_memory", "changes_its_input"])
def test_it_leaves_nothing_behind(attacked, name):
    assert attacked.refusal(name) in REFUSED | {TOO_LARGE}


def test_it_has_its_input_and_its_output_and_no_other_descriptor(attacked, sleeper):
    assert attacked.result("reads_another_descriptor") == {"got": []}


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK])
def test_it_has_no_socket(attacked, family):
    assert attacked.refusal("opens_a_socket", family=int(family)) in REFUSED
    assert attacked.refusal("makes_a_pair_of_sockets") in REFUSED


def test_it_does_not_reach_the_database_nor_the_checker_itself(attacked, postgresql):
    sockets = children.socket_directory(postgresql)

    assert attacked.refusal("connects", path=f"{sockets}/.s.PGSQL.5432") in REFUSED
    assert attacked.refusal("connects", path=str(attacked.address)) in REFUSED


def test_it_reaches_nobody_on_the_network(attacked):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert attacked.refusal("calls", port=listening.getsockname()[1]) in REFUSED


@pytest.mark.parametrize("name", ["forks", "starts_a_thread", "executes"])
def test_it_starts_nothing(attacked, name):
    assert attacked.refusal(name) in REFUSED


@pytest.mark.parametrize(
    "name", ["signals", "signals_by_thread", "traces", "reads_the_memory_of", "takes_hold_of"]
)
def test_it_has_no_power_over_a_sibling_nor_over_its_parents(attacked, sleeper, name):
    supervisor = attacked.supervisors[0].pid
    for pid in (sleeper, supervisor, attacked.process.pid, os.getpid(), -1, 0):
        assert attacked.refusal(name, pid=pid) in REFUSED, pid
    assert os.kill(sleeper, 0) is None


@pytest.mark.parametrize(
    "name",
    ["raises_its_limits", "lifts_its_soft_limit", "becomes_root", "takes_capabilities_back",
     "leaves_for_other_namespaces", "writes_its_own_code", "makes_memory_executable"],
)  # fmt: skip
def test_it_gets_nothing_back(attacked, name):
    assert attacked.refusal(name) in REFUSED


def test_it_mounts_nothing(attacked):
    assert attacked.refusal("mounts", path="/") in REFUSED


def test_it_sees_no_environment(attacked):
    assert attacked.result("sees_an_environment") == {"got": []}


def test_every_call_that_no_list_allows_is_refused(attacked):
    assert attacked.result("tries_every_other_call") == {"got": []}


def test_it_is_not_born_with_what_another_one_read(attacked):
    marker = "MARQUEUR-DE-CAMILLE-7351"
    for _ in range(3):
        attacked.result("remembers", marker=marker)

    assert attacked.result("looks_for", reversed_marker=marker[::-1]) == {"got": []}


def test_the_search_for_what_another_one_read_finds_what_is_there(attacked):
    assert attacked.result("looks_for", reversed_marker="looks_for"[::-1])["got"] != []


# Each layer by itself ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def namespaces_alone(start_attacked):
    if not namespaces.are_allowed():
        pytest.skip("this system has no user namespaces for us")
    return start_attacked("namespaces", "seccomp")


def test_namespaces_alone_show_an_empty_system(namespaces_alone, kek, postgresql):
    alone = namespaces_alone

    assert alone.result("identity") == {"got": {"pid": 1}}
    assert alone.refusal("reads", path=str(kek)) in {"ENOENT", "EACCES", "EMFILE"}
    assert alone.refusal("signals", pid=os.getpid(), number=0) == "ESRCH"
    assert alone.refusal("signals", pid=alone.process.pid, number=0) == "ESRCH"
    assert alone.refusal("makes_a_folder", path="/x") in {"EROFS", "EACCES"}
    assert alone.refusal("mounts", path="/") == "EPERM"
    assert alone.refusal("forks") == "EAGAIN"
    assert alone.refusal("opens_a_socket", family=int(socket.AF_UNIX)) == "EMFILE"


@pytest.fixture(scope="session")
def landlock_alone(start_attacked):
    if not landlock.version():
        pytest.skip("this system has no Landlock")
    return start_attacked("landlock", "seccomp")


def test_landlock_alone_gives_up_the_files(landlock_alone, kek):
    assert landlock_alone.refusal("makes_a_folder", path="/tmp/of-the-jail") == "EACCES"
    assert landlock_alone.refusal("removes", path=str(kek)) == "EACCES"
    assert kek.exists()


# The jail itself -----------------------------------------------------------------------------------


def test_the_strongest_way_that_the_system_has_is_taken(monkeypatch):
    monkeypatch.setattr(namespaces, "are_allowed", lambda: True)
    assert confinement.best_mode() is confinement.Mode.NAMESPACES
    monkeypatch.setattr(namespaces, "are_allowed", lambda: False)
    monkeypatch.setattr(landlock, "version", lambda: 1)
    assert confinement.best_mode() is confinement.Mode.LANDLOCK
    monkeypatch.setattr(landlock, "version", lambda: 0)
    with pytest.raises(confinement.NoJail, match="ni les espaces de noms utilisateur, ni Landlock"):
        confinement.best_mode()
    monkeypatch.setattr(kernel, "MACHINE", "riscv64")
    with pytest.raises(confinement.NoJail, match="riscv64"):
        confinement.best_mode()


# The filter, as the kernel would run it -------------------------------------------------------------


def verdict(program: bytes, arch: int, number: int, arguments: tuple[int, ...] = (0,) * 6) -> int:
    """What a filter of ours returns for a call."""
    import struct

    data = struct.pack("=iIQ6Q", number, arch, 0, *arguments)
    instructions = list(struct.iter_unpack("=HBBI", program))
    at = accumulator = 0
    while True:
        code, true, false, value = instructions[at]
        at += 1
        if code == seccomp.LOAD:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif code == seccomp.AND:
            accumulator &= value
        elif code == seccomp.RETURN:
            return value
        else:
            holds = accumulator == value if code == seccomp.JUMP_EQUAL else accumulator >= value
            at += true if holds else false


@pytest.mark.parametrize("machine", sorted(seccomp.AUDIT_ARCH))
def test_the_filter_of_each_machine_allows_its_list_and_nothing_else(machine):
    program, column = seccomp.filter_for(7, machine), seccomp.COLUMN[machine]
    arch = seccomp.AUDIT_ARCH[machine]
    allowed = {numbers[column] for numbers in seccomp.ALLOWED.values()}
    conditional = {
        seccomp.MMAP[column]: ((0, 0, 3), (0, 0, 7)),
        seccomp.MPROTECT[column]: ((0, 0, 1), (0, 0, 4)),
        seccomp.TGKILL[column]: ((7, 7, 6), (8, 7, 6)),
        seccomp.PRLIMIT[column]: ((0, 7, 0), (0, 7, 1 << 40)),
    }
    refuse = seccomp.REFUSE

    assert refuse & 0xFFFF == errno.EPERM
    for number in range(600):
        if number in conditional:
            good, bad = conditional[number]
            assert verdict(program, arch, number, (*good, 0, 0, 0)) == seccomp.ALLOW
            assert verdict(program, arch, number, (*bad, 0, 0, 0)) == refuse
        else:
            assert verdict(program, arch, number) == (seccomp.ALLOW if number in allowed else refuse)
    for other in (set(seccomp.AUDIT_ARCH.values()) | {0x4000_0003, 0x4000_0028}) - {arch}:
        assert verdict(program, other, 0) == seccomp.KILL
    assert verdict(program, arch, seccomp.X32 | 1) == seccomp.KILL


def test_a_signal_to_oneself_only_ends_oneself(attacked):
    ending = attacked.ask("aborts").ending

    assert ending.killed_by in (signal.SIGABRT, signal.SIGSEGV)
    assert not ending.out_of_memory
