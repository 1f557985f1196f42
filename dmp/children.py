"""Servers run as children in the foreground: they die with their parent; PostgreSQL never runs as root."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

LONGEST_SOCKET_PATH = 103  # bytes: the smallest limit among the systems we run on
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432")
PR_SET_PDEATHSIG = 1  # linux/prctl.h
UNLESS_ORPHANED = '[ "$PPID" = "$0" ] && exec "$@"'  # for sh, which is told who its parent must be


class CannotStart(Exception):
    """A sentence, in French, for the person in front of the terminal."""


def dying_with_us(command: list[str | Path | int], *, by: str = "TERM") -> list[str]:
    """The same command, sent signal `by` when the process that starts it dies; not run if it died before.

    That process is the one that calls this.
    """
    words = [str(word) for word in command]
    if not shutil.which("setpriv"):
        return words
    # For a parent that is already dead when it is asked, the kernel sends nothing: hence the second look.
    return ["setpriv", "--pdeathsig", by, "sh", "-c", UNLESS_ORPHANED, str(os.getpid()), *words]


def as_nobody(command: list[str]) -> list[str]:
    """The same command, under a user that PostgreSQL accepts: it refuses to run as root."""
    return ["unshare", "--user", "--map-user=65534", *command] if os.geteuid() == 0 else command


def refuse_root_without_namespaces() -> None:
    """Raises CannotStart where PostgreSQL, which never runs as root, could not be started by us."""
    if os.geteuid() != 0:
        return
    if shutil.which("unshare") is None:
        raise CannotStart(
            "PostgreSQL refuse de s’exécuter en tant que root, et la commande « unshare » manque : "
            "installez util-linux, ou lancez la commande depuis un compte ordinaire."
        )
    if subprocess.run(as_nobody(["true"]), capture_output=True).returncode:
        raise CannotStart(
            "PostgreSQL refuse de s’exécuter en tant que root, et ce système n’autorise pas les espaces de "
            "noms utilisateur : lancez la commande depuis un compte ordinaire, ou donnez DATABASE_URL."
        )


def die_with_parent() -> None:
    """Ask the kernel for a SIGTERM when whoever started us dies without a word. Only Linux has this."""
    die_with(os.getppid())


def die_with(parent: int, by: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel for signal `by` when `parent`, who started us, dies; it may be dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        os.kill(os.getpid(), by)


def start(
    command: list[str],
    *,
    output: IO[str] | int | None = None,
    environment: Mapping[str, str] | None = None,
    inherited: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    """Start a child in its own session, so that Ctrl-C in the terminal reaches its parent alone.

    `inherited`: the descriptors it keeps open, besides its output.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        env=dict(environment) if environment is not None else None,
        start_new_session=True,
        pass_fds=inherited,
    )


def stop(
    process: subprocess.Popen[bytes], *, by: signal.Signals = signal.SIGTERM, patience: float = 15
) -> None:
    """Ask a child to stop; insist on its whole session when it does not."""
    if process.poll() is not None:
        return
    process.send_signal(by)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def working_in(folder: Path) -> list[int]:
    """The processes whose working directory is this one, as PostgreSQL's is its cluster's."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                if (process / "cwd").samefile(folder):
                    found.append(int(process.name))
    return found


def socket_directory(var: Path) -> Path:
    """Where the servers of this `var` put their sockets: `var/run`, or elsewhere when too long."""
    near = var / "run"
    if len(os.fsencode(near)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH:
        return near
    mark = sha256(os.fsencode(var)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"dmp-{os.geteuid()}-{mark}"


def private_directory(path: Path) -> Path:
    """A directory that is ours alone. Raises CannotStart when somebody else owns it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_uid != os.geteuid():
        raise CannotStart(
            f"Le dossier {path} appartient à un autre compte : supprimez-le ou changez DMP_VAR."
        )
    path.chmod(0o700)
    return path
