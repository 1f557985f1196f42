import re
from pathlib import Path

from access import matrix
from documents import nomenclature
from documents.nomenclature import CLASSES, DEPOSITABLE, TYPES, DepositedBy


def test_every_type_has_a_class_and_a_drawing():
    icons = set(re.findall(r'id="([\w-]+)"', Path("static/icons.svg").read_text(encoding="utf-8")))

    for kind in TYPES.values():
        assert kind.class_code in CLASSES
        assert kind.icon in icons
        assert kind.label
        assert "'" not in kind.label


def test_the_counts_are_those_published():
    assert sum(kind.in_dmp for kind in TYPES.values()) == 108
    assert sum(kind.until is not None for kind in TYPES.values()) == 16
    assert len(CLASSES) == 13


def test_professionals_deposit_neither_what_is_withdrawn_nor_what_others_bring():
    assert all(kind.deposited_by is DepositedBy.PROFESSIONAL for kind in DEPOSITABLE.values())
    assert {"REMB", "DOCPAT01", "E1762", "11526-1", "51851-4"}.isdisjoint(DEPOSITABLE)
    offered = [code for _, choices in nomenclature.choices() for code, _ in choices]
    assert sorted(offered) == sorted(DEPOSITABLE)


def test_the_class_of_a_type_is_deduced():
    assert nomenclature.class_of("57833-6") == "42"
    assert nomenclature.class_of("18761-7") == "11"
    assert nomenclature.class_of("REMB") == "60"


def test_a_label_is_said_in_full():
    assert TYPES["11502-2"].label == "Compte rendu d’examens biologiques"
    assert TYPES["11502-2"].official_label == "CR d'examens biologiques"


def test_the_matrix_speaks_of_these_classes_and_types():
    law = matrix.version()

    assert set().union(*law.classes.values()) <= set(CLASSES)
    assert {code for _, code in law.exceptions} <= set(TYPES)
