"""Writes down every statement that a release sends, while its own tests run.

    pytest -p tests.releases.recording tests/accounts tests/dossiers …
    python -m tests.releases.recording 0.1

The first leaves a part for each process in var/statements, the second makes tests/releases/0.1.json of them.
Done once, when a release is made; the file is then kept as it is.
"""

import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")  # before dmp, which has its own

from dmp import pg

ROOT = Path(__file__).resolve().parents[2]
PARTS = ROOT / "var" / "statements"
HERE = Path(__file__).parent
ROLES = ("dmp_app", *pg.GATED_ROLES)
MARK = "@dmp@"
LINE = re.compile(rf"^{MARK}(\w*) LOG:  (?:statement|execute [^:]+): ", re.MULTILINE)
ANY_LINE = re.compile(rf"^{MARK}", re.MULTILINE)
READ_OR_WRITE = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|COPY)\b", re.IGNORECASE)
COPY = re.compile(r"COPY (\S+) \(([^)]*)\) FROM STDIN", re.IGNORECASE)
INSERT = re.compile(r"INSERT INTO (\S+) (?:AS \w+ )?\(([^)]*)\)", re.IGNORECASE)
DATABASE = "dmp_test"


def statements_in(log: str) -> set[str]:
    """What dmp_app sent, each statement once, its values left out by the server."""
    found = set()
    starts = list(ANY_LINE.finditer(log))
    for start, after in zip(starts, [*starts[1:], None], strict=True):
        line = log[start.start() : after.start() if after else None]
        if (told := LINE.match(line)) and told[1] == "dmp_app":
            statement = " ".join(line[told.end() :].split())
            if READ_OR_WRITE.match(statement) and "pg_temp" not in statement:
                found.add(statement)
    return found


def explained(statement: str) -> str:
    """An EXPLAIN that says whether the statement is understood, and allowed, without doing it."""
    if copied := COPY.match(statement):
        table, columns = copied.groups()
        statement = (
            f"INSERT INTO {table} ({columns}) VALUES ({', '.join('NULL' for _ in columns.split(','))})"
        )
    return f"EXPLAIN (GENERIC_PLAN) {statement}"


def refusal(connection: psycopg.Connection, role: str, statement: str) -> str:
    """Why the database would refuse this statement to this role; empty when it would not."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"SET LOCAL ROLE {role}")
            connection.execute(explained(statement))
    except psycopg.Error as error:
        return str(error).splitlines()[0]
    return ""


def lacking(connection: psycopg.Connection, statement: str) -> set[str]:
    """The columns that must have a value, have none by default, and are given none by this statement."""
    return {
        f"{table}.{column}"
        for table, columns in INSERT.findall(statement) + COPY.findall(statement)
        for (column,) in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL"
            " AND is_identity = 'NO' AND is_generated = 'NEVER'",
            [table.strip('"')],
        )
        if column not in re.findall(r"\w+", columns)
    }


def understood(connection: psycopg.Connection, statements: Iterable[str]) -> dict[str, list[str]]:
    """Each statement, with the roles to which it is allowed."""
    return {
        statement: [role for role in ROLES if not refusal(connection, role, statement)]
        for statement in sorted(statements)
        if not lacking(connection, statement)  # what a test tries, to be refused
    }


# -- As a plugin of pytest -------------------------------------------------------------------------


def pytest_configure() -> None:
    """Called for the plugin alone: a test that imports this module changes no server."""
    pg.SERVER_SETTINGS |= {"log_statement": "all", "log_line_prefix": f"{MARK}%u "}
    really_start, really_stop = pg.start, pg.stop
    folders: dict[int, Path] = {}

    def start(var: Path, **how):
        server = really_start(var, **how)
        folders[server.pid] = var
        return server

    def stop(server):
        if var := folders.pop(server.pid, None):
            PARTS.mkdir(parents=True, exist_ok=True)
            sent = statements_in((var / "pg.log").read_text(errors="replace"))
            with pg.connect(var, DATABASE) as connection:
                told = understood(connection, sent)
            (PARTS / f"{os.getpid()}.json").write_text(json.dumps(told))
        really_stop(server)

    pg.start, pg.stop = start, stop


def main(name: str) -> None:
    kept: dict[str, list[str]] = {}
    for part in PARTS.glob("*.json"):
        kept |= {statement: roles for statement, roles in json.loads(part.read_text()).items() if roles}
    (HERE / f"{name}.json").write_text(
        json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False) + "\n"
    )


if __name__ == "__main__":
    main(sys.argv[1])
