"""What is installed is what was locked, by hash; nothing is done twice."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

from deploy import install

ROOT: Path = settings.BASE_DIR
LISTS = ["requirements-image.txt", "requirements.txt", "requirements-dev.txt"]


@pytest.fixture
def a_project(tmp_path, monkeypatch):
    """An empty project whose environment runs; what would have been installed is noted."""
    for name in LISTS:
        (tmp_path / name).write_text(f"uv==1 \\\n    --hash=sha256:00\n# {name}\n")
    (tmp_path / ".venv").mkdir()
    installed = []
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "STAMP", tmp_path / ".venv" / "installed.json")
    monkeypatch.setattr(install, "runs", lambda python, *words: True)
    monkeypatch.setattr(install, "refuse_a_place_that_does_not_fit", lambda **_: None)
    monkeypatch.setattr(install, "make_environment", lambda: None)
    monkeypatch.setattr(install, "install", installed.append)
    return tmp_path, installed


def test_nothing_is_installed_twice(a_project):
    _, installed = a_project

    install.main(dev=False)
    install.main(dev=False)

    assert installed == ["requirements.txt"]


def test_the_tests_contain_what_runs(a_project):
    _, installed = a_project

    install.main(dev=True)
    install.main(dev=False)

    assert installed == ["requirements-dev.txt"]


def test_a_changed_list_is_installed_again_and_takes_nothing_from_the_tests(a_project):
    project, installed = a_project
    install.main(dev=True)

    (project / "requirements.txt").write_text("uv==2\n")
    install.main(dev=False)

    assert installed == ["requirements-dev.txt", "requirements-dev.txt"]


def test_an_environment_that_no_longer_runs_is_installed_again(a_project, monkeypatch):
    _, installed = a_project
    install.main(dev=False)

    monkeypatch.setattr(install, "runs", lambda python, *words: False)
    install.main(dev=False)

    assert len(installed) == 2


def test_an_environment_that_was_moved_is_installed_again(a_project, monkeypatch):
    project, installed = a_project
    install.main(dev=False)

    (project / ".venv").rename(project / "elsewhere")
    (project / ".venv").symlink_to(project / "elsewhere")
    monkeypatch.setattr(install, "VENV", project / "elsewhere")
    install.main(dev=False)

    assert len(installed) == 2


def test_an_installation_that_failed_leaves_no_stamp(a_project, monkeypatch):
    project, _ = a_project

    install.main(dev=False)
    (project / "requirements.txt").write_text("uv==2\n")

    def fails(_):
        raise install.CannotInstall

    monkeypatch.setattr(install, "install", fails)
    with pytest.raises(install.CannotInstall):
        install.main(dev=False)

    assert not (project / ".venv" / "installed.json").exists()


def test_a_debian_python_without_venv_gets_one_line(monkeypatch):
    monkeypatch.setattr(install, "has_ensurepip", lambda: False)
    monkeypatch.setattr(install.os, "geteuid", lambda: 1000)

    with pytest.raises(install.CannotInstall, match=r"sudo apt install python3\.\d+-venv"):
        install.need_venv()


def test_as_root_that_line_is_run(monkeypatch):
    asked, answers = [], iter([False, True])
    monkeypatch.setattr(install, "has_ensurepip", lambda: next(answers))
    monkeypatch.setattr(install.os, "geteuid", lambda: 0)
    monkeypatch.setattr(install.shutil, "which", lambda _: "/usr/bin/apt-get")
    monkeypatch.setattr(install, "apt_install", lambda *packages: asked.extend(packages))

    install.need_venv()

    assert len(asked) == 1
    assert re.fullmatch(r"python3\.\d+-venv", asked[0])


@pytest.mark.parametrize("name", LISTS)
def test_every_version_is_pinned_by_hash_and_names_no_index(name):
    text = (ROOT / name).read_text()

    assert "://" not in text
    assert "index" not in re.sub(r"(?m)^ +#.*$", "", text)
    for block in re.split(r"(?m)^(?=[a-zA-Z])", text)[1:]:
        assert "==" in block.splitlines()[0]
        assert "--hash=sha256:" in block


def test_what_is_installed_is_counted_one_package_after_the_other():
    listed = install.entries(ROOT / "requirements.txt")

    (tool,) = [entry for entry in listed if entry.startswith("uv==")]
    assert "--hash=sha256:" in tool
    assert "valkey" not in tool
    assert len(listed) == len(re.findall(r"(?m)^\w", (ROOT / "requirements.txt").read_text()))
    assert all("--hash=sha256:" in entry for entry in listed)


def test_a_counter_moves_while_packages_come(tmp_path, monkeypatch, capsys):
    (tmp_path / "requirements.txt").write_text(
        "".join(f"p{n}==1 \\\n    --hash=x\n" for n in range(13)) + "uv==1\n"
    )
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "run", lambda command: None)

    install.install("requirements.txt")

    assert re.findall(r"\d+ / 14 paquets", capsys.readouterr().out) == [
        "0 / 14 paquets",
        "6 / 14 paquets",
        "12 / 14 paquets",
        "14 / 14 paquets",
    ]


def test_where_uv_cannot_reach_the_index_pip_does_the_rest(tmp_path, monkeypatch, capsys):
    (tmp_path / "requirements.txt").write_text("".join(f"p{n}==1\n" for n in range(13)) + "uv==1\n")
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path)
    asked = []

    def run(command):
        asked.append("uv" if Path(command[0]).name == "uv" else "pip")
        if asked[-1] == "uv":
            raise install.Failed("error sending request")

    monkeypatch.setattr(install, "run", run)
    install.install("requirements.txt")

    assert asked == ["pip", "uv", "pip", "pip", "pip"]


FAILURES = (
    ("NewConnectionError: Temporary failure in name resolution", "ne répond pas"),
    ("error: Failed to fetch: `https://index/simple/`\n  Caused by: dns error", "ne répond pas"),
    ("ReadTimeoutError: Read timed out.", "ne répond pas"),
    ("SSLError(SSLCertVerificationError(1, 'certificate verify failed')", "certificat"),
    ("invalid peer certificate: UnknownIssuer", "certificat"),
    ("ProxyError('Cannot connect to proxy.', OSError(...))", "proxy"),
    ("OSError: [Errno 28] No space left on device", "disque est plein"),
    ("failed to copy file: No space left on device (os error 28)", "disque est plein"),
    ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "empreinte"),
    ("error: Hash mismatch for `django==5.2`", "empreinte"),
    ("ERROR: No matching distribution found for valkey==1", "n’a pas ce qu’il faut"),
    ("something new", "L’installation a échoué"),
)


@pytest.mark.parametrize(("written", "said"), FAILURES)
def test_a_failure_is_said_by_its_cause_and_by_its_last_words(written, said):
    sentence = install.sentence_for(written)

    assert said in sentence
    assert written.splitlines()[-1].strip() in sentence


def test_a_failed_installation_is_a_sentence_and_leaves_no_stamp(a_project, monkeypatch, capsys):
    project, _ = a_project

    def fails(command):
        raise install.Failed("NewConnectionError: Network is unreachable")

    monkeypatch.undo()
    for name, value in (
        ("ROOT", project),
        ("VENV", project / ".venv"),
        ("STAMP", project / ".venv" / "installed.json"),
    ):
        monkeypatch.setattr(install, name, value)
    monkeypatch.setattr(install, "run", fails)
    monkeypatch.setattr(install, "make_environment", lambda: None)
    monkeypatch.setattr(install.terminal, "stop_politely", lambda: None)
    monkeypatch.setattr(install.terminal, "speak_its_language", lambda: None)

    assert install.command_line([]) == 1
    assert "L’index de paquets ne répond pas" in capsys.readouterr().err
    assert not (project / ".venv" / "installed.json").exists()


def test_the_rest_of_an_installation_that_was_cut_is_not_built_upon(tmp_path, monkeypatch):
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / ".venv" / "half of a package").touch()
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "STAMP", tmp_path / ".venv" / "installed.json")

    install.make_environment()

    assert install.runs(tmp_path / ".venv" / "bin" / "python", "-m", "pip", "--version")
    assert not (tmp_path / ".venv" / "half of a package").exists()


def test_where_no_wheel_of_pip_is_at_hand_venv_brings_it(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "pip_at_hand", lambda: None)
    monkeypatch.setattr(install, "run", made.append)

    install.make_environment()

    assert made == [[sys.executable, "-m", "venv", tmp_path / ".venv"]]


# The command itself, under the system's Python, in a project of its own ---------------------------


@pytest.fixture
def copy(tmp_path):
    """What the installer needs of the project, and nothing installed."""
    for name in (
        "deploy/install.py",
        "dmp/__init__.py",
        "dmp/children.py",
        "dmp/places.py",
        "dmp/terminal.py",
        *LISTS,
    ):
        target = tmp_path / "project" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    return tmp_path / "project"


def installing(copy, *words, prefix=(), **environment):
    return [*prefix, sys.executable, str(copy / "deploy" / "install.py"), *words], {
        "env": os.environ | {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"} | environment,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
    }


def installed(copy, *words, prefix=(), **environment):
    command, how = installing(copy, *words, prefix=prefix, **environment)
    done = subprocess.run(command, **how)
    assert "Traceback" not in done.stdout
    return done


def test_as_root_without_namespaces_nothing_is_installed(copy, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root needs a namespace of its own")
    (tmp_path / "unshare").write_text(
        "#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2; exit 1\n"
    )
    (tmp_path / "unshare").chmod(0o755)

    started = time.monotonic()
    done = installed(copy, "--servers", PATH=str(tmp_path))

    assert done.returncode == 1
    assert "espaces de noms" in done.stdout
    assert not (copy / ".venv").exists()
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("options", "then", "said"),
    [
        ("size=20m", "true", "Mo de libres"),
        ("size=20m", "mount -t tmpfs -o remount,ro tmpfs", "lecture seule"),
        ("size=20m,noexec", "true", "noexec"),
    ],
)
def test_a_place_that_does_not_fit_is_refused_before_anything_is_fetched(copy, options, then, said):
    inside, folder = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"), copy.parent / "in"
    if subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("this system lets nobody mount a file system")
    folder.mkdir()
    script = (
        f'mount -t tmpfs -o {options} tmpfs {folder} && cp -r {copy} {folder}/ && {then} {folder}; exec "$@"'
    )

    done = installed(folder / "project", prefix=(*inside, script, "sh"))

    assert done.returncode == 1
    assert said in done.stdout


@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.2, 0.5, 1.0])
def test_ctrl_c_is_answered_in_a_sentence_at_any_moment(copy, after):
    held = ["env", "--block-signal=INT,TERM,HUP"]
    command, how = installing(copy, prefix=held, PIP_INDEX_URL="http://127.0.0.1:9/simple")
    process = subprocess.Popen(command, **how)
    time.sleep(after)

    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)

    assert "Traceback" not in said
    assert process.returncode in (-signal.SIGINT, 1, 130)  # the first: it came before the command itself


def test_each_dependency_has_its_reason():
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    project = tomllib.loads("\n".join(lines))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    wanted += project["project"]["optional-dependencies"]["local"]

    for dependency in wanted:
        (line,) = [line for line in lines if f'"{dependency}"' in line]
        assert len(line.partition("# ")[2].split()) >= 2, f"{dependency}: why?"


def test_the_stamp_says_what_was_read(a_project):
    project, _ = a_project

    install.main(dev=False)

    stamp = json.loads((project / ".venv" / "installed.json").read_text())
    assert set(stamp) == {"requirements.txt", "place"}
