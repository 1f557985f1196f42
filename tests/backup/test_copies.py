"""How long what is saved is kept, and what is kept with it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from deploy.backup import copies
from deploy.backup.archive import Contents
from deploy.backup.copies import SEGMENT_BYTES, Copies
from deploy.backup.verify import due, too_old

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def copied(tmp_path):
    return Copies(tmp_path / "backups", 35)


def a_base(series, *, at, segment):
    draft = series.folder / "draft"
    draft.mkdir()
    lsn = f"0/{segment * SEGMENT_BYTES + 40:X}"
    ranges = [{"Timeline": 1, "Start-LSN": lsn, "End-LSN": lsn}]
    (draft / "backup_manifest").write_text(json.dumps({"WAL-Ranges": ranges}))
    return copies.base_taken(draft, at)


def log_up_to(series, segment):
    for number in range(1, segment + 1):
        (series.wal / f"00000001{0:08X}{number:08X}").write_bytes(b"")
    (series.wal / f"00000001{0:08X}{segment + 1:08X}.partial").write_bytes(b"")


def test_bases_are_kept_as_long_as_the_journal_is_and_the_log_as_long_as_a_base_goes_on_with_it(copied):
    series = copied.begin_series("7", NOON - 60 * DAY)
    a_base(series, at=NOON - 50 * DAY, segment=2)
    kept = a_base(series, at=NOON - 30 * DAY, segment=5)
    a_base(series, at=NOON - 2 * DAY, segment=9)
    log_up_to(series, 12)

    copied.prune(NOON)

    assert [base.at for base in series.bases()] == [NOON - 30 * DAY, NOON - 2 * DAY]
    assert copied.oldest_at() == kept.at
    assert sorted(path.name[16:] for path in series.wal.iterdir()) == [
        *(f"{number:08X}" for number in range(5, 13)),
        f"{13:08X}.partial",
    ]


def test_the_last_base_stays_however_old_it_is_and_that_is_said(copied):
    series = copied.begin_series("7", NOON - 60 * DAY)
    base = a_base(series, at=NOON - 50 * DAY, segment=2)

    copied.prune(NOON)

    assert series.bases() == [base]
    assert [code for code, _ in too_old(copied, NOON)] == ["too-old"]
    assert list(too_old(copied, NOON - 20 * DAY)) == []


def test_a_series_that_lost_its_last_base_goes_but_for_the_one_in_use(copied):
    old = copied.begin_series("7", NOON - 60 * DAY)
    a_base(old, at=NOON - 50 * DAY, segment=2)
    new = copied.begin_series("8", NOON - 10 * DAY)
    a_base(new, at=NOON - 9 * DAY, segment=2)

    copied.prune(NOON)

    assert copied.series() == [new]


def test_until_an_instant_the_base_taken_before_is_the_one(copied):
    series = copied.begin_series("7", NOON - 60 * DAY)
    first = a_base(series, at=NOON - 20 * DAY, segment=2)
    second = a_base(series, at=NOON - 10 * DAY, segment=5)

    assert copied.last() == (series, second)
    assert copied.last(NOON - 11 * DAY) == (series, first)
    assert copied.last(NOON - 30 * DAY) is None


def test_a_base_that_was_not_finished_is_none(copied):
    series = copied.begin_series("7", NOON)
    (series.folder / "draft").mkdir()

    assert copied.last() is None


def test_what_the_service_removed_stays_as_long_as_a_backup_may_name_it(copied, tmp_path, monkeypatch):
    shelf = tmp_path / "store" / "ab"
    shelf.mkdir(parents=True)
    (shelf / "abcd").write_bytes(b"sealed")
    (shelf / ".unfinished").write_bytes(b"?")
    contents = Contents(copied, tmp_path / "store")
    contents.pass_over(whole=True)
    (shelf / "abcd").unlink()
    copy = copied.folder / "store" / "ab" / "abcd"

    kept = []
    for days in (0, 35, 37):
        monkeypatch.setattr("deploy.backup.archive.now", lambda days=days: NOON + days * DAY)
        contents.pass_over(whole=True)
        kept.append(copy.exists())

    assert kept == [True, True, False]
    assert not (copied.folder / "store" / "ab" / ".unfinished").exists()


def test_a_content_that_appears_is_saved_by_the_next_pass(copied, tmp_path):
    contents = Contents(copied, tmp_path / "store")
    assert contents.pass_over() == 0

    for name in ("abcd", "abef"):
        (tmp_path / "store" / "ab").mkdir(parents=True, exist_ok=True)
        (tmp_path / "store" / "ab" / name).write_bytes(b"sealed")
        assert contents.pass_over() == 1

    assert contents.pass_over() == 0
    assert (copied.folder / "store" / "ab" / "abef").read_bytes() == b"sealed"


@pytest.mark.parametrize(
    ("last", "at", "expected"),
    [
        (None, NOON, True),
        (NOON - timedelta(hours=2), NOON, False),
        (NOON - timedelta(hours=10), NOON, True),
        (NOON - timedelta(hours=10), NOON - timedelta(hours=9, minutes=1), False),
        (NOON - 3 * DAY, NOON - timedelta(hours=10), True),
    ],
)
def test_a_backup_is_verified_once_a_night(last, at, expected):
    assert due(last, at, hour=3) is expected


def test_one_process_archives_in_a_folder(tmp_path):
    with (
        copies.alone(tmp_path, "archive"),
        pytest.raises(BlockingIOError),
        copies.alone(tmp_path, "archive"),
    ):
        pass
