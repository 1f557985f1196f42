"""What the application's login could do to the server and never does: refused, one by one.

Somebody who makes the application run SQL of their own has this login, and the roles that the gate takes.
"""

from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from dmp import pg

REFUSED = psycopg.errors.InsufficientPrivilege
ROLES = ("none", *pg.GATED_ROLES)

ATTEMPTS = {
    # others at work
    "end a sibling's connection": "SELECT pg_terminate_backend(pg_backend_pid() + 1)",
    "stop what a sibling does": "SELECT pg_cancel_backend(pg_backend_pid() + 1)",
    "read what a sibling asks": "SELECT query FROM pg_stat_activity",
    "read what a sibling asks, by its function": "SELECT pg_stat_get_activity(NULL)",
    "read what one backend asks": "SELECT pg_stat_get_backend_activity(1)",
    "see the locks": "SELECT * FROM pg_locks",
    "take a lock by name": "SELECT pg_advisory_lock(1)",
    "take a lock by name until the end": "SELECT pg_advisory_xact_lock(1)",
    "try a lock by name": "SELECT pg_try_advisory_lock(1)",
    "sleep": "SELECT pg_sleep(0)",
    "sleep otherwise": "SELECT pg_sleep_for('0')",
    "shout": "SELECT pg_notify('a', 'b')",
    # things left behind
    "make a large object": "SELECT lo_create(0)",
    "make a large object the old way": "SELECT lo_creat(-1)",
    "make a large object of bytes": "SELECT lo_from_bytea(0, 'x')",
    "write a large object": "SELECT lo_put(1, 0, 'x')",
    "read a file into a large object": "SELECT lo_import('/etc/passwd')",
    "write a file from a large object": "SELECT lo_export(1, '/tmp/x')",
    "make a temporary table": "CREATE TEMPORARY TABLE t (a int)",
    "make a temporary table of a query": "CREATE TEMPORARY TABLE t AS SELECT 1",
    "make a temporary table by SELECT": "SELECT 1 INTO TEMPORARY t",
    "make a table": "CREATE TABLE t (a int)",
    "make a schema": "CREATE SCHEMA s",
    "make a function": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "make a temporary function": "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "make an extension": "CREATE EXTENSION pgcrypto",
    "run a block": "DO $$ BEGIN PERFORM 1; END $$",
    "export a snapshot": "SELECT pg_export_snapshot()",
    "write in the log of changes": "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "make a replication slot": "SELECT pg_create_physical_replication_slot('a', true)",
    # rights
    "lose its rights": "DROP OWNED BY dmp_app",
    "lose the rights of a role": "DROP OWNED BY CURRENT_USER",
    "give its rights away": "GRANT SELECT ON accounts_session TO PUBLIC",
    "give rights on what will be": "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    "give a role": "GRANT dmp_web TO pg_monitor",
    "make a role": "CREATE ROLE r",
    "become the owner": "SET ROLE dmp_owner",
    "become somebody else": "SET SESSION AUTHORIZATION dmp_owner",
    "silence the triggers": "SELECT set_config('session_replication_role', 'replica', true)",
    "silence event triggers": "SET event_triggers = off",
    "drop the wall": "DROP EVENT TRIGGER dmp_only_the_owner_changes_the_schema",
    "replace the wall": (
        "CREATE OR REPLACE FUNCTION public.dmp_only_the_owner_changes_the_schema() RETURNS event_trigger"
        " LANGUAGE plpgsql AS 'BEGIN END'"
    ),
    "write statements in the log": "SET log_statement = 'all'",
    "empty a table": "TRUNCATE accounts_session",
    "comment": "COMMENT ON TABLE accounts_session IS 'x'",
    # the machine
    "read a file": "SELECT pg_read_file('postgresql.conf')",
    "list a folder": "SELECT pg_ls_dir('.')",
    "copy to a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "copy to a file": "COPY (SELECT 1) TO '/tmp/x'",
    "copy from a file": "COPY accounts_session FROM '/etc/passwd'",
    "load a library": "LOAD '/tmp/x.so'",
    "read the passwords": "SELECT rolpassword FROM pg_authid",
    "read the settings again": "SELECT pg_reload_conf()",
    "turn the log": "SELECT pg_rotate_logfile()",
    "checkpoint": "CHECKPOINT",
    "change the server": "ALTER SYSTEM SET work_mem = '1GB'",
    "make a database": "CREATE DATABASE d",
    "forget what was counted": "SELECT pg_stat_reset()",
    "stop the archive": "SELECT pg_switch_wal()",
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_it_is_refused(real_database, attempt):
    with pg.connect(real_database.var, real_database.name, login="dmp_app") as login:
        for role in ROLES:
            login.execute(f"SET ROLE {role}")
            with pytest.raises(REFUSED):
                login.execute(ATTEMPTS[attempt])
            login.execute("RESET ROLE")


@pytest.mark.parametrize("beside", ["postgres", "template1"])
def test_no_other_database_of_the_server_is_open_to_it(real_database, beside):
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        pg.connect(real_database.var, beside, login="dmp_app")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER ROLE dmp_app PASSWORD 'mine'",
        "ALTER ROLE dmp_app PASSWORD NULL",
        "ALTER ROLE dmp_app SET statement_timeout = 0",
        "ALTER ROLE dmp_app SET role = 'dmp_web'",
        "ALTER ROLE dmp_app IN DATABASE {} SET search_path = 'pg_temp'",
    ],
)
def test_what_a_login_may_change_of_itself_is_put_back_by_preparing(real_database, change):
    with pg.connect(real_database.var, real_database.name, login="dmp_app") as login:
        login.execute(change.format(real_database.name))

    pg.prepare(real_database.var, real_database.name)

    with pg.connect(real_database.var, real_database.name, login="dmp_app") as login:
        said = login.execute(
            "SELECT current_setting('statement_timeout'), current_user, current_setting('search_path')"
        )
        assert said.fetchone() == ("20s", "dmp_app", '"$user", public')


