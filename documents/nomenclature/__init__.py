"""What a document may be: types, classes, visibility. Versioned data, see README.md beside the files."""

import csv
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

DATA = Path(__file__).parent
VERSION = "2024-09-27"
CLASSES_VERSION = "2023-09-22"

CARE_HISTORY = "REMB"  # what the Assurance Maladie reimbursed
OTHERWISE_SAID = {CARE_HISTORY: "Parcours de soins"}  # one name for it wherever people meet it
LOINC = "2.16.840.1.113883.6.1"


class DepositedBy(StrEnum):
    PROFESSIONAL = "professional"
    PATIENT = "patient"
    INSURER = "insurer"
    TECHNICAL = "technical"


@dataclass(frozen=True, slots=True)
class DocumentClass:
    code: str
    system: str
    label: str
    short_label: str
    in_dmp: bool


@dataclass(frozen=True, slots=True)
class DocumentType:
    """`label` is the official wording as people read it: « CR » spelt out, typographic apostrophes; or
    what every page calls it when that is something else."""

    code: str
    system: str
    label: str
    official_label: str
    class_code: str
    icon: str
    deposited_by: DepositedBy
    in_dmp: bool
    until: date | None


def _rows(file: str) -> list[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _as_said(official: str) -> str:
    said = official.replace("'", "’")
    if said.startswith("CR "):
        said = f"Compte rendu {said[3:]}"
    return said.replace("Compte rendu ou fiche", "Compte rendu")


def _read_types(version: str) -> dict[str, DocumentType]:
    return {
        row["code"]: DocumentType(
            code=row["code"],
            system=row["system"],
            label=OTHERWISE_SAID.get(row["code"]) or _as_said(row["official_label"]),
            official_label=row["official_label"],
            class_code=row["class"],
            icon=row["icon"],
            deposited_by=DepositedBy(row["deposited_by"]),
            in_dmp=row["in_dmp"] == "yes",
            until=date.fromisoformat(row["until"]) if row["until"] else None,
        )
        for row in _rows(f"{version}_types.csv")
    }


def _read_classes(version: str) -> dict[str, DocumentClass]:
    return {
        row["code"]: DocumentClass(
            code=row["code"],
            system=row["system"],
            label=row["official_label"].replace("'", "’"),
            short_label=row["short_label"],
            in_dmp=row["in_dmp"] == "yes",
        )
        for row in _rows(f"{version}_classes.csv")
    }


TYPES = _read_types(VERSION)
CLASSES = _read_classes(CLASSES_VERSION)
DEPOSITABLE = {
    code: kind
    for code, kind in TYPES.items()
    if kind.in_dmp and kind.until is None and kind.deposited_by is DepositedBy.PROFESSIONAL
}


def class_of(type_code: str) -> str:
    """The class of a type. Raises KeyError when the type is unknown."""
    return TYPES[type_code].class_code


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """What a professional may deposit, for a form: by class, then by label."""
    return [
        (
            group.label,
            sorted(
                ((kind.code, kind.label) for kind in DEPOSITABLE.values() if kind.class_code == group.code),
                key=lambda choice: choice[1].casefold(),
            ),
        )
        for group in CLASSES.values()
        if any(kind.class_code == group.code for kind in DEPOSITABLE.values())
    ]
