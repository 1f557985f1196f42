"""What the long programme found, as pages anybody can read: docs/proofs/<name>.md, written anew each time."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

PAGES = Path(__file__).resolve().parents[2] / "docs" / "proofs"
INDEX = "README.md"
HEAD = """# Proofs

What must hold was tried, with faults, hostile input and time. The parts of `make proof` write these pages:
each says what was done, and what was counted. Times depend on the machine; counts do not.

"""


@dataclass
class Sheet:
    """One page: what was done, then what was counted."""

    name: str
    title: str
    done: str
    rows: list[tuple[str, ...]] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)

    def count(self, what: str, value: object) -> None:
        self.rows.append((what, str(value)))

    def table(self, heading: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        self.tables.append(f"## {heading}\n\n{grid(columns, rows)}")

    def write(self) -> None:
        """Keep the page and its line in the index."""
        PAGES.mkdir(parents=True, exist_ok=True)
        parts = [f"# {self.title}", self.done.strip()]
        if self.rows:
            parts.append(grid(("What", "Count"), self.rows))
        parts += self.tables
        parts.append(f"Tried on {os.cpu_count()} processor cores.")
        (PAGES / f"{self.name}.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        _index()


def grid(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def said(seconds: Sequence[float]) -> str:
    """A set of times in two figures."""
    return f"median {milliseconds(median(seconds))}, longest {milliseconds(max(seconds))}"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.2f} ms"


def megabytes(size: float) -> str:
    return f"{size / 1e6:.1f} MB"


def _index() -> None:
    pages = sorted(path for path in PAGES.glob("*.md") if path.name != INDEX)
    titles = [
        (path.name, re.sub(r"^# ", "", path.read_text(encoding="utf-8").split("\n", 1)[0])) for path in pages
    ]
    links = "".join(f"* [{title}]({name})\n" for name, title in titles)
    (PAGES / INDEX).write_text(HEAD + links, encoding="utf-8")
