"""The words of the glossary are the words of the code."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "vault",
    "jail",
    "audit",
    "revocation",
    "jobs",
    "accounts",
    "access",
    "dossiers",
    "documents",
    "history",
)


def test_every_code_name_of_the_glossary_exists():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    names = {
        name
        for line in text.splitlines()
        if line.startswith("|")
        for name in re.findall(r"`(\w+)`", line.split("|")[2])
    }
    code = "\n".join(
        path.read_text(encoding="utf-8") for package in PACKAGES for path in (ROOT / package).rglob("*.py")
    )

    assert len(names) > 50
    assert {
        name for name in names if not re.search(rf"\b{name}\b", code) and not (ROOT / name).is_dir()
    } == set()
