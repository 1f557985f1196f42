"""The embedded servers: settings, sockets, roles, a server that somebody else runs."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings

from dmp import children, keys, pg
from dmp import settings as house_settings


def test_postgresql_writes_no_value_in_its_log(real_database):
    with real_database.superuser() as superuser:
        superuser.execute("CREATE TABLE person (nir text UNIQUE)")
        superuser.execute("INSERT INTO person VALUES ('279035121518989')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            superuser.execute("INSERT INTO person VALUES ('279035121518989')")

    assert "279035121518989" not in (real_database.var / "pg.log").read_text()


@pytest.mark.parametrize("name", sorted(pg.LOG_SETTINGS))
def test_the_log_settings_are_in_force(real_database, name):
    with real_database.superuser() as superuser:
        assert superuser.execute("SELECT current_setting(%s)", [name]).fetchone() == (pg.LOG_SETTINGS[name],)


def test_the_application_login_has_nothing_by_itself(real_database):
    with real_database.superuser() as superuser:
        inherits, bypasses, is_superuser = superuser.execute(
            "SELECT rolinherit, rolbypassrls, rolsuper FROM pg_roles WHERE rolname = 'dmp_app'"
        ).fetchone()

        assert (inherits, bypasses, is_superuser) == (False, False, False)


def test_nobody_may_call_a_function_that_was_not_granted(real_database):
    with real_database.owner() as owner:
        owner.execute("CREATE FUNCTION open_sesame() RETURNS int LANGUAGE sql AS 'SELECT 1'")

    with pg.connect(real_database.var, real_database.name, login="dmp_app") as application:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("SELECT open_sesame()")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("CREATE TEMP TABLE mine (id int)")


def test_a_server_that_somebody_else_runs_gets_the_same_roles_and_walls(real_database):
    url = pg.url(real_database.var, real_database.name, pg.SUPERUSER)
    passwords = {"dmp_app": "p/w@1", "dmp_owner": "p:w?2"}

    try:
        app, owner = pg.adopt(url, passwords)

        assert pg.may_make_roles(url)
        assert not pg.may_make_roles(app)
        with psycopg.connect(owner) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("dmp_owner",)
    finally:
        pg.prepare(real_database.var, real_database.name)


@pytest.mark.parametrize("login", [pg.SUPERUSER, *pg.LOGINS])
def test_whoever_runs_under_our_user_enters_no_database_without_a_password(real_database, login):
    place = pg.place(real_database.var, real_database.name, login) | {"passfile": "/nowhere"}

    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(**place)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**place, password="dmp")
    with pg.connect(real_database.var, real_database.name, login=login) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (login,)


def test_a_base_backup_asks_for_a_password_too(real_database, tmp_path):
    host = str(children.socket_directory(real_database.var))
    command = [
        str(pg.binaries() / "pg_basebackup"),
        "-h",
        host,
        "-U",
        pg.SUPERUSER,
        "-D",
        str(tmp_path / "base"),
    ]
    command += ["--no-password", "--no-sync", "--checkpoint=fast"]

    def taken(passfile: Path) -> int:
        environment = os.environ | {"PGPASSFILE": str(passfile)}
        return subprocess.run(command, env=environment, capture_output=True).returncode

    assert taken(tmp_path / "none") != 0
    assert taken(pg.passfile(real_database.var)) == 0


def test_the_password_of_a_login_is_kept_from_everybody_else(real_database):
    assert pg.passfile(real_database.var).stat().st_mode & 0o777 == 0o600


def test_a_cluster_made_without_passwords_has_its_doors_shut_at_the_next_start(tmp_path):
    server = pg.start(tmp_path, durable=False)
    with pg.connect(tmp_path) as connection:
        connection.execute("ALTER ROLE postgres PASSWORD NULL")
    pg.stop(server)
    (tmp_path / "pg" / "pg_hba.conf").write_text("local all all trust\n")
    (tmp_path / "pg" / "superuser.sha256").unlink()

    server = pg.start(tmp_path, durable=False)
    try:
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(**pg.place(tmp_path, "postgres", pg.SUPERUSER) | {"passfile": "/nowhere"})
    finally:
        pg.stop(server)


def test_a_long_path_moves_the_sockets_to_a_short_private_one(tmp_path):
    long = tmp_path / ("d" * 100)

    moved = children.private_directory(children.socket_directory(long))

    assert len(os.fsencode(moved)) < 90
    assert moved.stat().st_mode & 0o777 == 0o700
    moved.rmdir()


def test_a_cluster_of_another_version_is_left_alone(tmp_path):
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "PG_VERSION").write_text("16\n")

    with pytest.raises(children.CannotStart, match="PostgreSQL 16"):
        pg.start(tmp_path)


def test_secrets_are_made_once_and_kept_private(tmp_path):
    first = keys.shared_with_the_sandbox(tmp_path)

    assert keys.shared_with_the_sandbox(tmp_path) == first
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}


def test_a_database_url_is_read_whole():
    read = house_settings.database(
        "postgresql://us%40er:p%2Fw@db.example:6432/dmp?sslmode=verify-full", "dmp_app"
    )

    assert (read["USER"], read["PASSWORD"], read["HOST"], read["PORT"]) == (
        "us@er",
        "p/w",
        "db.example",
        "6432",
    )
    assert read["NAME"] == "dmp"
    assert read["OPTIONS"]["sslmode"] == "verify-full"
    assert read["CONN_MAX_AGE"] is None


def test_nothing_is_kept_outside_var():
    var = Path(django_settings.DMP_VAR)

    assert django_settings.STATIC_ROOT.is_relative_to(var)
    assert django_settings.DOCUMENT_STORE.is_relative_to(var)
    assert django_settings.VAULT["KEYS"].is_relative_to(var)
