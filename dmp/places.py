"""Where this installation is, and whether one can live there: known before any setting is read."""

import errno
import os
import pwd
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = "127.0.0.1"
HIGHEST_PORT = 65_535
FULL_MEGABYTES = 16  # less than a segment of PostgreSQL's log: nothing more can be written


class Unusable(Exception):
    """A setting cannot be read. A sentence, in French, for the person in front of the terminal."""


def var(environment: Mapping[str, str]) -> Path:
    """What the installation owns: embedded servers, keys, contents, logs."""
    return Path(environment.get("DMP_VAR") or ROOT / "var").absolute()


def port(environment: Mapping[str, str], name: str = "PORT", default: int = 8000) -> int:
    """The port that `name` gives. Raises Unusable."""
    return number(environment, name, default, least=1, most=HIGHEST_PORT)


def number(
    environment: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = 2**31 - 1
) -> int:
    """A whole number from the environment. Raises Unusable when it is none, or out of bounds."""
    given = environment.get(name, "").strip()
    if not given:
        return default
    if not re.fullmatch("[0-9]{1,10}", given) or not least <= int(given) <= most:
        raise Unusable(f"{name}={given[:20]} : il faut un nombre entier, de {least} à {most}.")
    return int(given)


def is_free(port: int) -> bool:
    return _binding(port) is None


def refuse_a_port_not_ours(port: int, name: str) -> None:
    """Raises Unusable, when somebody has it or when it is not for this account."""
    failure = _binding(port)
    if failure is None:
        return
    if failure.errno == errno.EACCES:
        raise Unusable(f"Le port {port} est réservé à root : choisissez {name}=… à partir de 1024.")
    raise Unusable(f"Le port {port} est déjà pris : arrêtez ce qui l’occupe, ou choisissez {name}=….")


def _binding(port: int) -> OSError | None:
    """What the system says to whoever would listen on this port; nothing when it agrees."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HERE, port))
        except OSError as failure:
            return failure
    return None


def free_megabytes(folder: Path) -> int:
    """What is left on the disk of a folder, or of the nearest one above it that exists."""
    return shutil.disk_usage(_nearest(folder)).free // 1_000_000


def is_full(folder: Path) -> bool:
    try:
        usage = shutil.disk_usage(_nearest(folder))
    except OSError:
        return False
    return usage.total > 0 and usage.free < FULL_MEGABYTES * 1_000_000


def full(folder: Path) -> str:
    return f"Le disque de {folder} est plein ({free_megabytes(folder)} Mo libres) : faites de la place."


def not_writable(folder: Path) -> str:
    """Why nothing can be written there, and what to do; empty when it can."""
    existing = _nearest(folder)
    if os.access(existing, os.W_OK | os.X_OK):
        return ""
    refused = f"{existing} n’est pas accessible en écriture"
    owner = existing.stat().st_uid
    if os.statvfs(existing).f_flag & os.ST_RDONLY:
        return f"{refused} : ce système de fichiers est en lecture seule."
    if owner == os.geteuid():
        return f"{refused} : chmod u+rwx {existing}"
    return (
        f"{refused} : ce dossier appartient à « {account(owner)} ». Rendez-le à « {account(os.geteuid())} » "
        f"(sudo chown -R {os.geteuid()} {existing}), ou travaillez dans une copie à vous."
    )


def somebody_elses(var: Path) -> str:
    """Why a `var` that another account made cannot be lived in; empty when it is ours, or not there yet."""
    for folder in (var / "pg", var / "keys", var):
        if os.access(folder, os.F_OK) and (owner := folder.stat().st_uid) != os.geteuid():
            return (
                f"{folder} appartient à « {account(owner)} », et vous êtes « {account(os.geteuid())} » : "
                "lancez la commande depuis ce compte, ou choisissez un autre dossier avec DMP_VAR=…."
            )
    return ""


def account(number: int) -> str:
    """The name of an account of this machine, or its number."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def fault(failure: BaseException, folder: Path) -> str:
    """What the system refused, in one sentence; empty when it is none of the system's doing."""
    errors = [each for each in _chain(failure) if isinstance(each, OSError)]
    numbers = {each.errno for each in errors}
    if numbers & {errno.ENOSPC, errno.EDQUOT} or "No space left" in str(failure) or is_full(folder):
        return full(folder)
    if numbers & {errno.EACCES, errno.EPERM, errno.EROFS}:
        name = next((each.filename for each in errors if each.filename), folder)
        return not_writable(Path(os.fsdecode(name))) or f"{name} n’est pas accessible en écriture."
    if errno.EMFILE in numbers or errno.ENFILE in numbers:
        return "Trop de fichiers sont ouverts sur cette machine : voyez « ulimit -n »."
    if errno.ENOMEM in numbers:
        return "La mémoire de cette machine ne suffit pas."
    return f"Le système a refusé : {errors[0].strerror or errors[0]}." if errors else ""


def _chain(failure: BaseException | None) -> Iterator[BaseException]:
    while failure is not None:
        yield failure
        failure = failure.__cause__ or failure.__context__


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if os.access(path, os.F_OK))
