"""Where this installation is: known before any setting is read."""

from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def var(environment: Mapping[str, str]) -> Path:
    """What the installation owns: embedded servers, keys, contents, logs."""
    return Path(environment.get("DMP_VAR") or ROOT / "var").absolute()


def port(environment: Mapping[str, str]) -> int:
    return int(environment.get("PORT") or 8000)
