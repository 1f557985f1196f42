"""Whoever withdrew is not read again: a database that lost it serves nobody until it was mended."""

import io
import threading
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access import gate
from documents import consultation
from dossiers import sharing
from jobs import queue
from revocation import doors, journalling, replaying
from revocation.doors import DoorsShut, Shut
from revocation.journal import Reached, Unwritable, journal
from tests.cast import LEFEVRE, NADIA, STAFF
from tests.signing_in import client_of

from .conftest import ask_again


def shut():
    ask_again()
    try:
        return doors.shut_because()
    except DoorsShut:
        return doors._known.shut


def after_restore(**options):
    out = io.StringIO()
    call_command("after_restore", stdout=out, **options)
    connections.close_all()
    return out.getvalue()


def test_a_withdrawal_writes_a_line_of_identifiers_and_its_number_beside_the_act(world):
    grant = world.grant()
    world.withdraw(grant)

    [line] = journal().lines()
    assert (line.number, line.kind) == (1, "withdraw")
    assert line.what == {"dossier": str(world.dossier_id), "grantee": str(LEFEVRE.id)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM revocation_line")
        assert cursor.fetchall() == [(1,)]
    assert shut() is None


def test_a_database_that_lost_a_withdrawal_serves_nobody_until_it_was_mended(world):
    world.withdraw(world.grant())
    doctor = client_of(LEFEVRE)
    world.lose(1)

    for address in ("/", "/connexion/", f"/pro/dossiers/{world.dossier_id}/", "/api/whoami", "/oauth/token"):
        answer = doctor.get(address)
        program = answer["Content-Type"] == "application/problem+json"
        said = answer.json()["title"] if program else answer.content.decode()
        assert answer.status_code == 503
        assert "fermé le temps d’une vérification" in said
        assert answer["Retry-After"]
    assert Client().get("/healthz").status_code == 200
    ready = Client().get("/readyz")
    assert (ready.status_code, ready.content) == (503, b"doors\n")
    assert world.in_force() == 1

    out = after_restore()

    assert "1 acts done again" in out
    assert world.in_force() == 0
    assert shut() is None
    assert Client().get("/").status_code == 200
    with pytest.raises(gate.Refused):
        consultation.contents(world.dossier_id, by=LEFEVRE, at=timezone.now())


def test_what_was_given_again_after_the_withdrawal_is_not_ended_by_its_replay(world):
    world.withdraw(world.grant())
    world.grant()
    with world.database.superuser() as server:
        server.execute("DELETE FROM revocation_line")

    assert "1 acts done again" in after_restore()

    assert world.in_force() == 1


def test_visits_and_tokens_end_with_a_restore(world):
    world.withdraw(world.grant())
    client_of(LEFEVRE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_session")
        assert cursor.fetchone()[0] > 0
    world.lose(1)

    after_restore()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM accounts_session), (SELECT count(*) FROM accounts_accesstoken)"
        )
        assert cursor.fetchone() == (0, 0)


def test_the_holder_is_told_that_the_withdrawal_was_done_again(world):
    world.withdraw(world.grant())
    world.lose(1)
    after_restore()

    page = client_of(world.camille).get("/mon-dmp/acces/").content.decode()

    assert "a rétabli un retrait que vous aviez demandé" in page


def test_replaying_is_done_once_and_can_be_done_again(world):
    world.withdraw(world.grant())
    assert "0 acts done again" in after_restore()
    world.lose(1)
    after_restore()

    assert "0 acts done again" in after_restore()
    assert world.in_force() == 0


def test_what_was_granted_and_withdrawn_after_the_backup_leaves_nothing_to_end(world):
    grant = world.grant()
    world.withdraw(grant)
    with world.database.superuser() as server:
        server.execute("DELETE FROM revocation_line")
        server.execute("DELETE FROM dossiers_grant")
    assert shut() is Shut.JOURNAL_AHEAD

    assert "1 acts done again" in after_restore()
    assert shut() is None


def test_a_dossier_opened_after_the_backup_leaves_nothing_to_end(world):
    with transaction.atomic():
        journalling.take_away(sharing.WITHDRAWAL, at=timezone.now(), dossier=uuid4(), grantee=uuid4())
    world.lose(1)

    assert "1 acts done again" in after_restore()
    assert shut() is None


def test_a_line_whose_act_was_rolled_back_shuts_nothing_and_is_replayed(world, monkeypatch):
    grant = world.grant()

    def broken(*_, **__):
        raise RuntimeError("the process failed here")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(journalling, "_settle", broken)
        world.withdraw(grant)
    assert world.in_force() == 1
    assert [line.number for line in journal().lines()] == [1]
    assert shut() is None

    assert replaying.replay_what_did_not_commit() == 1

    assert world.in_force() == 0
    assert replaying.replay_what_did_not_commit() == 0
    assert shut() is None


def test_a_line_whose_act_is_still_going_on_shuts_nothing_and_is_left_alone(world):
    grant, written, ask = world.grant(), threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_current_xact_id()")
            journalling.take_away(
                sharing.WITHDRAWAL, at=timezone.now(), dossier=world.dossier_id, grant=grant
            )
            written.set()
            ask.wait(20)
        connection.close()

    slow = threading.Thread(target=slowly)
    slow.start()
    written.wait(20)

    assert shut() is None
    assert replaying.replay_what_did_not_commit() == 0

    ask.set()
    slow.join(20)
    assert shut() is None
    assert replaying.replay_what_did_not_commit() == 0


