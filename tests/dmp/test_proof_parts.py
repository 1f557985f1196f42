"""The long programme is cut in parts that are run, stopped and taken up again one by one."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.proof import parts
from tests.proof.parts import Memory, Part


def command_lines():
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield (process / "cmdline").read_bytes().split(b"\0")


def python(*words):
    return Part("part", ("-c", *words))


@pytest.mark.parametrize(
    ("printed", "status", "state"),
    [
        ("3 passed in 1.00s", 0, "passed"),
        ("2 passed, 1 skipped in 1.00s", 0, "passed"),
        ("4 skipped in 1.00s", 0, "skipped"),
        ("1 failed, 2 passed in 1.00s", 1, "failed"),
        ("written", 0, "passed"),
    ],
)
def test_what_became_of_a_part_is_what_it_said(printed, status, state):
    assert parts.run(python(f"print({printed!r}); raise SystemExit({status})")) == state


def test_a_part_that_lasts_too_long_is_ended_with_what_it_started():
    child = "import subprocess, sys; subprocess.run(['sleep', '61.5'])"

    started = time.monotonic()
    assert parts.run(python(child), most_seconds=1) == "too long"

    assert time.monotonic() - started < 20
    assert not any(b"61.5" in words for words in command_lines())


def test_every_proof_is_in_a_part_and_no_name_is_taken_twice():
    found = parts.parts()
    names = [part.name for part in found]
    read = {word.rpartition("/")[2] for part in found for word in part.arguments if word.endswith(".py")}

    assert len(set(names)) == len(names)
    elsewhere = {
        path.name
        for path in parts.ROOT.glob("tests/**/test_*.py")
        if path.parent != parts.HERE and "pytest.mark." + "proof" in path.read_text()
    }
    assert read == {path.name for path in parts.HERE.glob("test_*.py")} | elsewhere
    assert set(parts.CUT) <= read


def test_what_passed_for_this_code_is_not_run_again_until_it_is_asked_for(tmp_path, monkeypatch, capsys):
    ran = []
    outcomes = {"one": "passed", "two": "failed", "three": "skipped"}
    monkeypatch.setattr(parts, "parts", lambda: [Part(name, ()) for name in outcomes])
    monkeypatch.setattr(parts, "run", lambda part: ran.append(part.name) or outcomes[part.name])
    monkeypatch.setattr(parts, "ROOT", tmp_path)
    monkeypatch.setattr(parts, "mark_of_the_code", lambda: "this code")

    assert parts.main([]) == 1
    outcomes["two"] = "passed"
    assert parts.main([]) == 0
    assert parts.main(["one"]) == 0
    assert parts.main(["four"]) == 2

    assert ran == ["one", "two", "three", "two", "three", "one"]
    assert "passed" in capsys.readouterr().out


def test_another_code_begins_again(tmp_path):
    (tmp_path / "code.py").write_text("1")
    first = parts.mark_of_the_code(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "figures.md").write_text("what a proof writes")
    assert parts.mark_of_the_code(tmp_path) == first

    (tmp_path / "code.py").write_text("2")

    assert parts.mark_of_the_code(tmp_path) != first


def test_a_memory_cut_while_it_was_written_is_none(tmp_path):
    memory = Memory(tmp_path, "mark")
    memory.path.write_text("{")

    assert memory.outcomes() == {}
    memory.note("one", "passed", 1.4)
    assert memory.outcomes()["one"]["state"] == "passed"


def test_the_list_is_given_without_running_anything():
    done = subprocess.run(
        [sys.executable, "-m", "tests.proof.parts", "--list"], cwd=parts.ROOT, capture_output=True, text=True
    )

    assert done.returncode == 0
    assert "  throughput " in done.stdout
