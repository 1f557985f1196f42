"""What is installed is what was locked, by hash; nothing is done twice."""

import json
import re
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
    monkeypatch.setattr(install, "runs", lambda python: True)
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

    monkeypatch.setattr(install, "runs", lambda python: False)
    install.main(dev=False)

    assert len(installed) == 2


def test_an_installation_that_failed_leaves_no_stamp(a_project, monkeypatch):
    project, _ = a_project

    def fails(_):
        raise install.subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(install, "install", fails)
    with pytest.raises(install.subprocess.CalledProcessError):
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


def test_the_installer_installs_its_own_tool_by_hash():
    block = install.entry("uv", ROOT / "requirements.txt")

    assert block.startswith("uv==")
    assert "--hash=sha256:" in block
    assert "valkey" not in block


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

    assert set(json.loads((project / ".venv" / "installed.json").read_text())) == {"requirements.txt"}
