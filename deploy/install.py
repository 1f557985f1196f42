"""Installs what requirements*.txt lists into .venv, and nothing when nothing changed.

    python3 deploy/install.py [--dev]

It runs under the system's Python, with the standard library alone. `--dev` adds what the tests need.
"""

import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.json"
RUNTIME, DEV = "requirements.txt", "requirements-dev.txt"  # the second contains the first


class CannotInstall(Exception):
    """A sentence for the person in front of the terminal."""


def main(*, dev: bool) -> None:
    installed = what_is_installed()
    wanted = {name: digest(name) for name in ((RUNTIME, DEV) if dev else (RUNTIME,))}
    if wanted.items() <= installed.items():
        return
    dev = dev or DEV in installed
    print("Installation des dépendances dans .venv …", flush=True)
    make_environment()
    install(DEV if dev else RUNTIME)
    STAMP.write_text(json.dumps({name: digest(name) for name in ((RUNTIME, DEV) if dev else (RUNTIME,))}))


def digest(name: str) -> str:
    return sha256((ROOT / name).read_bytes()).hexdigest()


def what_is_installed() -> dict[str, str]:
    """What the last complete installation read; nothing when the environment no longer runs."""
    if not STAMP.is_file() or not runs(VENV / "bin" / "python"):
        return {}
    return json.loads(STAMP.read_text())


def runs(python: Path) -> bool:
    return python.exists() and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0


def make_environment() -> None:
    if runs(VENV / "bin" / "python") and (VENV / "bin" / "pip").exists():
        return
    need_venv()
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True, stdout=subprocess.DEVNULL)


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
    asked = subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True)
    return asked.returncode == 0


def apt_install(*packages: str) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    print(f"apt-get install {' '.join(packages)} …", flush=True)
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        env=quiet,
        check=False,
        stdout=subprocess.DEVNULL,
    )


def install(requirements: str) -> None:
    """With uv, which pip installs first; with pip alone where uv cannot reach the index that pip knows."""
    pip = [VENV / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
    only_uv = VENV / "uv.txt"
    only_uv.write_text(entry("uv", ROOT / requirements))
    subprocess.run([*pip, "install", "--require-hashes", "-r", only_uv], check=True)
    uv = [
        VENV / "bin" / "uv",
        "pip",
        "sync",
        "--quiet",
        "--require-hashes",
        "--python",
        VENV / "bin" / "python",
    ]
    if subprocess.run([*uv, ROOT / requirements], check=False).returncode:
        subprocess.run([*pip, "install", "--require-hashes", "-r", ROOT / requirements], check=True)


def entry(name: str, requirements: Path) -> str:
    """The lines of one package: its version and its hashes."""
    kept: list[str] = []
    for line in requirements.read_text().splitlines():
        if kept and not line.startswith(" "):
            break
        if kept or line.startswith(f"{name}=="):
            kept.append(line)
    return "\n".join(kept) + "\n"


if __name__ == "__main__":
    try:
        main(dev="--dev" in sys.argv[1:])
    except CannotInstall as sentence:
        sys.exit(str(sentence))
    except (PermissionError, OSError) as failure:
        if isinstance(failure, PermissionError) or failure.errno == 30:  # EROFS
            sys.exit(f"Ce dossier n’est pas accessible en écriture : {failure.filename or ROOT}")
        raise
    except subprocess.CalledProcessError:
        sys.exit(
            "L’installation a échoué : le réseau et l’index de paquets répondent-ils ? Relancez la commande."
        )
