"""The ledger only grows, whoever tries."""

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from .told import dossier, enter

ATTEMPTS = [
    "UPDATE audit_event SET kind = 'nothing'",
    "UPDATE audit_event SET body = body",
    "DELETE FROM audit_event",
    "TRUNCATE audit_event",
    "UPDATE audit_head SET hash = ''",
    "UPDATE audit_head SET position = 0",
    "DELETE FROM audit_head",
    "TRUNCATE audit_head",
]
INSERTS = [
    "INSERT INTO audit_event SELECT * FROM audit_event",
    "INSERT INTO audit_head VALUES (gen_random_uuid(), 9, '', '')",
    "INSERT INTO audit_repeat VALUES ('', now(), gen_random_uuid(), 1, gen_random_uuid(), 9, now())",
    "UPDATE audit_repeat SET times = 0",
    "DELETE FROM audit_repeat",
]
SCHEMA = [
    "ALTER TABLE audit_event DISABLE TRIGGER ALL",
    "DROP TRIGGER only_grows ON audit_event",
    "DROP TABLE audit_event",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "ALTER TABLE audit_event DISABLE ROW LEVEL SECURITY",
]


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["dmp_app", "dmp_web", "dmp_counter", "dmp_feed", "dmp_worker"])
def test_no_role_of_the_running_system_changes_it(role):
    chain, _ = dossier(entries=2)
    enter(role, chain)

    for attempt in ATTEMPTS + INSERTS + SCHEMA:
        with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic():
            connection.cursor().execute(attempt)


def test_the_owner_is_refused_by_the_trigger(real_database):
    dossier(entries=2)

    with real_database.owner() as owner:
        for attempt in ATTEMPTS:
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only"):
                owner.execute(attempt)


def test_a_superuser_in_replica_mode_is_refused_too(real_database):
    dossier(entries=2)

    with real_database.superuser() as server:
        server.execute("SET session_replication_role = replica")
        for attempt in ATTEMPTS:
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only"):
                server.execute(attempt)


@pytest.mark.django_db
def test_nobody_but_the_roles_of_the_system_may_append():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc, aclexplode(proacl) AS granted"
            " WHERE proname LIKE 'audit!_%%' ESCAPE '!' AND granted.grantee = 0"
        )
        assert cursor.fetchall() == []


@pytest.mark.django_db
def test_the_functions_that_run_as_the_owner_look_nowhere_else():
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND proname LIKE 'audit%%'")
        found = dict(cursor.fetchall())

    assert set(found) == {
        "audit_append",
        "audit_chains_with_repeats",
        "audit_refuse",
        "audit_take_repeats",
    }
    assert all(settings == ["search_path=pg_catalog, pg_temp"] for settings in found.values())
