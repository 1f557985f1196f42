"""Several statements in one message: PostgreSQL answers them together, and nobody waits between them.

libpq calls it a pipeline. That of psycopg serves long ones and costs more than the round trip it saves here:
these messages are of two statements, and are sent and heard at once.
"""

import re
from collections.abc import Generator, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg import errors, generators
from psycopg.abc import PyFormat
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

Row = tuple[Any, ...]
FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED)
PLACE = re.compile("%s")


class Plans:
    """The statements that PostgreSQL keeps prepared for one connection, by their text and types."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}

    def name(self, statement: str, types: tuple[int, ...]) -> bytes | None:
        return self._names.get((statement, types))

    def next_name(self) -> bytes:
        return f"dmp_{next(self._numbers)}".encode()

    def keep(self, statement: str, types: tuple[int, ...], name: bytes) -> None:
        self._names[statement, types] = name

    def forget(self) -> None:
        self._names.clear()


class OneMessage:
    """A cursor for one statement, that leaves with BEGIN before it or with COMMIT after it.

    When one fails, what follows it is not done, and its error is raised as any cursor raises it.
    `plans`: where the statement stays prepared; without it, it is planned each time.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        before: bytes | None = None,
        after: bytes | None = None,
        plans: Plans | None = None,
    ) -> None:
        self.connection = connection
        self._before, self._after, self._plans = before, after, plans
        self._rows: list[Row] = []

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        try:
            self._execute(statement, parameters)
        except errors.InvalidSqlStatementName:
            # All that was prepared was thrown away, as psycopg does after a DROP. Nothing is done yet.
            if self._plans is None or self._before is None:
                raise
            self._plans.forget()
            self.connection.rollback()
            self._execute(statement, parameters)

    def fetchall(self) -> list[Row]:
        return self._rows

    def close(self) -> None:
        self._rows = []

    def _execute(self, statement: str, parameters: Sequence[Any]) -> None:
        pgconn = self.connection.pgconn
        transformer = Transformer(self.connection)
        values = transformer.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        types, formats = transformer.types or (), transformer.formats
        known = self._plans.name(statement, types) if self._plans else None
        name = known
        with self.connection.lock:
            pgconn.enter_pipeline_mode()
            try:
                before = after = 0
                if self._before is not None:
                    pgconn.send_query_params(self._before, None)
                    before += 1
                if self._plans is None:
                    pgconn.send_query_params(numbered(statement), values, types, formats)
                else:
                    if name is None:
                        name = self._plans.next_name()
                        pgconn.send_prepare(name, numbered(statement), types)
                        before += 1
                    pgconn.send_query_prepared(name, values, formats)
                if self._after is not None:
                    pgconn.send_query_params(self._after, None)
                    after += 1
                pgconn.pipeline_sync()
                results = self.connection.wait(heard(pgconn, before + 1 + after))
                pgconn.exit_pipeline_mode()
            except BaseException:
                pgconn.finish()  # nobody knows what was heard: this connection serves no more
                raise
        for result in results:
            if result.status in FAILED:
                raise errors.error_from_result(result)
        if self._plans and name != known:
            self._plans.keep(statement, types, name)
        transformer.set_pgresult(results[before])
        self._rows = transformer.load_rows(0, results[before].ntuples, tuple)


@lru_cache(maxsize=64)
def numbered(statement: str) -> bytes:
    """With its places written as PostgreSQL numbers them."""
    numbers = count(1)
    return PLACE.sub(lambda _: f"${next(numbers)}", statement).encode()


def heard(pgconn: PGconn, answers: int) -> Generator[Any, Any, list[PGresult]]:
    """What the server answers to each statement of a message, as `Connection.wait` runs it."""
    yield from generators.send(pgconn)
    results: list[PGresult] = []
    for _ in range(answers):
        results += yield from generators.fetch_many(pgconn)
    yield from generators.fetch_many(pgconn)  # the end of the message
    return results
