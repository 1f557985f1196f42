"""Writes down every row that a release has in a demonstration of its own, and puts them back as they were.

    python -m tests.releases.rows 0.1 …/var

makes tests/releases/0.1.rows.json of a stopped installation's `var`, its keys included: a demonstration's,
which open nothing else. Done once, when a release is made, with something under way in it; the file is then
kept as it is. Pages drawn are left out, for their weight.
"""

import json
import sys
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from dmp import pg

HERE = Path(__file__).parent
OF_THE_SCHEMA = ("django_migrations", "django_content_type", "auth_permission")
LEFT_OUT = "documents_content WHERE part LIKE 'page/%'"


def path(release: str) -> Path:
    return HERE / f"{release}.rows.json"


def read(server: psycopg.Connection, keys: dict[str, Any]) -> dict[str, Any]:
    """What a release left: its keys, the last change of each package, its rows as text by table."""
    server.execute(f"DELETE FROM {LEFT_OUT}")
    changes = dict(server.execute("SELECT app, max(name) FROM django_migrations GROUP BY app").fetchall())
    tables = server.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    ).fetchall()
    rows = {}
    for (table,) in tables:
        if table in OF_THE_SCHEMA:
            continue
        with server.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(table)))
            names = [column.name for column in cursor.description or ()]
            texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
            cursor.execute(sql.SQL("SELECT {} FROM {} ORDER BY 1").format(texts, sql.Identifier(table)))
            if found := cursor.fetchall():
                rows[table] = {"columns": names, "rows": found}
    return {"keys": keys, "changes": changes, "tables": rows}


def write(server: psycopg.Connection, tables: dict[str, Any]) -> None:
    """Put the rows back, in a schema that is as it was then."""
    server.execute("SET session_replication_role = replica")  # in any order, as they were
    for table, told in tables.items():
        names = sql.SQL(", ").join(map(sql.Identifier, told["columns"]))
        places = sql.SQL(", ").join(sql.Placeholder() * len(told["columns"]))
        server.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        with server.cursor() as cursor:
            cursor.executemany(
                sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
                    sql.Identifier(table), names, places
                ),
                told["rows"],
            )
    server.execute("RESET session_replication_role")


def main() -> None:
    release, var = sys.argv[1], Path(sys.argv[2]).absolute()
    keys = json.loads((var / "keys" / "kek.json").read_text())
    process = pg.start(var)
    try:
        with pg.connect(var, "dmp") as server:
            told = read(server, keys)
    finally:
        pg.stop(process)
    path(release).write_text(json.dumps(told, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
