"""Forgets all data: the next `make run` starts afresh. Refuses while something lives there.

It runs under the system's Python, with the standard library alone.
"""

import fcntl
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dmp import children, places, terminal
from dmp.terminal import say

# What an installation makes in the folder that DMP_VAR names: nothing else there is ours to remove.
OURS = (
    *("pg", "pg.draft", "pg.log", "valkey.log", "run", "keys", "store", "sandbox", "static", "log", "lock"),
    *("pycache", "ruff", "mypy", "hypothesis", "tests", "proof"),
)


class CannotReset(Exception):
    """A sentence for the person in front of the terminal."""


def reset(var: Path) -> None:
    """Remove what lives there. Raises CannotReset, and then nothing is removed, or says what remains."""
    if not var.exists():
        return
    if sentence := places.somebody_elses(var) or places.not_writable(var):
        raise CannotReset(sentence)
    with (var / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotReset(f"Le DMP tourne dans {var} : arrêtez-le d’abord (Ctrl-C).") from None
        if children.working_in(var / "pg"):
            raise CannotReset(f"Un PostgreSQL travaille encore dans {var}/pg : attendez qu’il s’arrête.")
        if any((var / "tests").glob("[0-9]*")) and tests_run(var):
            raise CannotReset(f"Des tests tournent dans {var}/tests : attendez qu’ils finissent.")
        shutil.rmtree(children.socket_directory(var), ignore_errors=True)
        everything = var == places.ROOT / "var"
        for path in sorted(var.iterdir() if everything else map(var.joinpath, OURS)):
            remove(path)
    if everything or not any(var.iterdir()):
        shutil.rmtree(var)


def tests_run(var: Path) -> bool:
    return any(Path(f"/proc/{folder.name}").exists() for folder in (var / "tests").glob("[0-9]*"))


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def main() -> int:
    terminal.speak_its_language()
    var = places.var(os.environ)
    try:
        terminal.stop_politely()
        reset(var)
    except CannotReset as sentence:
        say(str(sentence), to_errors=True)
        return 1
    except OSError as failure:
        say(f"Tout n’a pas pu être effacé. {places.fault(failure, var)}", to_errors=True)
        return 1
    except terminal.AskedToStop:
        say("Effacement interrompu : relancez make reset.", to_errors=True)
        return 1
    say("Les données ont été effacées.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
