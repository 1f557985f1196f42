"""What keeps the house from starting, or from going on, is one sentence, at once."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from dmp import children, pg, places, terminal
from dmp import run as starting
from dmp.terminal import AskedToStop

ROOT: Path = settings.BASE_DIR
INSIDE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
BARE = {
    name: value for name, value in os.environ.items() if not name.startswith(("DMP_", "DATABASE_", "REDIS_"))
}


def run(*words, prefix=(), seconds=30, **environment):
    """A command of ours as the Makefile starts it; never a traceback."""
    done = subprocess.run(
        [*prefix, sys.executable, *words],
        cwd=ROOT,
        env=BARE | {"PYTHONUTF8": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds,
    )
    done.text = done.stdout.decode("latin-1" if "ISO" in environment.get("LC_ALL", "") else "utf-8")
    assert "Traceback" not in done.text
    return done


@pytest.fixture
def needs_mounts():
    if subprocess.run([*INSIDE, "true"], capture_output=True).returncode:
        pytest.skip("this system lets nobody mount a file system")


WRONG_SETTINGS = (
    ({"PORT": "abc"}, "PORT=abc"),
    ({"PORT": "0"}, "de 1 à 65535"),
    ({"PORT": "70000"}, "PORT=70000"),
    ({"PORT": "-1"}, "PORT=-1"),
    ({"PORT": "8_000"}, "PORT=8_000"),
    ({"PORT": "８０００"}, "PORT=８０００"),
    ({"PORT": "9" * 5000}, "PORT=99999"),
    ({"SANDBOX_PORT": "x"}, "SANDBOX_PORT=x"),
    ({"DMP_SMTP_PORT": "x"}, "DMP_SMTP_PORT=x"),
)


@pytest.mark.parametrize(("wrong", "said"), WRONG_SETTINGS)
def test_a_number_that_is_none_is_said_with_its_name(wrong, said, tmp_path):
    done = run("-m", "dmp.run", DMP_VAR=str(tmp_path / "var"), **wrong)

    assert done.returncode == 1
    assert said in done.text
    assert len(done.text.strip().splitlines()) == 1
    assert not (tmp_path / "var").exists()


def test_a_port_that_is_not_for_everybody_is_said(monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("socket.socket.bind", refused)

    with pytest.raises(places.Unusable, match="réservé à root"):
        places.refuse_a_port_not_ours(80, "PORT")


def test_a_port_is_found_near_the_highest_one(tmp_path):
    from dmp.house import House

    first, second = House(tmp_path, 65_535, {})._two_free_ports()

    assert 1024 <= first < 65_535
    assert 1024 <= second < 65_535


def test_a_disk_too_small_is_refused_before_anything_is_made(needs_mounts, tmp_path):
    script = f'mount -t tmpfs -o size=20m tmpfs {tmp_path}; exec "$@"'

    done = run("-m", "dmp.run", prefix=(*INSIDE, script, "sh"), DMP_VAR=str(tmp_path / "var"))

    assert done.returncode == 1
    assert done.text.strip() == f"Il faut 400 Mo de libres dans {tmp_path}/var : il en reste 20."


@pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT"])
def test_a_disk_that_fills_up_is_said_whatever_failed(number, tmp_path):
    failure = RuntimeError("something went wrong")
    failure.__cause__ = OSError(getattr(errno, number), "full")

    assert f"Le disque de {tmp_path} est plein" in places.fault(failure, tmp_path)


def test_the_database_that_finds_its_disk_full_is_understood(tmp_path):
    failure = RuntimeError('could not extend file "base/1": No space left on device')

    assert "est plein" in places.fault(failure, tmp_path)


def test_what_nobody_expected_is_one_sentence_and_a_file(tmp_path):
    from dmp import run as command

    (tmp_path / "log").mkdir()
    sentence = command.what_happened(ZeroDivisionError("1 / 0"), tmp_path)

    assert (
        sentence == f"Le démarrage a échoué (ZeroDivisionError) : le détail est dans {tmp_path}/log/run.log"
    )
    assert "ZeroDivisionError: 1 / 0" in (tmp_path / "log" / "run.log").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes what belongs to another")
def test_a_var_of_another_account_is_said_with_its_owner(tmp_path):
    (tmp_path / "var" / "pg").mkdir(parents=True)
    os.chown(tmp_path / "var" / "pg", 65534, 65534)

    done = run("-m", "dmp.run", DMP_VAR=str(tmp_path / "var"))

    assert done.returncode == 1
    assert f"{tmp_path}/var/pg appartient à « nobody »" in done.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another")
def test_a_folder_that_is_not_ours_is_said_with_its_owner(tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    mine = tmp_path / "mine"
    mine.mkdir(mode=0o755)

    child = os.fork()
    if child == 0:
        os.setuid(65534)
        os._exit("appartient à « root »" not in places.not_writable(mine / "var"))

    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a namespace of its own")
@pytest.mark.parametrize(("found", "said"), [(True, "espaces de noms"), (False, "« unshare » manque")])
def test_root_without_namespaces_is_told_before_anything_starts(found, said, tmp_path):
    if found:
        (tmp_path / "unshare").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "unshare").chmod(0o755)

    done = run("-m", "dmp.run", DMP_VAR=str(tmp_path / "var"), PATH=str(tmp_path))

    assert done.returncode == 1
    assert said in done.text
    assert not (tmp_path / "var").exists()


# Languages and terminals --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ({"LC_ALL": "C"}, "PORT=abc : il faut un nombre entier, de 1 a 65535."),
        ({"LC_ALL": "POSIX"}, "de 1 a 65535"),
        ({"PYTHONIOENCODING": "ascii"}, "de 1 a 65535"),
        ({"PYTHONIOENCODING": "latin-1"}, "de 1 \xe0 65535"),
        ({"LC_ALL": "C.UTF-8"}, "de 1 à 65535"),
    ],
)
def test_a_terminal_that_cannot_print_an_accent_gets_the_sentence_without(language, said):
    environment = {name: value for name, value in BARE.items() if not name.startswith(("LC_", "LANG"))}
    done = subprocess.run(
        [sys.executable, "-m", "dmp.run"],
        cwd=ROOT,
        env=environment | {"PYTHONUTF8": "1", "PORT": "abc"} | language,
        capture_output=True,
    )

    encoding = "latin-1" if "latin-1" in language.values() else "utf-8"
    assert said in done.stderr.decode(encoding)


def test_a_sentence_loses_its_accents_and_nothing_else():
    plain = "".join(terminal._plain(character) for character in "« Œuvre déjà prête » … l’été → 12 / 61")

    assert plain == '" OEuvre deja prete " ... l\'ete ? 12 / 61'


def test_a_terminal_that_went_away_stops_nothing():
    script = "from dmp.terminal import say; say('a'); say('b'); say('c', to_errors=True)"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=full, stderr=subprocess.PIPE)

    assert (done.returncode, done.stderr) == (0, b"c\n")


# Ctrl-C, twice at once, again ---------------------------------------------------------------------


def test_a_ctrl_c_while_it_says_why_it_does_not_start_is_answered_in_words(monkeypatch, capsys):
    def asked_to_stop(_):
        raise AskedToStop

    monkeypatch.setenv("PORT", "0")
    monkeypatch.setattr(starting.places, "is_full", asked_to_stop)
    monkeypatch.setattr(starting.terminal, "stop_politely", lambda: None)
    monkeypatch.setattr(starting.children, "die_with_parent", lambda: None)
    monkeypatch.setattr(starting.terminal, "speak_its_language", lambda: None)

    assert starting.main() == 0
    assert "Tout est arrêté." in capsys.readouterr().out


@pytest.mark.parametrize("after", [0.0, 0.03, 0.06, 0.1, 0.2, 0.4, 0.8])
def test_an_early_ctrl_c_is_answered_in_words(after, tmp_path):
    process = subprocess.Popen(
        ["env", "--block-signal=INT,TERM,HUP", sys.executable, "-m", "dmp.run"],
        cwd=ROOT,
        env=BARE | {"DMP_VAR": str(tmp_path / "var"), "PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    time.sleep(after)

    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)

    assert "Traceback" not in said


def test_a_cluster_whose_making_was_cut_is_made_again(tmp_path):
    (tmp_path / "pg.draft").mkdir()
    (tmp_path / "pg.draft" / "PG_VERSION").write_text("18\n")

    pg._make_cluster(tmp_path / "pg", "a password of the superuser")

    assert (tmp_path / "pg" / "global" / "pg_control").exists()
    assert not (tmp_path / "pg.draft").exists()


def test_a_lock_that_names_somebody_elses_process_is_forgotten(tmp_path):
    data, sockets = tmp_path / "pg", tmp_path / "run"
    for folder in (data, sockets):
        folder.mkdir()
    for lock in (data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock"):
        lock.write_text(f"{os.getpid()}\n{data}\n")

    pg._forget_who_died(data, sockets)

    assert not any(data.iterdir())
    assert not any(sockets.iterdir())


def test_the_lock_of_a_server_that_works_is_left_alone(tmp_path, monkeypatch):
    data = tmp_path / "pg"
    data.mkdir()
    (data / "postmaster.pid").write_text("1\n")
    monkeypatch.setattr(pg, "PATIENCE_SECONDS", 0.3)

    with subprocess.Popen(["sleep", "30"], cwd=data) as server:
        with pytest.raises(children.CannotStart, match=f"processus {server.pid}"):
            pg._forget_who_died(data, tmp_path / "run")
        server.kill()

    assert (data / "postmaster.pid").exists()


def reset(var, **environment):
    return run("deploy/reset.py", DMP_VAR=str(var), **environment)


def test_a_reset_is_refused_while_the_house_lives_there(tmp_path):
    (tmp_path / "keys").mkdir()
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        done = reset(tmp_path)

    assert done.returncode == 1
    assert f"Le DMP tourne dans {tmp_path} : arrêtez-le d’abord (Ctrl-C)." in done.text
    assert (tmp_path / "keys").exists()


def test_a_reset_is_refused_while_tests_run_there(tmp_path):
    (tmp_path / "tests" / str(os.getpid())).mkdir(parents=True)

    assert "Des tests tournent" in reset(tmp_path).text
    assert (tmp_path / "tests" / str(os.getpid())).exists()


def test_a_reset_forgets_what_is_ours_and_nothing_else(tmp_path):
    for name in ("pg", "pg.draft", "keys", "store", "log"):
        (tmp_path / name).mkdir()
    (tmp_path / "lock").touch()  # of a house that died
    (tmp_path / "somebody's").touch()

    done = reset(tmp_path)

    assert done.text.strip() == "Les données ont été effacées."
    assert [path.name for path in tmp_path.iterdir()] == ["somebody's"]
    assert reset(tmp_path / "nowhere").returncode == 0