@pytest.mark.django_db
def test_of_what_does_something_it_calls_what_the_application_calls_and_nothing_else():
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT p.proname FROM pg_proc p
                WHERE p.provolatile = 'v' AND p.prokind IN ('f', 'p')
                  AND has_function_privilege('dmp_app', p.oid, 'EXECUTE')
                  AND p.prorettype <> ALL (ARRAY['trigger', 'event_trigger', 'index_am_handler',
                      'table_am_handler', 'tsm_handler', 'language_handler', 'internal']::regtype[])"""
        )
        found = {name for (name,) in cursor.fetchall()}

    called = {"accounts_gather_notice", "audit_append", "audit_refuse", "jobs_decide"}
    called |= {f"dossiers_entered_{role}" for role in ("web", "counter", "feed", "worker")}
    called |= {
        f"{package}_entered_{role}" for package in ("documents", "history") for role in ("web", "worker")
    }
    assert found - set(pg.CALLED) == called


@pytest.mark.django_db
@pytest.mark.parametrize("pin", ["the dossier's own", "another's", "none"])
def test_what_was_held_apart_is_forgotten_of_the_pinned_dossier_alone(pin, opened_with_something_held):
    dossier_id, other = opened_with_something_held
    pinned = {"the dossier's own": str(dossier_id), "another's": str(other), "none": ""}[pin]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', 'dmp_web', true), set_config('dmp.pin', %s, true)", [pinned]
        )
        cursor.execute("SELECT history_forget(%s, now())", [dossier_id])
        cursor.execute(
            "SELECT set_config('role', 'dmp_worker', true), set_config('dmp.pin', %s, true)",
            [str(dossier_id)],
        )
        cursor.execute("SELECT sealed IS NULL FROM history_held")
        [(forgotten,)] = cursor.fetchall()
        cursor.execute("SELECT set_config('role', 'none', true), set_config('dmp.pin', '', true)")

    assert forgotten == (pin == "the dossier's own")


@pytest.fixture
def opened_with_something_held(open_at_the_counter):
    dossier_id = open_at_the_counter().dossier_id
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', 'dmp_worker', true), set_config('dmp.pin', %s, true)",
            [str(dossier_id)],
        )
        cursor.execute(
            "INSERT INTO history_held (id, dossier_id, code, received_at, content_mac, sealed)"
            " VALUES (%s, %s, 'x', now(), '\\x01', '\\x01')",
            [uuid4(), dossier_id],
        )
        cursor.execute("SELECT set_config('role', 'none', true), set_config('dmp.pin', '', true)")
    return dossier_id, uuid4()
