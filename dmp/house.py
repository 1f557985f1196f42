"""The whole house on one machine: its processes, the order they start in, what each is told."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg

from dmp import children, keys, pg, valkey
from dmp.children import CannotStart

HERE = "127.0.0.1"
BIN = Path(sys.executable).parent
LOGINS = ("dmp_app", "dmp_owner")
PATIENCE_SECONDS = 120.0
FRONT = (sys.executable, "-m", "dmp.front")
BACKLOG = 2048  # connections that wait while the web starts again
GRACE_SECONDS = 5  # given to the web, when it stops, to end what it began
DEATHS_BORNE, WITHIN_SECONDS = 5, 60.0


@dataclass
class Kept:
    """A process that is started again when it dies, unless it dies again and again."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    stop: Callable[[subprocess.Popen[bytes]], None] = children.stop
    process: subprocess.Popen[bytes] = field(init=False)
    deaths: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.process = self.start()

    def restart_if_dead(self) -> bool:
        """Whether it had died. Raises CannotStart when it dies too often."""
        if self.process.poll() is None:
            return False
        now = time.monotonic()
        self.deaths = [death for death in self.deaths if now - death < WITHIN_SECONDS] + [now]
        if len(self.deaths) > DEATHS_BORNE:
            raise CannotStart(
                f"Le processus « {self.name} » s’arrête sans cesse : voyez var/log/{self.name}.log."
            )
        self.process = self.start()
        return True


