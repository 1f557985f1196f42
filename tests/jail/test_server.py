"""Ends of children, of the server, of a client: each is told for what it is, and the others go on."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from jail import client, server
from jail.confinement import best_mode
from tests.proof.processes import ROOT, until

SEVERAL = 20


def test_a_child_that_spends_its_time_is_told_apart(attacked):
    for name in ("spins", "spins_deaf"):
        ending = attacked.ask(name).ending

        assert (ending.out_of_time, ending.stalled) == (True, False), name
        assert 0.7 < ending.processor_seconds < 2.5


def test_a_child_that_spends_its_memory_is_told_apart(attacked):
    ending = attacked.ask("eats").ending

    assert (ending.out_of_memory, ending.out_of_time) == (True, False)


def test_a_child_that_does_nothing_is_stopped(attacked):
    ending = attacked.ask("sleeps").ending

    assert (ending.stalled, ending.out_of_time, ending.killed_by) == (True, False, signal.SIGKILL)


def test_a_child_that_crashes_or_fails_is_told_apart(attacked):
    assert attacked.ask("crashes").ending.killed_by == signal.SIGSEGV
    failed = attacked.ask("fails").ending
    assert (failed.status, failed.killed_by, failed.unconfined) == (server.BROKEN, 0, False)


def test_a_child_that_says_too_much_is_stopped(attacked):
    answer = attacked.ask("says", size=5 << 20)

    assert len(answer.output) == (1 << 20) + 1
    assert until(lambda: not attacked.supervisors, within=5)


def test_a_long_answer_arrives_whole(attacked):
    assert attacked.result("says", size=1_000_000)["got"] == "x" * 1_000_000


def test_a_large_input_arrives_whole(attacked):
    assert attacked.result("weighs", content="x" * 30_000_000) == {"got": 30_000_000}


def test_a_child_that_the_system_kills_takes_nobody_with_it(attacked):
    with ThreadPoolExecutor(2) as at_once:
        asked = at_once.submit(attacked.ask, "sleeps")
        assert until(lambda: attacked.jailed, within=5)
        attacked.jailed[0].kill()
        ending = asked.result(10).ending

    assert (ending.killed_by, ending.stalled, ending.out_of_time) == (signal.SIGKILL, False, False)
    assert attacked.result("identity")


def test_a_supervisor_that_dies_takes_its_child_with_it(attacked):
    with ThreadPoolExecutor(1) as at_once:
        asked = at_once.submit(attacked.ask, "sleeps")
        assert until(lambda: attacked.jailed, within=5)
        jailed = attacked.jailed[0]
        attacked.supervisors[0].kill()
        with pytest.raises(client.Lost):
            asked.result(10)

    assert until(lambda: not jailed.is_running() or jailed.status() == psutil.STATUS_ZOMBIE, within=5)
    assert attacked.result("identity")


def test_a_client_that_goes_away_frees_its_place(attacked):
    asking = (
        "import sys; from pathlib import Path; from jail import client;"
        "client.ask(Path(sys.argv[1]), 'sleeps', b'{}', at_most=9)"
    )
    gone = subprocess.Popen([sys.executable, "-c", asking, attacked.address], cwd=ROOT)
    assert until(lambda: attacked.jailed, within=10)
    gone.kill()
    gone.wait()

    assert until(lambda: not attacked.supervisors, within=1.4)


def test_whoever_connects_and_says_nothing_or_nonsense_holds_nobody_up(attacked):
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:
        silent.connect(str(attacked.address))
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as babbling:
            babbling.connect(str(attacked.address))
            babbling.send(b"\xff" * 100)
            assert attacked.result("identity")
    assert until(lambda: not attacked.supervisors, within=5)


def test_twenty_at_once_are_all_answered(attacked):
    with ThreadPoolExecutor(SEVERAL) as at_once:
        answers = list(at_once.map(lambda size: attacked.result("says", size=size), range(SEVERAL)))

    assert [len(answer["got"]) for answer in answers] == list(range(SEVERAL))


def test_a_server_that_is_killed_leaves_no_child(fresh):
    with ThreadPoolExecutor(1) as at_once:
        asked = at_once.submit(fresh.ask, "sleeps")
        assert until(lambda: fresh.jailed, within=5)
        processes = [*fresh.supervisors, *fresh.jailed]
        fresh.process.send_signal(signal.SIGKILL)
        with pytest.raises(client.Lost):
            asked.result(10)

    assert until(lambda: not any(process.is_running() for process in processes), within=5)


ORPHANED = """
import os, sys, time
from pathlib import Path
from jail import kernel, server

