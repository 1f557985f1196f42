"""The keys of an installation that has none yet: made once in `var/keys`, readable by their owner alone."""

import json
import os
import secrets
from pathlib import Path

from vault import providers

SHARED_WITH_THE_SANDBOX = ("DMP_HISTORY_TOKEN", "DMP_SMS_TOKEN", "DMP_PSC_CLIENT_SECRET")


def make(var: Path, *, demo: bool) -> None:
    """Make what is missing; what exists is never touched. A demonstration's keys open only that."""
    folder = folder_of(var)
    write_once(folder / "secret_key", secrets.token_urlsafe(48))
    providers.make_key_file(folder / "kek.json", demo=demo)


def folder_of(var: Path) -> Path:
    folder = var / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def shared_with_the_sandbox(var: Path) -> dict[str, str]:
    """What the house and its simulated outside world know of each other."""
    return kept(var, "sandbox.json", SHARED_WITH_THE_SANDBOX)


def kept(var: Path, name: str, wanted: tuple[str, ...]) -> dict[str, str]:
    """Random secrets under these names, the same ones each time."""
    path = folder_of(var) / name
    write_once(path, json.dumps({each: secrets.token_urlsafe(32) for each in wanted}))
    found: dict[str, str] = json.loads(path.read_text())
    return found


def write_once(path: Path, text: str) -> None:
    """Write a secret that does not exist yet, whole or not at all."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    os.link(draft, path)
    draft.unlink()
