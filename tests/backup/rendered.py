"""docker-compose.yml as Compose renders it, and its services run by hand: same commands, same environments.

What differs is what a machine without containers cannot have: a volume is a folder, `python` is ours, the
server is reached by its socket.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from django.conf import settings

from dmp import children, pg

COMPOSE = settings.BASE_DIR / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")


def rendered(values: Mapping[str, str]) -> dict[str, dict]:
    """The services, anchors merged, variables replaced. Raises KeyError for one that must be given."""

    def value(found: re.Match[str]) -> str:
        name, sign, otherwise = found.groups()
        return values.get(name) or (otherwise if sign == ":-" else values[name])

    return yaml.safe_load(VARIABLE.sub(value, COMPOSE.read_text()))["services"]


@dataclass(frozen=True)
class ByHand:
    """One installation whose volumes are the folders of `volumes`, others are made under `root`."""

    services: dict[str, dict]
    root: Path
    volumes: dict[str, Path]
    server: Path  # the folder of its socket
    database: str

    def folder(self, volume: str) -> Path:
        folder = self.volumes.get(volume, self.root / volume)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def command(self, name: str) -> list[str]:
        words = [sys.executable if word == "python" else word for word in self.services[name]["command"]]
        return children.as_nobody(words)

    def environment(self, name: str) -> dict[str, str]:
        service = self.services[name]
        places = self._places(service)

        def here(text: str) -> str:
            text = text.replace("@postgresql:5432/dmp", f"@/{self.database}?host={self.server}")
            for inside, outside in places:
                text = text.replace(inside, str(outside))
            return text

        given = {
            name: here("" if value is None else str(value)) for name, value in service["environment"].items()
        }
        if given.get("PGHOST") == "postgresql":
            given["PGHOST"] = str(self.server)
        if "PGDATABASE" in given:
            given["PGDATABASE"] = self.database
        path = f"{pg.binaries()}:{os.environ['PATH']}"
        return {"PATH": path, "DJANGO_SETTINGS_MODULE": "dmp.settings", "PYTHONUTF8": "1", **given}

    def _places(self, service: dict) -> list[tuple[str, Path]]:
        """Where a path inside a container is outside, the longest first."""
        mounts = [str(volume).split(":") for volume in service["volumes"]]
        places = [(mount[1], self.folder(mount[0])) for mount in mounts]
        var = self.root / f"var-{len(places)}"
        var.mkdir(exist_ok=True)
        for inside, outside in places:
            link = var / Path(inside).name
            if inside.startswith("/var/lib/dmp/") and not link.exists():
                link.symlink_to(outside)
        return sorted([*places, ("/var/lib/dmp", var)], key=lambda place: -len(place[0]))

    def start(self, name: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(name),
            env=self.environment(name),
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, name: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command(name), *more],
            env=self.environment(name),
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