def change_user():  # which makes the kernel forget, and takes its time
    kernel.prctl(kernel.PR_SET_PDEATHSIG, 0)
    parent = os.getppid()
    print("changing", flush=True)
    while os.getppid() == parent:
        time.sleep(0.01)

server._cease_to_be_root = change_user
server.serve(Path(sys.argv[1]), None, None, warm=lambda: None)
"""


def test_a_server_whose_parent_dies_while_it_changes_user_does_not_stay(tmp_path):
    server_of = [sys.executable, "-c", ORPHANED, str(tmp_path / "socket")]
    parent = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    command = [sys.executable, "-c", parent, "setpriv", "--pdeathsig", "TERM", *server_of]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "changing\n"
        (orphan,) = psutil.Process(started.pid).children()
        started.kill()

        try:
            assert until(
                lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE, within=10
            )
        finally:
            if orphan.is_running():
                orphan.kill()


def test_a_server_asked_to_stop_lets_its_children_end(fresh):
    with ThreadPoolExecutor(1) as at_once:
        asked = at_once.submit(fresh.ask, "spins")
        assert until(lambda: fresh.jailed, within=5)
        fresh.process.send_signal(signal.SIGTERM)

        assert asked.result(10).ending.out_of_time
    assert fresh.process.wait(5) == 0


def test_a_server_that_is_not_there_yet_is_waited_for(fresh, start_attacked, monkeypatch):
    fresh.process.kill()
    fresh.process.wait()
    again: list[object] = []
    command = [sys.executable, "-m", "tests.jail.attacks", str(fresh.address), best_mode()]
    starting = threading.Timer(0.5, lambda: again.append(subprocess.Popen(command, cwd=ROOT)))
    starting.start()
    try:
        assert fresh.result("identity")
    finally:
        starting.join()
        again[0].kill()
        again[0].wait()


def test_nobody_at_all_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "REACHED_WITHIN", 0.1)

    with pytest.raises(client.Unreachable):
        client.ask(tmp_path / "nobody", "identity", b"{}", at_most=9)


def test_a_jail_that_does_not_close_keeps_the_input_from_its_child(start_attacked):
    broken = start_attacked("landlock", "confinement")

    answer = broken.ask("identity")

    assert (answer.output, answer.ending.unconfined) == (b"", True)


def test_it_works_for_an_ordinary_user_without_any_privilege(start_attacked):
    """As in a container with every capability dropped and no namespace to be had."""
    if os.geteuid() != 0:
        pytest.skip("already an ordinary user")
    poor = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")

    attacked = start_attacked("landlock", under=poor)

    assert attacked.refusal("reads", path="/etc/passwd") == "EPERM"
    assert attacked.result("identity")["got"]["pid"] != 1


# One sentence at the start -------------------------------------------------------------------------

REFUSES = """
import ctypes, os, struct, sys
from jail import kernel, seccomp
program = [(seccomp.LOAD, 0, 0, seccomp.NUMBER)]
for number in {"x86_64": (272, 444), "aarch64": (97, 444)}[kernel.MACHINE]:
    program += [(seccomp.JUMP_EQUAL, 0, 1, number), (seccomp.RETURN, 0, 0, seccomp.REFUSE)]
program.append((seccomp.RETURN, 0, 0, seccomp.ALLOW))
seccomp.filter_for = lambda pid: b"".join(struct.pack("=HBBI", *one) for one in program)
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
seccomp.install(0)
os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])
"""


def test_where_nothing_confines_the_checker_says_so_in_one_sentence_and_does_not_start(tmp_path):
    command = [sys.executable, "-c", REFUSES, "documents.checker", str(tmp_path / "socket")]

    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert told.returncode == 1
    assert told.stderr.startswith("Ce système n’autorise ni les espaces de noms utilisateur, ni Landlock :")
    assert told.stderr.count("\n") == 1


def test_where_namespaces_are_refused_landlock_serves(tmp_path, start_attacked):
    limit = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    under = ("unshare", "--user", "--map-root-user", "sh", "-c", limit, "sh")
    tried = subprocess.run([*under, "true"], capture_output=True)
    if tried.returncode:
        pytest.skip("this system has no user namespaces to take away")
    command = [*under, sys.executable, "-c", "from jail import confinement; print(confinement.best_mode())"]

    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert told.stdout == "landlock\n", told.stderr
