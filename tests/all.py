"""Everything that must hold before a change is kept: `make test`."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

CHECKS = (
    ("formatting", [BIN / "ruff", "format", "--check", "--quiet", "."]),
    ("lint", [BIN / "ruff", "check", "--quiet", "."]),
    ("import contracts", [BIN / "lint-imports", "--no-cache"]),
    ("types", [BIN / "mypy"]),
    ("migrations", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run", "--skip-checks"]),
)


def main() -> int:
    find_a_browser()
    failed = [name for name, command in CHECKS if not passes(name, command)]
    counts = run_the_tests()
    if counts is None or counts["failed"]:
        failed.append("tests")
    if failed:
        print(f"\nFailed: {', '.join(failed)}")
    told = counts or {"passed": 0, "failed": 1, "skipped": 0}
    print(f"{told['passed']} passed, {told['failed']} failed, {told['skipped']} skipped", flush=True)
    return 1 if failed else 0


def passes(name: str, command: list[str | Path]) -> bool:
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    told = "ok" if done.returncode == 0 else "FAILED"
    print(f"{name:<18}{told} ({time.monotonic() - started:.1f} s)", flush=True)
    if done.returncode:
        print(done.stdout, done.stderr, sep="", flush=True)
    return done.returncode == 0


def run_the_tests() -> dict[str, int] | None:
    """What pytest counts, an error counted as a failure; nothing when it could not run."""
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "-rs", "tests", *sys.argv[1:]]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        last = ""
        for line in tests.stdout:
            print(line, end="", flush=True)
            last = line if re.search(r" in \d", line) else last
    if tests.returncode not in (0, 1):
        return None
    found = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", last)}
    failed = found.get("failed", 0) + found.get("error", 0) + found.get("errors", 0)
    return {"passed": found.get("passed", 0), "failed": failed, "skipped": found.get("skipped", 0)}


def find_a_browser() -> None:
    """Chromium from PATH; as root on Debian, from the distribution; otherwise the line that installs it."""
    if any(map(shutil.which, BROWSERS)):
        return
    packages = [line for line in (ROOT / "apt.txt").read_text().split("\n") if line and line[0] != "#"]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        sys.path.insert(0, str(ROOT / "deploy"))
        from install import apt_install

        apt_install(*packages)
    if not any(map(shutil.which, BROWSERS)):
        print(f"Chromium manque pour les parcours : sudo apt install {' '.join(packages)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
