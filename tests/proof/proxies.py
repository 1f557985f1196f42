"""The proxy of the deployment, for real when the machine has one: `apt install caddy`."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.proof.processes import ROOT, free_port, until

BEFORE_BUFFERS_HAD_THEIR_NAME = (2, 7)


def caddy() -> str | None:
    return shutil.which("caddy")


def version() -> tuple[int, ...]:
    told = subprocess.run([str(caddy()), "version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in re.findall(r"\d+", told)[:3])


def configuration() -> str:
    """deploy/Caddyfile, in the words of the version that is here."""
    text = (ROOT / "deploy" / "Caddyfile").read_text()
    if version() < BEFORE_BUFFERS_HAD_THEIR_NAME:
        text = text.replace("request_buffers 64KiB", "buffer_requests\n\t\tmax_buffer_size 64KiB")
    return text


@contextmanager
def proxied(web_port: int, folder: Path) -> Iterator[int]:
    """The port of a proxy in front of a web process, in clear on loopback."""
    port = free_port()
    path = folder / "Caddyfile"
    path.write_text(configuration())
    told = {
        "DMP_HOST": f"http://127.0.0.1:{port}",
        "DMP_WEB": f"127.0.0.1:{web_port}",
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    command = [str(caddy()), "run", "--config", str(path), "--adapter", "caddyfile"]
    with (folder / "caddy.log").open("a") as log:
        process = subprocess.Popen(command, env=told, stdout=log, stderr=log)
    try:
        assert until(lambda: listens(port), within=20), (folder / "caddy.log").read_text()[-2000:]
        yield port
    finally:
        process.terminate()
        process.wait(20)


def listens(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
