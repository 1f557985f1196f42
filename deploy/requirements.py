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

subprocess.run([*COMPILE, *OPTIONS, "-o", "requirements.txt"], cwd=ROOT, check=True)
subprocess.run(
    [*COMPILE, *OPTIONS, "-c", "requirements.txt", "--group", "dev", "-o", "requirements-dev.txt"],
    cwd=ROOT,
    check=True,
)
