"""What must survive a restart: small JSON files under var/sandbox/, replaced whole."""

import json
import os
from pathlib import Path
from threading import Lock
from typing import Any


class Memory:
    """One named JSON file, read once, written at each change, for this user only."""

    def __init__(self, folder: Path, name: str, empty: Any) -> None:
        self._path = folder / f"{name}.json"
        self._lock = Lock()
        self._empty = empty

    def read(self) -> Any:
        """What was last written, or what a fresh world holds."""
        try:
            return json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return self._empty

    def write(self, value: Any) -> None:
        with self._lock:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = self._path.with_suffix(".new")
            beside.unlink(missing_ok=True)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(value, file, ensure_ascii=False, indent=1)
            beside.replace(self._path)
