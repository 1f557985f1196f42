"""The keys of an installation that has none yet: made once in `var/keys`, readable by their owner alone."""

import os
import secrets
from pathlib import Path

from vault import providers


def make(var: Path, *, demo: bool) -> None:
    """Make what is missing; what exists is never touched. A demonstration's keys open only that."""
    folder = var / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_once(folder / "secret_key", secrets.token_urlsafe(48))
    providers.make_key_file(folder / "kek.json", demo=demo)


def write_once(path: Path, text: str) -> None:
    """Write a secret that does not exist yet, whole or not at all."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    os.link(draft, path)
    draft.unlink()
