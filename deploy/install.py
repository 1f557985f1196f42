"""Installs what requirements*.txt lists into .venv, and nothing when nothing changed.

    python3 deploy/install.py [--dev] [--servers]

It runs under the system's Python, with the standard library alone. `--dev` adds what the tests need;
`--servers` says that PostgreSQL will be started here: where that cannot be, nothing is installed.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from dmp import children, places, terminal  # noqa: E402  none of them needs anything installed
from dmp.terminal import say  # noqa: E402

VENV = ROOT / ".venv"
STAMP = VENV / "installed.json"
RUNTIME, DEV = "requirements.txt", "requirements-dev.txt"  # the second contains the first
ROOM = {RUNTIME: 600, DEV: 900}  # megabytes that an installation takes while it goes
AT_A_TIME = 6  # packages that come together: few, so that the counter moves
INTERRUPTED = 130

# What pip and uv write when they fail, and what the person can do about it. The first that is found is said.
FAULTS = (
    (r"No space left|Disk quota|os error 28\b", "Le disque est plein : faites de la place, puis relancez."),
    (
        r"(?i)hash mismatch|do not match the hashes",
        "Un paquet reçu n’est pas celui qui est attendu (son empreinte diffère) : il n’est pas installé.",
    ),
    (
        r"(?i)certificate|SSLError|UnknownIssuer",
        "Le certificat de l’index de paquets n’est pas reconnu : voyez PIP_CERT et SSL_CERT_FILE.",
    ),
    (
        r"(?i)proxy",
        "Le proxy ne mène pas à l’index de paquets : voyez http_proxy, https_proxy et no_proxy.",
    ),
    (
        r"(?i)NewConnectionError|resol(ve|ution)|timed out|connect(ion)? (refused|error)|unreachable"
        r"|dns error|error sending request|Could not connect|IncompleteRead|reset by peer"
        r"|from versions: none",
        "L’index de paquets ne répond pas : cette machine a-t-elle le réseau ? Relancez la commande ensuite.",
    ),
    (
        r"(?i)No matching distribution|no wheel|not find a version|No solution found",
        "L’index de paquets n’a pas ce qu’il faut pour ce Python et cette machine.",
    ),
    (r"Permission denied|Read-only file system", "Un dossier n’est pas accessible en écriture."),
)


Command: TypeAlias = list[str | Path]


class CannotInstall(Exception):
    """A sentence for the person in front of the terminal."""


class Failed(Exception):
    """A command failed; what it wrote."""


def main(*, dev: bool, servers: bool = False) -> None:
    if servers and not os.environ.get("DATABASE_URL"):
        refuse_where_no_server_starts()
    if not is_wanted(dev=dev):
        return
    refuse_a_place_that_does_not_fit(dev=dev)
    with alone():
        if not is_wanted(dev=dev):
            return  # another terminal has just done it
        requirements = DEV if dev or DEV in what_is_installed() else RUNTIME
        say("Installation des dépendances dans .venv …")
        started = time.monotonic()
        make_environment()
        STAMP.unlink(missing_ok=True)  # until the end, what is there is not whole
        install(requirements)
        names = (RUNTIME, DEV) if requirements == DEV else (RUNTIME,)
        write_stamp({name: digest(name) for name in names} | identity())
        say(f"Dépendances installées en {time.monotonic() - started:.0f} s.")


# -- What there is ---------------------------------------------------------------------------------


def is_wanted(*, dev: bool) -> bool:
    wanted = {name: digest(name) for name in ((RUNTIME, DEV) if dev else (RUNTIME,))}
    return not wanted.items() <= what_is_installed().items()


def digest(name: str) -> str:
    return sha256((ROOT / name).read_bytes()).hexdigest()


def what_is_installed() -> dict[str, str]:
    """What the last complete installation read; nothing when the environment no longer runs, or moved."""
    try:
        installed: dict[str, str] = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    whole = identity().items() <= installed.items() and runs(VENV / "bin" / "python", "-c", "")
    return installed if whole else {}


def identity() -> dict[str, str]:
    """The commands in .venv/bin begin with this path: elsewhere they lead nowhere."""
    return {"place": str(VENV)}


def write_stamp(content: dict[str, str]) -> None:
    draft = STAMP.with_suffix(".draft")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(STAMP)


def runs(python: Path, *words: str) -> bool:
    return python.exists() and subprocess.run([python, *words], capture_output=True).returncode == 0


# -- Whether it can be done here -------------------------------------------------------------------


def refuse_where_no_server_starts() -> None:
    try:
        children.refuse_root_without_namespaces()
    except children.CannotStart as sentence:
        raise CannotInstall(str(sentence)) from None


def refuse_a_place_that_does_not_fit(*, dev: bool) -> None:
    """Before anything is fetched. Raises CannotInstall."""
    for folder in (VENV, ROOT):
        if folder.exists():
            if sentence := places.not_writable(folder):
                raise CannotInstall(sentence)
            break
    if os.statvfs(ROOT).f_flag & os.ST_NOEXEC:
        raise CannotInstall(
            f"Rien ne peut être exécuté dans {ROOT} : le système de fichiers est monté « noexec »."
        )
    needed, free = ROOM[DEV if dev else RUNTIME], places.free_megabytes(ROOT)
    if not STAMP.exists() and free < needed:
        raise CannotInstall(
            f"Il faut {needed} Mo de libres dans {ROOT} pour installer les dépendances : il en reste {free}."
        )


@contextmanager
def alone() -> Iterator[None]:
    """One installation at a time in a folder; the others wait for it."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Une autre installation est en cours dans ce dossier : j’attends qu’elle se termine …")
            fcntl.flock(folder, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(folder)


# -- The environment -------------------------------------------------------------------------------


def make_environment() -> None:
    """An empty one, unless the one that is there was installed whole: the rest of a cut is not built upon."""
    python = VENV / "bin" / "python"
    if what_is_installed() and runs(python, "-m", "pip", "--version"):
        return
    need_venv()
    shutil.rmtree(VENV, ignore_errors=True)
    pip = pip_at_hand()
    try:
        run([sys.executable, "-m", "venv", *(["--without-pip"] if pip else []), VENV])
        if pip:
            (site_packages,) = VENV.glob("lib/python3*/site-packages")
            with ZipFile(pip) as wheel:
                wheel.extractall(site_packages)
    except Failed as failure:
        raise CannotInstall(sentence_for(str(failure))) from None


def pip_at_hand() -> Path | None:
    """The wheel that `venv` would install pip from, in seconds: unpacked, it is installed at once."""
    python = Path(sysconfig.get_path("stdlib"))
    folder = sysconfig.get_config_var("WHEEL_PKG_DIR") or python / "ensurepip" / "_bundled"
    return next(iter(sorted(Path(folder).glob("pip-*-none-any.whl"))), None)


def need_venv() -> None:
    """Debian keeps ensurepip in a package of its own: install it as root, or say which."""
    if has_ensurepip():
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        apt_install(package)
    if not has_ensurepip():
        raise CannotInstall(f"Il manque le module venv de Python : sudo apt install {package}")


def has_ensurepip() -> bool:
    return runs(Path(sys.executable), "-c", "import ensurepip, venv")


def apt_install(*packages: str) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    say(f"apt-get install {' '.join(packages)} …")
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        env=quiet,
        check=False,
        stdout=subprocess.DEVNULL,
    )


