"""One key per subject, wrapped: found again by its own subject, and by nobody else."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from vault import subjects
from vault.keyring import Unsealable, ephemeral
from vault.subjects import Kept, Keyring, NoSuchSubject, SubjectKind, Wrapped

NOON = datetime(2030, 5, 6, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_kept(keys):
    subjects.forget_all_cached()


def opens(one: Keyring, other: Keyring) -> bool:
    row = uuid4()
    return other.unseal("t", "c", row, one.seal("t", "c", row, b"x")) == b"x"


@pytest.mark.django_db
def test_a_subject_is_made_in_one_statement_and_found_in_one():
    camille = uuid4()

    with CaptureQueriesContext(
        connection,
    ) as made:
        keyring = subjects.create(camille, SubjectKind.DOSSIER, at=NOON)
    with CaptureQueriesContext(connection) as found:
        again = subjects.keyring(camille)

    assert len(made) == len(found) == 1
    assert opens(keyring, again)


@pytest.mark.django_db
def test_a_subject_is_made_once():
    camille = uuid4()
    subjects.create(camille, SubjectKind.DOSSIER, at=NOON)

    with pytest.raises(IntegrityError), transaction.atomic():
        subjects.create(camille, SubjectKind.DOSSIER, at=NOON)


@pytest.mark.django_db
def test_several_subjects_are_found_in_one_statement_and_strangers_left_out():
    people = [uuid4() for _ in range(5)]
    for person in people:
        subjects.create(person, SubjectKind.ACCOUNT, at=NOON)

    with CaptureQueriesContext(connection) as found:
        keyrings = subjects.keyrings([*people, uuid4()])

    assert set(keyrings) == set(people)
    assert len(found) == 1


@pytest.mark.django_db
def test_a_stranger_has_no_keyring():
    with pytest.raises(NoSuchSubject):
        subjects.keyring(uuid4())


@pytest.mark.django_db
def test_the_house_has_its_own_keyring_from_the_first_migration_on():
    assert subjects.system().subject_id == subjects.SYSTEM_SUBJECT


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["dmp_app", "dmp_web", "dmp_counter", "dmp_feed", "dmp_worker"])
def test_no_role_of_the_running_system_changes_or_removes_a_key(role):
    camille = uuid4()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', %s, true)", [role])
        subjects.create(camille, SubjectKind.DOSSIER, at=NOON)
        subjects.keyring(camille)
        for statement in (
            "UPDATE vault_subjectkey SET wrapped = ''",
            "DELETE FROM vault_subjectkey",
            "TRUNCATE vault_subjectkey",
            "UPDATE vault_kekcheck SET value = ''",
            "INSERT INTO vault_kekcheck VALUES ('kek', 9, '')",
            "DELETE FROM vault_kekcheck",
        ):
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                cursor.execute(statement)


def test_a_prepared_row_gives_its_keyring_back_without_a_statement():
    camille = uuid4()
    keyring, row = subjects.prepare(camille, SubjectKind.DOSSIER)

    assert opens(keyring, subjects.unwrap(camille, row))
    assert subjects.unwrap(camille, row) is subjects.unwrap(camille, row)


def test_a_wrapped_key_given_to_another_subject_kind_or_version_is_refused():
    camille = uuid4()
    _, row = subjects.prepare(camille, SubjectKind.DOSSIER)
    altered = bytes([row.wrapped[0]]) + row.wrapped[1:-1] + bytes([row.wrapped[-1] ^ 1])

    for subject, wrapped in (
        (uuid4(), row),
        (camille, Wrapped(SubjectKind.ACCOUNT, row.version, row.kek_version, row.wrapped)),
        (camille, Wrapped(row.kind, 2, row.kek_version, row.wrapped)),
        (camille, Wrapped(row.kind, row.version, 2, row.wrapped)),
        (camille, Wrapped(row.kind, row.version, row.kek_version, altered)),
        (camille, Wrapped(row.kind, row.version, row.kek_version, b"")),
    ):
        with pytest.raises(Unsealable):
            subjects.unwrap(subject, wrapped)


def test_a_row_keeps_its_own_key_and_no_other_row_opens_it():
    row, other = uuid4(), uuid4()
    keyring = ephemeral()
    wrapped = subjects.wrap_ephemeral(keyring, row)

    assert opens(keyring, subjects.unwrap_ephemeral(row, wrapped))
    with pytest.raises(Unsealable):
        subjects.unwrap_ephemeral(other, wrapped)


def test_a_key_of_a_transaction_that_failed_is_not_kept(real_database):
    camille = uuid4()

    with transaction.atomic():
        subjects.create(camille, SubjectKind.DOSSIER, at=NOON)
        subjects.keyring(camille)
        transaction.set_rollback(True)

    with pytest.raises(NoSuchSubject):
        subjects.keyring(camille)


def test_a_committed_key_is_kept_for_a_while(real_database):
    camille = uuid4()
    subjects.create(camille, SubjectKind.DOSSIER, at=NOON)
    first = subjects.keyring(camille)

    with CaptureQueriesContext(connection) as found:
        again = subjects.keyring(camille)

    assert again is first
    assert len(found) == 0
    subjects.forget_cached(camille)
    assert subjects.keyring(camille) is not first


def test_what_is_kept_is_bounded_and_grows_old(monkeypatch):
    clock = 0.0
    monkeypatch.setattr(subjects.time, "monotonic", lambda: clock)
    kept = Kept(at_most=3, seconds=60)
    keyrings = [Keyring(uuid4(), bytes(32)) for _ in range(4)]
    for keyring in keyrings:
        kept.keep(keyring.subject_id, keyring)

    assert kept.get(keyrings[0].subject_id) is None
    assert kept.get(keyrings[3].subject_id) is keyrings[3]
    clock = 60.0
    assert kept.get(keyrings[3].subject_id) is None