def test_withdrawals_at_once_lose_no_number(world):
    others = [uuid4() for _ in range(6)]
    ready = threading.Barrier(6)

    def withdraw(grant) -> None:
        ready.wait(20)
        with transaction.atomic():
            journalling.take_away(
                sharing.WITHDRAWAL, at=timezone.now(), dossier=world.dossier_id, grant=grant
            )
        connection.close()

    threads = [threading.Thread(target=withdraw, args=[grant]) for grant in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM revocation_line ORDER BY number")
        assert [number for (number,) in cursor.fetchall()] == [1, 2, 3, 4, 5, 6]
    assert shut() is None


def unwritable(monkeypatch):
    def fails(*_, **__):
        raise Unwritable("No space left on device")

    monkeypatch.setattr("revocation.journal.Journal.append", fails)
    monkeypatch.setattr("revocation.journal.Journal.refuse_unless_writable", fails)


def test_a_journal_that_cannot_be_written_keeps_nobody_from_withdrawing(world, monkeypatch):
    grant = world.grant()
    with monkeypatch.context() as patched:
        unwritable(patched)
        world.withdraw(grant)
        with pytest.raises(Unwritable):
            journalling.write_what_waits()

        assert world.in_force() == 0
        assert journalling.unwritten() == 1
        page = client_of(STAFF).get("/equipe/").content.decode()
        assert "registre des retraits" in page

    assert journalling.write_what_waits() == 1
    assert journalling.unwritten() == 0
    [line] = journal().lines()
    assert line.what["grantee"] == str(LEFEVRE.id)
    assert shut() is None
    world.lose(1)
    after_restore()
    assert world.in_force() == 0


def test_a_journal_that_cannot_be_written_grants_nothing_and_says_so(world, monkeypatch):
    unwritable(monkeypatch)

    answer = client_of(NADIA).post(f"/pro/dossiers/{world.dossier_id}/accord/")

    assert answer.status_code == 503
    assert "Aucun accord ne peut être enregistré" in answer.content.decode()
    assert world.in_force() == 0


def test_another_database_serves_nobody(world):
    ask_again()
    doors.shut_because()
    known = journal().reached()
    for another in (
        Reached("1", known.timeline, known.database, known.wal),
        Reached(known.system, known.timeline, 1, known.wal),
    ):
        (journal().folder / "database.json").unlink()
        journal().reach(another)
        assert shut() is Shut.ANOTHER_DATABASE
    after_restore()
    assert shut() is None
    assert journal().reached().system == known.system


def test_a_database_that_went_back_serves_nobody(world):
    ask_again()
    doors.shut_because()
    known = journal().reached()
    journal().reach(Reached(known.system, known.timeline, known.database, known.wal + 100_000_000))

    assert shut() is Shut.WENT_BACK


def test_a_time_line_that_forked_before_what_was_seen_serves_nobody(world):
    ask_again()
    doors.shut_because()
    known = journal().reached()
    (journal().folder / "database.json").unlink()
    journal().reach(Reached(known.system, known.timeline + 1, known.database, known.wal))

    assert shut() is Shut.UNKNOWN_TIMELINE


def test_without_its_journal_a_database_serves_and_numbers_go_on(world):
    world.withdraw(world.grant())
    for path in journal().folder.glob("journal-*"):
        path.unlink()

    assert shut() is None
    world.withdraw(world.grant())
    assert [line.number for line in journal().lines()] == [2]


def test_a_backup_older_than_the_journal_is_not_mended_in_silence(world):
    for _ in range(3):
        world.withdraw(world.grant())
    [path] = journal().folder.glob("journal-*")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[2:]))
    with world.database.superuser() as server:
        server.execute("DELETE FROM revocation_line")
    assert shut() is Shut.JOURNAL_AHEAD

    with pytest.raises(CommandError, match="lacks lines 1 to 2"):
        after_restore()
    assert shut() is Shut.JOURNAL_AHEAD
    after_restore(although_lines_are_missing=True)
    assert shut() is None


def test_no_job_is_taken_behind_shut_doors(world):
    world.withdraw(world.grant())
    with transaction.atomic():
        job_id = queue.enqueue(
            "documents.check", subject_id=uuid4(), idem="x", at=timezone.now() - timedelta(1)
        )
    world.lose(1)

    with pytest.raises(DoorsShut):
        queue.work(job_id)


def test_a_page_costs_no_statement_more(world):
    doors.shut_because()

    with CaptureQueriesContext(connection) as made:
        for _ in range(50):
            doors.shut_because()

    assert len(made) <= 5  # one every two seconds at most, and none for a page


def test_a_process_that_is_overtaken_while_it_looks_does_not_shut_its_doors(world, monkeypatch):
    """Twenty processes write how far the database has come: the slowest has not gone back."""
    described = doors._described

    def overtaken(cursor):
        database = described(cursor)
        journal().reach(replace(database, wal=database.wal + 8192))
        return database

    monkeypatch.setattr(doors, "_described", overtaken)

    assert shut() is None
