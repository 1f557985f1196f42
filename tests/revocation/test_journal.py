"""A line is on the disk, whole, numbered, ours; files are cut at the age of the oldest backup."""

import errno
import json
import multiprocessing
import os
from datetime import UTC, datetime, timedelta

import pytest

from revocation.journal import LONGEST_LINE, Journal, Line, Origin, Reached, Unwritable

DAY = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
ORIGIN = Origin("7712858767093320415", 1, 16394, "757")


@pytest.fixture(autouse=True)
def _keys(keys):
    """Lines are authenticated under the vault's key."""


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal")


def append(journal, at=DAY, after=0, **what):
    return journal.append("withdraw", what or {"grant": "g"}, at=at, origin=ORIGIN, after=after)


def test_lines_are_numbered_and_read_as_written(journal):
    assert [append(journal, grant=str(n)) for n in range(3)] == [1, 2, 3]

    assert list(journal.lines()) == [
        Line(n, DAY, "withdraw", {"grant": str(n - 1)}, ORIGIN) for n in (1, 2, 3)
    ]
    assert [line.number for line in journal.lines(after=2)] == [3]
    assert (journal.first(), journal.last()) == (1, 3)


def test_a_number_is_above_those_that_the_database_has(journal):
    assert append(journal, after=40) == 41
    assert append(journal, after=3) == 42


def test_nobody_else_reads_the_files(journal):
    append(journal)

    assert journal.folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in journal.folder.iterdir())


@pytest.mark.parametrize("cut", range(2, 120, 17))
def test_a_line_cut_short_by_a_crash_is_none_and_the_next_one_is_whole(journal, cut):
    append(journal)
    append(journal, grant="cut")
    [path] = journal.folder.glob("journal-*")
    path.write_bytes(path.read_bytes()[:-cut])

    assert append(journal, grant="after") == 2
    assert [line.what["grant"] for line in journal.lines()] == ["g", "after"]


FORGED = {
    "another thing": lambda payload: payload | {"what": {"grant": "another"}},
    "another number": lambda payload: payload | {"number": 9},
    "another database": lambda payload: payload | {"origin": payload["origin"] | {"timeline": 2}},
    "no mac": lambda payload: payload | {"mac": ""},
    "not an object": lambda payload: [payload],
}


@pytest.mark.parametrize("how", FORGED)
def test_a_line_that_we_did_not_write_is_none(journal, how):
    append(journal)
    [path] = journal.folder.glob("journal-*")
    payload = json.loads(path.read_bytes())
    path.write_text(json.dumps(FORGED[how](payload)) + "\n")

    assert list(journal.lines()) == []


def test_files_older_than_any_backup_are_removed_and_numbers_go_on(journal):
    for day in range(5):
        append(journal, at=DAY + timedelta(days=day))

    assert journal.cut(before=DAY + timedelta(days=2, hours=1)) == 2
    assert [line.number for line in journal.lines()] == [3, 4, 5]
    assert journal.cut(before=DAY + timedelta(days=400)) == 2
    assert append(journal, at=DAY + timedelta(days=500)) == 6


def test_the_last_number_is_found_without_reading_the_whole_file(journal):
    for number in range(200):
        append(journal, at=DAY + timedelta(seconds=number))
    [path] = journal.folder.glob("journal-*")
    assert path.stat().st_size > 8 * LONGEST_LINE

    read = [line.number for line in journal._lines_of(path, only_the_end=True)]

    assert read[-1] == journal.last() == 200
    assert len(read) < 80


def _write(folder, keys_of, times):
    for _ in range(times):
        append(keys_of(folder))


def test_processes_that_write_at_once_take_turns(journal):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(journal.folder, Journal, 20)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    assert [line.number for line in journal.lines()] == list(range(1, 81))


def test_a_full_disk_leaves_no_half_line(journal, monkeypatch):
    append(journal)

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Unwritable):
            append(journal, grant="lost")
        with pytest.raises(Unwritable):
            journal.refuse_unless_writable()

    assert append(journal, grant="kept") == 2
    assert [line.what["grant"] for line in journal.lines()] == ["g", "kept"]
    assert not list(journal.folder.glob("probe-*"))


def test_a_folder_that_is_not_one_is_unwritable(tmp_path):
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / "journal")

    with pytest.raises(Unwritable):
        append(journal)
    with pytest.raises(Unwritable):
        journal.refuse_unless_writable()


def test_how_far_the_database_had_come_never_goes_back(journal):
    journal.reach(Reached("7", 1, 5, 100))
    journal.reach(Reached("7", 1, 5, 90))
    assert journal.reached() == Reached("7", 1, 5, 100)
    journal.reach(Reached("7", 2, 5, 95))
    assert journal.reached() == Reached("7", 2, 5, 95)
