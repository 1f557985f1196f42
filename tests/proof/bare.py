"""A bare Debian in a folder: nothing but what `debootstrap` puts there, Python and make, up to date.

The mirror, the certificates and the index of packages are the machine's own, asked of apt, pip and the
environment when the proof runs. Only root can do this.
"""

import os
import re
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dmp.places import HERE, ROOT

ACCOUNT, UID = "camille", 1000
NEEDED = ("make", "python3", "ca-certificates")  # what the README asks for
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
OURS = re.compile(r"^(PIP_|UV_|SSL_CERT|REQUESTS_CA|CURL_CA)")
NOT_COPIED = {".git", ".venv", "var"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MOUNTS = """
set -e
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"  # as any machine has it: nobody makes a folder there
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$root/run"
[ -e /etc/resolv.conf ] && cat /etc/resolv.conf > "$root/etc/resolv.conf"
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$(dirname "$root$1")"; touch "$root$1"; fi
    mount --bind "$1" "$root$1"
    shift
done
shift
if [ "$1" = chroot ]; then shift; exec chroot "$root" "$@"; fi
shift
cd "$root"
mkdir -p .before
pivot_root . .before
umount -l /.before
exec "$@"
"""


def mirrors() -> dict[str, str]:
    """The machine's own mirrors: of the archive, and of its security updates."""
    asked = ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    found = {}
    for line in listed.splitlines():
        site, _, release = line.partition(" ")
        if re.fullmatch(r"[a-z]+(-security)?", release) and "debian" in site:
            found["security" if release.endswith("-security") else "archive"] = site
    return found


def machine_environment() -> dict[str, str]:
    """How this machine reaches its index of packages: pip's configuration, certificates, proxies."""
    found = {
        name: value
        for name, value in os.environ.items()
        if OURS.match(name) or name.lower().endswith("_proxy")
    }
    listed = subprocess.run(["python3", "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    for name, value in re.findall(r"(?m)^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listed):
        found.setdefault("PIP_" + name.upper().replace("-", "_"), value)
    return found


def shared_paths(environment: Mapping[str, str]) -> list[str]:
    """Folders and files of this machine that those settings name. Certificates are copied instead."""
    words = [word.removeprefix("file://") for value in environment.values() for word in value.split()]
    named = {word for word in words if word.startswith("/") and Path(word).exists()}
    return sorted(word for word in named if not Path(word).is_relative_to(CERTIFICATES.parent))


@dataclass
class Bare:
    """One such machine."""

    release: str
    folder: Path
    proxies: dict[str, str] = field(default_factory=dict)

    def make(self) -> None:
        mirror = mirrors()
        wanted = ",".join(NEEDED)
        made = subprocess.run(
            [
                "debootstrap",
                "--variant=minbase",
                f"--include={wanted}",
                self.release,
                self.folder,
                mirror["archive"],
            ],
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stdout[-2000:]
        sources = [
            f"deb {mirror['archive']} {self.release} main",
            f"deb {mirror['archive']} {self.release}-updates main",
        ]
        if "security" in mirror:
            sources.append(f"deb {mirror['security']} {self.release}-security main")
        (self.folder / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
        self.run(
            "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y upgrade", account="root"
        )
        if CERTIFICATES.exists():
            shutil.copy(CERTIFICATES, self.folder / CERTIFICATES.relative_to("/"))
        self.run(f"useradd --create-home --uid {UID} {ACCOUNT}", account="root")

    def install(self, *packages: str) -> None:
        wanted = " ".join(packages)
        self.run(
            "apt-get -qq update && DEBIAN_FRONTEND=noninteractive "
            f"apt-get -qq -y install --no-install-recommends {wanted}",
            account="root",
        )

    def copy_the_project(self, account: str) -> None:
        """As somebody would have just fetched it: nothing installed, nothing made."""
        home = self.home(account)
        shutil.rmtree(self.folder / home.lstrip("/") / "dmp", ignore_errors=True)
        target = self.folder / home.lstrip("/") / "dmp"
        shutil.copytree(ROOT, target, ignore=lambda folder, _: NOT_COPIED if Path(folder) == ROOT else ())
        owner = 0 if account == "root" else UID
        for path in (target, *target.rglob("*")):
            os.chown(path, owner, owner, follow_symlinks=False)

    @staticmethod
    def home(account: str) -> str:
        return "/root" if account == "root" else f"/home/{account}"

    def command(self, script: str, *, account: str, namespaces: bool = True) -> list[str]:
        environment = machine_environment() | self.proxies
        told = {"HOME": self.home(account), "USER": account, "PATH": PATH, **environment}
        words = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            MOUNTS,
            "sh",
            str(self.folder),
        ]
        # The kernel gives no user namespace to whoever is in a chroot.
        words += [*shared_paths(environment), "--", "pivot_root" if namespaces else "chroot"]
        if account != "root":
            words += ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
        # Whatever started us in the background, Ctrl-C is heard there.
        words += ["env", "-i", "--default-signal=INT", *(f"{name}={value}" for name, value in told.items())]
        return [*words, "sh", "-c", f"cd && {script}"]

    def run(self, script: str, *, account: str, namespaces: bool = True, most_seconds: float = 1500) -> str:
        """What it wrote. Fails when it fails."""
        done = subprocess.run(
            self.command(script, account=account, namespaces=namespaces),
            capture_output=True,
            text=True,
            timeout=most_seconds,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout + done.stderr

    def processes(self) -> list[int]:
        """Whoever lives there."""
        found = []
        for process in Path("/proc").iterdir():
            with suppress(OSError):
                if process.name.isdigit() and (process / "root").samefile(self.folder):
                    found.append(int(process.name))
        return found

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of `make run`: its words, its status, the seconds until its first page, if it ever came."""

    words: str
    status: int
    seconds: float
    first_page_seconds: float | None


def make_run(
    bare: Bare, *, account: str, port: int, namespaces: bool = True, most_seconds: float = 300
) -> Lived:
    """Until its first page, which is read; then Ctrl-C."""
    script = f"cd dmp && PORT={port} make run"
    said = bare.folder.with_suffix(".said")
    started = time.monotonic()
    first_page = None
    asked_to_stop = False
    with (
        said.open("w") as output,
        subprocess.Popen(
            bare.command(script, account=account, namespaces=namespaces), stdout=output, stderr=output
        ) as process,
    ):
        try:
            while process.poll() is None and time.monotonic() - started < most_seconds:
                if first_page is None and _answers(port):
                    first_page = time.monotonic() - started
                if "Ctrl-C arrête tout." in said.read_text() and not asked_to_stop:
                    asked_to_stop = stop(bare)
                time.sleep(0.1)
            process.wait(1)
        except BaseException:
            process.kill()
            raise
    return Lived(said.read_text(), process.returncode, time.monotonic() - started, first_page)


def stop(bare: Bare) -> bool:
    """Ctrl-C for the house that lives there; whether there was one."""
    for process in bare.processes():
        with suppress(OSError):
            if b"dmp.run" in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0"):
                os.kill(process, 2)
                return True
    return False


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HERE, port), timeout=5) as asked:
            asked.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return asked.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that leads to nothing on this machine: its address, and where it was asked to lead."""
    asked: list[str] = []
    server = socket.create_server((HERE, 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=_lead, args=(client, asked), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://{HERE}:{server.getsockname()[1]}", asked
    finally:
        server.close()


def _lead(client: socket.socket, asked: list[str]) -> None:
    with client, suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            if not (piece := client.recv(65_536)):
                return
            head += piece
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        parts = urlsplit(target if "://" in target else f"//{target}")
        asked.append(parts.hostname or "")
        if parts.hostname in (HERE, "localhost", "::1"):
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection((parts.hostname, parts.port or 80), timeout=30) as server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                server.sendall(head.replace(target.encode(), (parts.path or "/").encode(), 1))
            _join(client, server)


def _join(one: socket.socket, other: socket.socket) -> None:
    while True:
        ready, _, _ = select.select((one, other), (), (), 120)
        if not ready:
            return
        for here in ready:
            piece = here.recv(65_536)
            if not piece:
                return
            (other if here is one else one).sendall(piece)
