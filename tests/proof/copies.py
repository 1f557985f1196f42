"""Everything that a thief could carry away without the keys: dumps, files, messages, logs."""

import socket
import subprocess
import threading
from pathlib import Path

from dmp import keys, pg, valkey


def dump(var: Path, database: str, to: Path) -> Path:
    """The whole database of the embedded server of `var` as text, taken by its superuser."""
    command = [pg.binaries() / "pg_dump", "-f", to, pg.url(var, database, pg.SUPERUSER)]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return to


class Overheard:
    """Every command that a Redis receives, as its MONITOR shows it."""

    def __init__(self, var: Path, to: Path) -> None:
        password = keys.kept(var, valkey.SECRETS, (valkey.APPLICATION, valkey.OPERATOR))[valkey.OPERATOR]
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(valkey.socket_path(var)))
        self._socket.sendall(f"AUTH {valkey.OPERATOR} {password}\r\nMONITOR\r\n".encode())
        self._file = to
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with self._file.open("ab") as file:
            while True:
                try:
                    heard = self._socket.recv(65536)
                except OSError:
                    return
                if not heard:
                    return
                file.write(heard)
                file.flush()

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()


def everything_in_redis(var: Path, to: Path) -> int:
    """All that a Redis holds, key after key; how many there were."""
    reading = {
        b"string": lambda server, key: [server.get(key)],
        b"list": lambda server, key: server.lrange(key, 0, -1),
        b"set": lambda server, key: server.smembers(key),
        b"zset": lambda server, key: server.zrange(key, 0, -1),
        b"hash": lambda server, key: [part for pair in server.hgetall(key).items() for part in pair],
    }
    found = 0
    with to.open("wb") as file, valkey.operator(var) as first:
        databases = int(first.config_get("databases")["databases"])
        for number in range(databases):
            with valkey.operator(var, number) as server:
                for key in server.scan_iter():
                    found += 1
                    values = reading[server.type(key)](server, key)
                    file.write(b"\n".join([key, *(value or b"" for value in values), b""]))
    return found
