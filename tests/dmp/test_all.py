"""`make test` says the truth on its last lines, on a machine without a browser too."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests import all as make_test
from tests import browser

JOURNEYS = "".join(f"def test_journey_{n}(chrome):\n    raise AssertionError\n\n" for n in range(3))


def run_where_there_is_no_browser(tmp_path, **environment):
    (tmp_path / "test_journeys.py").write_text(JOURNEYS)
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(tmp_path), "-rs", "-p", "no:xdist"),
            *("--rootdir", ".", "-c", "pyproject.toml", "-p", "conftest", "-p", "tests.conftest"),
        ],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in os.environ.items() if name != "CI"}
        | {"PATH": str(tmp_path)}
        | environment,
        capture_output=True,
        text=True,
    ).stdout


def test_journeys_without_a_browser_are_counted_with_the_line_that_mends_it(tmp_path):
    said = run_where_there_is_no_browser(tmp_path)

    assert (
        "3 parcours non joués : sudo apt install chromium-headless-shell fonts-dejavu-core libatomic1" in said
    )
    outcome = make_test.counted(said.splitlines())
    assert (outcome.failed, outcome.skipped) == (0, 3)
    assert make_test.last_lines([], outcome)[-2:] == [
        "3 parcours non joués : sudo apt install chromium-headless-shell fonts-dejavu-core libatomic1",
        "0 passed, 0 failed, 3 skipped",
    ]


def test_where_a_machine_checks_every_change_they_fail(tmp_path):
    outcome = make_test.counted(run_where_there_is_no_browser(tmp_path, CI="true").splitlines())

    assert (outcome.failed, outcome.skipped) == (3, 0)
    assert "non joués" in outcome.not_played


def test_a_single_journey_is_said_in_the_singular():
    assert browser.not_played(1).startswith("1 parcours non joué : ")
    assert browser.not_played(0) == ""


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("1 failed, 2269 passed, 10 skipped in 286.44s (0:04:46)", (2269, 1, 10)),
        ("3 passed, 2 errors in 4.00s", (3, 2, 0)),
        ("2 passed, 1 warning, 1 error in 4.00s", (2, 1, 0)),
        ("Killed", (0, 0, 0)),
    ],
)
def test_what_pytest_counted_is_what_is_said(line, counts):
    outcome = make_test.counted(["tests/x.py ...\n", line + "\n"])

    assert (outcome.passed, outcome.failed, outcome.skipped) == counts


def test_each_failure_is_told_again_before_the_count(tmp_path):
    (tmp_path / "test_wrong.py").write_text("def test_wrong():\n    assert 1 in [2]\n")
    said = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(tmp_path), "-n", "1"),
            *("--rootdir", ".", "-c", "pyproject.toml", "-p", "conftest"),
        ],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
    ).stdout

    outcome = make_test.counted(said.splitlines())

    assert outcome.failed == 1
    (told, count) = make_test.last_lines([], outcome)[-2:]
    assert told.startswith("FAILED: ")
    assert "test_wrong.py::test_wrong (call): assert 1 in [2]" in told
    assert count == "0 passed, 1 failed, 0 skipped"


def test_a_check_that_failed_is_a_failure_on_the_last_line():
    lines = make_test.last_lines(["lint"], make_test.Outcome(passed=7))

    assert lines == ["\nFailed: lint", "7 passed, 1 failed, 0 skipped"]
