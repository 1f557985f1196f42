"""Compiles requirements*.txt from pyproject.toml: every version with its hashes, no address of an index."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = [ROOT / ".venv/bin/uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
OPTIONS = [
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "pyproject.toml",
]

# The image, then what `make run` needs too, then what the tests need too: each contains the one before.
LISTS: dict[str, list[str]] = {
    "requirements-image.txt": [],
    "requirements.txt": ["-c", "requirements-image.txt", "--extra", "local"],
    "requirements-dev.txt": ["-c", "requirements.txt", "--extra", "local", "--group", "dev"],
}

for name, more in LISTS.items():
    subprocess.run([*COMPILE, *OPTIONS, *more, "-o", name], cwd=ROOT, check=True)
