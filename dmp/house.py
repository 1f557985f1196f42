"""The whole house on one machine: its processes, the order they start in, what each is told."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import psycopg

from dmp import checking, children, keys, outside_world, pg, places, valkey
from dmp.children import CannotStart
from dmp.front.queues import queues
from dmp.places import HERE

BIN = Path(sys.executable).parent
PATIENCE_SECONDS = 120.0
FRONT = (sys.executable, "-m", "dmp.front")
WEB_PROCESSES = 2
GRACE_SECONDS = 5  # given to the web, when it stops, to end what it began
WITHOUT_PROXY = build_opener(ProxyHandler({}))  # a proxy for the outside does not lead to our own processes
QUIET_CELERY = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning")
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
    outside: outside_world.Given = field(default_factory=outside_world.Given)

    def __post_init__(self) -> None:
        self.environment = dict(self.given)
        self.environment |= {
            "PORT": str(self.port),
            "DMP_VAR": str(self.var),
            "DMP_DEMO": "1",
            "DMP_BASE_URL": self.given.get("DMP_BASE_URL") or self.address,
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
                secrets = keys.kept(self.var, "database.json", pg.LOGINS)
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

    def open_checker(self) -> None:
        self._keep("checker", lambda: checking.start(self.var))

    # -- Our own processes -------------------------------------------------------------------------

    def open_sandbox(self) -> None:
        """The outside world, before whoever speaks to it. What the environment names is not simulated."""
        port, mail = self._two_free_ports()
        outside = f"http://{HERE}:{port}"
        simulated = {
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
        self.outside = outside_world.given(self.given, simulated)
        self.environment |= {**simulated, **self.outside.settings, "SANDBOX_PORT": str(port)}
        self._keep_ours(
            "sandbox",
            *FRONT,
            *("sandbox.wsgi:application", "--port", port, "--workers", 1, "--threads", 8),
            inherited=(),
            **{"DJANGO_SETTINGS_MODULE": "sandbox.settings", **self.outside.for_the_sandbox},
        )

    def open_web(self) -> None:
        """Its sockets are ours: while the web starts again, connections wait here, and none is refused."""
        self.listening = queues(HERE, self.port, WEB_PROCESSES)
        descriptors = tuple(listening.fileno() for listening in self.listening)
        held = [word for descriptor in descriptors for word in ("--fd", descriptor)]
        command = (*FRONT, "dmp.wsgi:front", *held, "--workers", WEB_PROCESSES, "--grace", GRACE_SECONDS)
        self._keep_ours("web", *command, inherited=descriptors)

    def open_workers(self) -> None:
        # Codes have a process of their own: what the others compute never keeps one waiting.
        self._keep_ours("codes", *self._celery("codes"))
        self._keep_ours("worker", *self._celery("foreground,checks,bulk"))
        self._keep_ours("scheduler", sys.executable, "manage.py", "scheduler")

    def wait_for_web(self) -> None:
        self._wait_for(f"{self.address}/readyz", "web")

    def wait_for_sandbox(self) -> None:
        self._wait_for(f"http://{HERE}:{self.environment['SANDBOX_PORT']}/healthz", "sandbox")

    def watch(self) -> Iterator[str]:
        """What the person should know, for ever: who died and was started again, and a disk that fills up."""
        was_full = False
        while True:
            for child in self.kept:
                if child.restart_if_dead():
                    yield f"Le processus « {child.name} » s’était arrêté : il est relancé."
            if (full := places.is_full(self.var)) and not was_full:
                yield places.full(self.var)
            was_full = full
            time.sleep(0.5)

    def close(self) -> None:
        for child in reversed(self.kept):
            child.stop(child.process)
        for listening in self.listening:
            listening.close()

    # -- How ---------------------------------------------------------------------------------------

    @staticmethod
    def _celery(queues: str) -> list[str | Path | int]:
        command: list[str | Path | int] = [BIN / "celery", "--app", "dmp", "worker", "--queues", queues]
        return [*command, *QUIET_CELERY]

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
        """Until it answers well. Raises CannotStart when it died, or when it has not in two minutes."""
        child = next(child for child in self.kept if child.name == name)
        deadline = time.monotonic() + PATIENCE_SECONDS
        answered = ""
        while time.monotonic() < deadline:
            try:
                with WITHOUT_PROXY.open(address, timeout=2):
                    return
            except HTTPError as refusal:
                answered = f" (il répond « {refusal.read(100).decode(errors='replace').strip()} »)"
            except OSError:
                pass
            if child.process.poll() is not None:
                break
            time.sleep(0.05)
        end = (self.var / "log" / f"{name}.log").read_text(errors="replace")[-2000:]
        raise CannotStart(f"Le processus « {name} » ne démarre pas{answered}. Fin de son journal :\n{end}")

    def _two_free_ports(self) -> tuple[int, int]:
        """SANDBOX_PORT and the next one when it is given; else the first two that are free after ours."""
        if self.given.get("SANDBOX_PORT"):
            first = places.number(self.given, "SANDBOX_PORT", 0, least=1, most=places.HIGHEST_PORT - 1)
            if self.port in (first, first + 1):
                raise CannotStart(
                    f"SANDBOX_PORT={first} prend aussi le port suivant : laissez {self.port} à PORT."
                )
            for port in (first, first + 1):
                places.refuse_a_port_not_ours(port, "SANDBOX_PORT")
            return first, first + 1
        near = [*range(self.port + 1, self.port + 200), *range(self.port - 1, self.port - 200, -1)]
        free = (port for port in near if 1024 <= port <= places.HIGHEST_PORT and places.is_free(port))
        try:
            return next(free), next(free)
        except StopIteration:
            raise CannotStart(
                f"Aucun port n’est libre près de {self.port} : choisissez SANDBOX_PORT=…."
            ) from None
