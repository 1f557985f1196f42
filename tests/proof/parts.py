"""The parts of the long programme: what each runs, and which passed for the code as it is.

A file of this folder is a part, named like it: `test_oversized.py` is `oversized`. A file that would last
more than half an hour is cut by the names of its tests, in CUT; what is no test of this folder is in OTHERS.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
MOST_SECONDS = 1800

# file: {part: what its tests have in their names, as `pytest -k` reads it}
CUT: dict[str, dict[str, str]] = {
    "test_bare_machines.py": {
        "bare-debian-12-root": "bookworm and root",
        "bare-debian-12-user": "bookworm and user",
        "bare-debian-13-root": "trixie and root",
        "bare-debian-13-user": "trixie and user",
    },
}
OTHERS: dict[str, list[str]] = {
    "anonymous": ["-m", "pytest", "tests/portal/public/test_nothing_stays.py", "-m", "proof", "-rs"],
    "throughput": ["-m", "tests.bench", "--write"],
}

# What a proof does not read: what it writes, and what people read.
NOT_CODE = {".git", ".venv", "var", "__pycache__", "docs"}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the programme that is run by itself: its name, and what follows `python`."""

    name: str
    arguments: tuple[str, ...]


def parts() -> list[Part]:
    found = [part for path in sorted(HERE.glob("test_*.py")) for part in _of(path)]
    return found + [Part(name, tuple(arguments)) for name, arguments in OTHERS.items()]


def _of(path: Path) -> Iterator[Part]:
    pytest = ("-m", "pytest", str(path.relative_to(ROOT)), "-m", "proof", "-s", "-rs")
    if path.name not in CUT:
        yield Part(path.stem.removeprefix("test_").replace("_", "-"), pytest)
    for name, words in CUT.get(path.name, {}).items():
        yield Part(name, (*pytest, "-k", words))


def mark_of_the_code(root: Path = ROOT) -> str:
    """The same for the same code, committed or not."""
    mark = sha256()
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if NOT_CODE.isdisjoint(relative.parts) and path.is_file() and path.suffix != ".md":
            mark.update(f"{relative}\0{sha256(path.read_bytes()).hexdigest()}\n".encode())
    return mark.hexdigest()[:16]


class Memory:
    """What became of each part for this code, in `var/proof/<mark>.json`."""

    def __init__(self, folder: Path, mark: str) -> None:
        self.path = folder / f"{mark}.json"

    def outcomes(self) -> dict[str, dict[str, str]]:
        try:
            found: dict[str, dict[str, str]] = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def note(self, part: str, state: str, seconds: float) -> None:
        when = datetime.now(UTC).isoformat(timespec="seconds")
        noted = self.outcomes() | {part: {"state": state, "seconds": f"{seconds:.0f}", "at": when}}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(noted, indent=1))
        draft.replace(self.path)


def run(part: Part, *, most_seconds: float = MOST_SECONDS) -> str:
    """`passed`, `failed`, `skipped` when none of its tests could be run here, `too long`."""
    from tests.all import counted, echoed

    with subprocess.Popen(
        [sys.executable, *part.arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        late = threading.Timer(most_seconds, _kill, [process])
        late.start()
        assert process.stdout is not None
        try:
            outcome = counted(echoed(process.stdout))
            status = process.wait()
        except BaseException:
            _kill(process)
            raise
        finally:
            late.cancel()
    if status == -signal.SIGKILL:
        return "too long"
    if status:
        return "failed"
    return "skipped" if outcome.skipped and not outcome.passed else "passed"


def _kill(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def main(arguments: list[str]) -> int:
    known = {part.name: part for part in parts()}
    memory = Memory(ROOT / "var" / "proof", mark_of_the_code())
    if "--list" in arguments:
        print(listed(known, memory))
        return 0
    if unknown := [name for name in arguments if name not in known]:
        print(f"No such part: {', '.join(unknown)}.\n\n{listed(known, memory)}", file=sys.stderr)
        return 2
    before = memory.outcomes()
    wanted = arguments or [name for name in known if before.get(name, {}).get("state") != "passed"]
    print(listed(known, memory), flush=True)
    states = []
    for rank, name in enumerate(wanted, start=1):
        print(f"\n== {name} ({rank} of {len(wanted)})", flush=True)
        started = time.monotonic()
        states.append(run(known[name]))
        memory.note(name, states[-1], time.monotonic() - started)
        print(f"== {name}: {states[-1]}, {time.monotonic() - started:.0f} s", flush=True)
    print(f"\n{listed(known, memory)}", flush=True)
    return 1 if {"failed", "too long"} & set(states) else 0


def listed(known: dict[str, Part], memory: Memory) -> str:
    """Each part with what became of it for this code."""
    outcomes = memory.outcomes()
    lines = ["Parts of `make proof` for this code (`make proof part=NAME` runs one):"]
    for name in known:
        outcome = outcomes.get(name)
        said = f"{outcome['state']}, {outcome['seconds']} s, {outcome['at']}" if outcome else "–"
        lines.append(f"  {name:<28}{said}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