@dataclass
class House:
    """What `make run` starts, and stops in the reverse order."""

    var: Path
    port: int
    given: Mapping[str, str]
    kept: list[Kept] = field(default_factory=list)
    environment: dict[str, str] = field(init=False)
    listening: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.environment = dict(self.given)
        self.environment |= {
            "PORT": str(self.port),
            "DMP_VAR": str(self.var),
            "DMP_DEMO": "1",
            "DMP_BASE_URL": self.address,
            "DMP_POST_DELAY_HOURS": self.given.get("DMP_POST_DELAY_HOURS", "0"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # a dozen processes start: what one compiled serves the others
        }

    @property
    def address(self) -> str:
        return f"http://{HERE}:{self.port}"

    # -- The servers -------------------------------------------------------------------------------

    def open_database(self) -> None:
        """Ours, or the one that DATABASE_URL names; its roles and walls either way."""
        url = self.given.get("DATABASE_URL")
        if not url:
            self._keep("postgresql", lambda: pg.start(self.var), stop=pg.stop)
            pg.prepare(self.var, "dmp")
            return
        try:
            if pg.may_make_roles(url):
                secrets = keys.kept(self.var, "database.json", LOGINS)
                app, owner = pg.adopt(url, secrets)
                self.environment |= {"DATABASE_URL": app, "DATABASE_OWNER_URL": owner}
            elif not self.given.get("DATABASE_OWNER_URL"):
                raise CannotStart(
                    "DATABASE_URL doit désigner un compte qui peut créer les rôles (superutilisateur), "
                    "ou bien dmp_app, avec DATABASE_OWNER_URL pour dmp_owner : voyez docs/operating.md."
                )
        except psycopg.OperationalError as failure:
            raise CannotStart(
                f"La base de DATABASE_URL ne répond pas : {str(failure).splitlines()[0]}"
            ) from None

    def open_redis(self) -> None:
        if not self.given.get("REDIS_URL"):
            self._keep("valkey", lambda: valkey.start(self.var))

    # -- Our own processes -------------------------------------------------------------------------

    def open_sandbox(self) -> None:
        """The outside world, before whoever speaks to it."""
        port, mail = self._two_free_ports()
        outside = f"http://{HERE}:{port}"
        self.environment |= {
            "SANDBOX_PORT": str(port),
            "DMP_HISTORY_URL": f"{outside}/assurance-maladie",
            "DMP_PSC_ISSUER": f"{outside}/psc",
            "DMP_PSC_CLIENT_ID": "dmp",
            "DMP_SMS_URL": f"{outside}/sms",
            "DMP_SMTP_HOST": HERE,
            "DMP_SMTP_PORT": str(mail),
            "DMP_READER_URL": f"{outside}/lecteur",
            "DMP_READER_JWKS_URL": f"{outside}/lecteur/jwks",
            **keys.shared_with_the_sandbox(self.var),
        }
        self._keep_ours(
            "sandbox",
            *FRONT,
            *("sandbox.wsgi:application", "--port", port, "--workers", 1, "--threads", 8),
            DJANGO_SETTINGS_MODULE="sandbox.settings",
        )

    def open_web(self) -> None:
        """Its socket is ours: while the web starts again, connections wait here instead of being refused."""
        listening = socket.create_server((HERE, self.port), backlog=BACKLOG)
        self.listening.append(listening)
        descriptor = listening.fileno()
        command = (*FRONT, "dmp.wsgi:front", "--fd", descriptor, "--grace", GRACE_SECONDS)
        self._keep_ours("web", *command, inherited=(descriptor,))

    def open_workers(self) -> None:
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning"]
        self._keep_ours("worker", BIN / "celery", "-A", "dmp", "worker", "--concurrency", "2", *quiet)
        self._keep_ours("scheduler", sys.executable, "manage.py", "scheduler")

    def wait_for_web(self) -> None:
        self._wait_for(f"{self.address}/readyz", "web")

    def wait_for_sandbox(self) -> None:
        self._wait_for(f"http://{HERE}:{self.environment['SANDBOX_PORT']}/healthz", "sandbox")

    def watch(self) -> Iterator[str]:
        """The names of those who died and were started again, for ever."""
        while True:
            yield from [child.name for child in self.kept if child.restart_if_dead()]
            time.sleep(0.5)

    def close(self) -> None:
        for child in reversed(self.kept):
            child.stop(child.process)
        for listening in self.listening:
            listening.close()

    # -- How ---------------------------------------------------------------------------------------

    def _keep(self, name: str, start: Callable[[], subprocess.Popen[bytes]], **how: Any) -> None:
        self.kept.append(Kept(name, start, **how))

    def _keep_ours(
        self, name: str, *command: str | Path | int, inherited: tuple[int, ...] = (), **environment: str
    ) -> None:
        log = self.var / "log" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        told = self.environment | environment

        def start() -> subprocess.Popen[bytes]:
            with log.open("a") as output:
                return children.start(
                    children.dying_with_us(list(command), by="KILL"),
                    output=output,
                    environment=told,
                    inherited=inherited,
                )

        self._keep(name, start)

    def _wait_for(self, address: str, name: str) -> None:
        child = next(child for child in self.kept if child.name == name)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                with urlopen(address, timeout=2):  # noqa: S310
                    return
            except OSError:
                if child.process.poll() is not None:
                    break
                time.sleep(0.05)
        end = (self.var / "log" / f"{name}.log").read_text()[-2000:]
        raise CannotStart(f"Le processus « {name} » ne démarre pas. Fin de son journal :\n{end}")

    def _two_free_ports(self) -> tuple[int, int]:
        """SANDBOX_PORT and the next one when it is given; else the first two that are free after ours."""
        if wanted := self.given.get("SANDBOX_PORT"):
            ports = int(wanted), int(wanted) + 1
            for port in ports:
                refuse_a_busy_port(port, "SANDBOX_PORT")
            return ports
        free = (port for port in range(self.port + 1, self.port + 200) if is_free(port))
        return next(free), next(free)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HERE, port))
        except OSError:
            return False
        return True


def refuse_a_busy_port(port: int, name: str) -> None:
    if not is_free(port):
        raise CannotStart(f"Le port {port} est déjà pris : arrêtez ce qui l’occupe, ou choisissez {name}=….")
