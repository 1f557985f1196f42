"""The matrice d'habilitation: which types of document each profession may read.

Versioned data, never code: one pair of files for each version in `matrix_data/`, named by the day it
came into force. `classes` gives each profession its classes (JDV_J57), `exceptions` the types refused
whatever the class. Whatever is in neither is refused. The column `evidence` says which cells are
published (`found`) and which are our reading of the articles on the arrêté (`inferred`).
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).with_name("matrix_data")
VERSION = "2023-10-29"  # arrêté du 26 octobre 2023, JO du 29 octobre 2023


@dataclass(frozen=True, slots=True)
class Matrix:
    version: str
    classes: dict[str, frozenset[str]]  # profession → classes it may read
    exceptions: frozenset[tuple[str, str]]  # (profession, type) refused all the same


@cache
def version(name: str = VERSION) -> Matrix:
    """Read one version of the matrix. Raises FileNotFoundError when there is none of that name."""
    with (DATA / f"{name}_classes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (DATA / f"{name}_exceptions.csv").open(encoding="utf-8", newline="") as file:
        refused = frozenset((row["profession"], row["type"]) for row in csv.DictReader(file))
    return Matrix(
        version=name,
        classes={
            row["profession"]: frozenset(column for column, cell in row.items() if cell == "yes")
            for row in rows
        },
        exceptions=refused,
    )


def knows(profession: str | None) -> bool:
    """Whether the profession has a line at all: those without one never reach a dossier."""
    return profession in version().classes


def lets_read(profession: str | None, document_type: str, document_class: str | None) -> bool:
    """Whether the profession may read this type: exception first, then class, then refusal."""
    matrix = version()
    if profession is None or (profession, document_type) in matrix.exceptions:
        return False
    return document_class in matrix.classes.get(profession, frozenset())