# -- The packages ----------------------------------------------------------------------------------


def install(requirements: str) -> None:
    """With uv, which pip installs first; with pip alone where uv cannot reach the index that pip knows."""
    listed = entries(ROOT / requirements)
    python = VENV / "bin" / "python"
    pip: Command = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    uv: Command = [VENV / "bin" / "uv", "pip", "install", "--quiet", "--python", python]
    part = VENV / "part.txt"
    counter = Counter(len(listed))
    try:
        part.write_text(next(entry for entry in listed if entry.startswith("uv==")), encoding="utf-8")
        run([*pip, "--require-hashes", "-r", part])
        tool = uv
        for first in range(0, len(listed), AT_A_TIME):
            part.write_text("".join(listed[first : first + AT_A_TIME]), encoding="utf-8")
            tool = install_some(part, tool, pip)
            counter.reach(first + AT_A_TIME)
        if tool is uv:
            run([*uv[:2], "sync", *uv[3:], "--require-hashes", ROOT / requirements])
    except Failed as failure:
        counter.end()
        raise CannotInstall(sentence_for(str(failure))) from None
    finally:
        part.unlink(missing_ok=True)
    counter.end()


def install_some(part: Path, tool: Command, pip: Command) -> Command:
    """The packages of one file; with which tool it was done. Raises Failed."""
    try:
        run([*tool, "--no-deps", "--require-hashes", "-r", part])
        return tool
    except Failed:
        if tool is pip:
            raise
    run([*pip, "--no-deps", "--require-hashes", "-r", part])
    return pip


def entries(requirements: Path) -> list[str]:
    """The lines of each package: its version, its marker, its hashes."""
    text = re.sub(r"(?m)^\s*#.*\n", "", requirements.read_text(encoding="utf-8"))
    return [block for block in re.split(r"(?m)^(?=\w)", text) if block.strip()]


class Counter:
    """« 12 / 61 paquets », on one line of a terminal, on one line each elsewhere."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.shown = False
        self.reach(0)

    def reach(self, count: int) -> None:
        words = f"{min(count, self.total)} / {self.total} paquets"
        self.shown = True
        if terminal.is_interactive():
            say(f"\r  {words}", end="")
        else:
            say(f"  {words}")

    def end(self) -> None:
        if self.shown and terminal.is_interactive():
            say("")
        self.shown = False


def run(command: Command) -> None:
    """Raises Failed with what the command wrote; it does not outlive us."""
    patient = {"PIP_RETRIES": "2", **os.environ}
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=patient,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            written, _ = process.communicate()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        raise Failed(written)


def sentence_for(written: str) -> str:
    """What to do about a failure of pip or uv, then its own last words."""
    sentence = next((said for pattern, said in FAULTS if re.search(pattern, written)), "")
    last = [line for line in written.strip().splitlines() if line.strip()][-3:]
    return "\n".join([sentence or "L’installation a échoué :", *(f"  {line.strip()}" for line in last)])


def command_line(arguments: list[str]) -> int:
    """What the shell is told."""
    terminal.speak_its_language()
    try:
        terminal.stop_politely()
        main(dev="--dev" in arguments, servers="--servers" in arguments)
    except CannotInstall as sentence:
        say(str(sentence), to_errors=True)
        return 1
    except terminal.AskedToStop:
        terminal.stop_listening()
        say("\nInstallation interrompue : relancez la commande, elle recommencera.", to_errors=True)
        return INTERRUPTED
    except OSError as failure:
        say(places.fault(failure, ROOT), to_errors=True)
        return 1
    return 0


if __name__ == "__main__":
    status = command_line(sys.argv[1:])
    with suppress(OSError):
        sys.stdout.flush()
    sys.exit(status)
