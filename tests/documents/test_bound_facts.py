"""The facts of a document as its digest binds them: no two rows give the same bytes."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from uuid import UUID

import pytest

from access.policy import Status
from documents.models import DOCUMENT
from tests.cast import NOON
from vault.keyring import ephemeral

ROW, DOSSIER, AUTHOR, PLACE, BEFORE = (UUID(int=number) for number in range(1, 6))
AS_WRITTEN = (
    *(DOSSIER, "11488-4", "10", date(2026, 3, 2), NOON, Status.AVAILABLE),
    *(False, False, False, AUTHOR, PLACE, BEFORE),
)
OTHERWISE = {
    "type_code": ["11490-0", "11488-41", "11488-"],
    "class_code": ["0", "410", ""],
    "created_on": [date(2026, 3, 3)],
    "deposited_at": [NOON + timedelta(microseconds=1), NOON + timedelta(seconds=1), NOON + timedelta(days=1)],
    "status": [status for status in Status if status is not Status.AVAILABLE],
    "masked": [True],
    "withheld": [True],
    "hidden_from_representatives": [True],
    "author_id": [PLACE, BEFORE, UUID(int=0)],
    "author_structure_id": [None, UUID(int=0), AUTHOR],
    "replaces_id": [None, UUID(int=0), ROW],
}


@dataclass(frozen=True)
class Change:
    column: str
    value: object

    def __str__(self) -> str:
        return f"{self.column}={self.value}"


CHANGES = [Change(column, value) for column, values in OTHERWISE.items() for value in values]


def facts(*changes: Change) -> tuple[object, ...]:
    told = dict(zip(DOCUMENT.columns, AS_WRITTEN, strict=True)) | {c.column: c.value for c in changes}
    return tuple(told.values())


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_fact_that_changes_no_longer_holds(change):
    keyring = ephemeral()
    mac = DOCUMENT.mac(keyring, ROW, *facts())

    assert DOCUMENT.agrees(keyring, mac, ROW, *facts())
    assert not DOCUMENT.agrees(keyring, mac, ROW, *facts(change))
    assert not DOCUMENT.agrees(keyring, mac, AUTHOR, *facts())
    assert not DOCUMENT.agrees(ephemeral(), mac, ROW, *facts())


def test_no_two_changes_give_the_same_digest():
    keyring = ephemeral()
    rows = [(), *((one,) for one in CHANGES), *combinations(CHANGES, 2)]
    told = {facts(*changes) for changes in rows}

    assert len({DOCUMENT.mac(keyring, ROW, *values) for values in told}) == len(told)


def test_fifty_rows_are_compared_as_one_is():
    keyring = ephemeral()
    rows = [(ROW, *facts()), *((ROW, *facts(change)) for change in CHANGES)]
    right = [DOCUMENT.mac(keyring, *row) for row in rows]
    wrong = [right[-1], *right[:-1]]

    assert DOCUMENT.which_hold(keyring, zip(right, rows, strict=True)) == [True] * len(rows)
    assert DOCUMENT.which_hold(keyring, zip(wrong, rows, strict=True)) == [False] * len(rows)
    assert DOCUMENT.which_hold(keyring, [(None, rows[0])]) == [False]
