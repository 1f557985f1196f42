"""Everything that must hold before a change is kept: `make test`."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from dmp import children
from tests import browser
from tests import failures as failing

# Two more than the cores it is meant for: half of the time a test waits for a process, a page or a clock.
AT_ONCE = 4
MOST_TOLD = 20  # failures
# By files, in the order of `sharing_out`: xdist's own begins with the most numerous, which are quick.
DEALT = ("--dist", "loadfile", "--no-loadscope-reorder")
ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

# The longest first. Collecting once, beside the others, leaves what is compiled to the processes that follow:
# each would do it again, all at the same time.
CHECKS = (
    ("collection", [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests"]),
    ("types", [BIN / "mypy"]),
    ("migrations", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run", "--skip-checks"]),
    ("import contracts", [BIN / "lint-imports", "--no-cache"]),
    ("formatting", [BIN / "ruff", "format", "--check", "--quiet", "."]),
    ("lint", [BIN / "ruff", "check", "--quiet", "."]),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What pytest counted (an error is a failure), its sentence on journeys that were not played, and a line
    for each failure."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    not_played: str = ""
    failures: tuple[str, ...] = ()


def main() -> int:
    try:
        children.refuse_root_without_namespaces()
    except children.CannotStart as sentence:
        print(sentence, file=sys.stderr)
        return 1
    find_a_browser()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        passed = list(pool.map(passes, *zip(*CHECKS, strict=True)))
    failed = [name for (name, _), well in zip(CHECKS, passed, strict=True) if not well]
    outcome = run_the_tests()
    print("\n".join(last_lines(failed, outcome)), flush=True)
    return 1 if failed or outcome.failed else 0


def last_lines(failed_checks: list[str], outcome: Outcome) -> list[str]:
    """What failed, the journeys not played, and on the last line the count: a check is one more failure."""
    failed = [*failed_checks, *(["tests"] if outcome.failed else [])]
    lines = [f"\nFailed: {', '.join(failed)}"] if failed else []
    lines += [outcome.not_played] if outcome.not_played else []
    count = outcome.failed + len(failed_checks)
    lines += outcome.failures[:MOST_TOLD]
    return [*lines, f"{outcome.passed} passed, {count} failed, {outcome.skipped} skipped"]


def passes(name: str, command: list[str | Path]) -> bool:
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    told = "ok" if done.returncode == 0 else "FAILED"
    print(f"{name:<18}{told} ({time.monotonic() - started:.1f} s)", flush=True)
    if done.returncode:
        print(done.stdout, done.stderr, sep="", flush=True)
    return done.returncode == 0


def run_the_tests() -> Outcome:
    command = [sys.executable, "-m", "pytest", "-n", str(AT_ONCE), *DEALT, "-rs", "tests"]
    command += sys.argv[1:]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        outcome = counted(echoed(tests.stdout))
    return outcome if tests.returncode in (0, 1) else replace(outcome, failed=max(outcome.failed, 1))


def echoed(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        print(line, end="", flush=True)
        yield line


def counted(lines: Iterable[str]) -> Outcome:
    """What the last lines of pytest say."""
    last = not_played = ""
    failures = []
    for line in lines:
        if line.startswith(failing.TELLS):
            failures.append(line.strip())
            continue
        last = line if re.search(r" in \d", line) else last
        not_played = line.strip() if re.match(r"\d+ parcours non joué", line) else not_played
    numbers = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", last)}
    failed = sum(numbers.get(word, 0) for word in ("failed", "error", "errors"))
    return Outcome(numbers.get("passed", 0), failed, numbers.get("skipped", 0), not_played, tuple(failures))


def find_a_browser() -> None:
    """As root on Debian, Chromium comes by itself; elsewhere the last lines say what is missing."""
    if browser.executable() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        sys.path.insert(0, str(ROOT / "deploy"))
        from install import apt_install

        apt_install(*browser.packages())


if __name__ == "__main__":
    sys.exit(main())
