"""Prints the bill of materials of the image, in CycloneDX 1.6 (JSON).

    .venv/bin/python deploy/sbom.py > sbom.json

Names, versions and hashes come from requirements-image.txt; licences from what each installed distribution
says of itself. No address is written: a package is named by its purl.
"""

import json
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINNED = re.compile(r"(?m)^([a-z0-9-]+)==(\S+)((?:[^\n]*\\\n)(?:\s+--hash=\S+(?: \\)?\n)+)")


def bill() -> dict[str, object]:
    lines = (ROOT / "requirements-image.txt").read_text()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "dmp", "version": our_version()}},
        "components": [component(*found) for found in PINNED.findall(lines)],
    }


def component(name: str, version: str, hashes: str) -> dict[str, object]:
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        "licenses": [{"license": {"name": licence_of(name)}}],
        "hashes": [
            {"alg": "SHA-256", "content": digest} for digest in re.findall(r"sha256:([0-9a-f]{64})", hashes)
        ],
    }


def licence_of(name: str) -> str:
    """The licence a distribution declares: its expression, else its classifier, else its first line."""
    try:
        told = metadata(name)
    except PackageNotFoundError:  # for another system than this one
        return "unknown: not installed here"
    if expression := told.get("License-Expression"):
        return expression
    classified = [
        each.rpartition(" :: ")[2] for each in told.get_all("Classifier", []) if "License ::" in each
    ]
    return classified[0] if classified else (told.get("License") or "not declared").splitlines()[0]


def our_version() -> str:
    found = re.search(r'(?m)^version = "(.+)"', (ROOT / "pyproject.toml").read_text())
    return found[1] if found else ""


if __name__ == "__main__":
    json.dump(bill(), sys.stdout, indent=1)
