"""Several statements in one message: PostgreSQL answers them together, and nobody waits between them.

libpq calls it a pipeline. That of psycopg serves long ones and costs more than the round trip it saves here:
these messages are of two statements, and are sent and heard at once.
"""

import re
from collections import OrderedDict
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


MOST_PLANS = 100  # on one connection; psycopg keeps as many of its own
# The server no longer has the plan, or what its statement gives has another form since a new release.
STALE = (errors.InvalidSqlStatementName, errors.FeatureNotSupported)


class Plans:
    """The statements that PostgreSQL keeps prepared for one connection, by their text and types."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._names: OrderedDict[tuple[str, tuple[int, ...]], bytes] = OrderedDict()

    def name(self, statement: str, types: tuple[int, ...]) -> bytes | None:
        if name := self._names.get((statement, types)):
            self._names.move_to_end((statement, types))
        return name

    def next_name(self) -> bytes:
        return f"dmp_{next(self._numbers)}".encode()

    def keep(self, statement: str, types: tuple[int, ...], name: bytes) -> None:
        self._names[statement, types] = name

    def one_too_many(self) -> bytes | None:
        """The one that served longest ago, no longer kept here, when there is no room for another."""
        return self._names.popitem(last=False)[1] if len(self._names) >= MOST_PLANS else None

    def throw_away(self, connection: psycopg.Connection[Any]) -> None:
        """All of them, here and in the server. Only after psycopg forgot its own, as it does at a ROLLBACK.

        psycopg tells the server so only when it had some: the server would keep ours for ever.
        """
        if not self._names:
            return
        self._names.clear()
        pgconn = connection.pgconn
        with connection.lock:
            try:
                pgconn.send_query_params(b"DEALLOCATE ALL", None)
                results = connection.wait(generators.execute(pgconn))
            except BaseException:
                pgconn.finish()
                raise
        raise_failures(results)


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
        except STALE:
            # As after a DROP, when psycopg has all that is prepared thrown away. Nothing is done yet.
            if self._plans is None or self._before is None:
                raise
            self.connection.rollback()
            self._plans.throw_away(self.connection)
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
                before = after = prepared = 0
                if self._before is not None:
                    pgconn.send_query_params(self._before, None)
                    before += 1
                if self._plans is None:
                    pgconn.send_query_params(numbered(statement), values, types, formats)
                else:
                    if name is None:
                        if oldest := self._plans.one_too_many():
                            pgconn.send_query_params(b"DEALLOCATE " + oldest, None)
                            before += 1
                        name = self._plans.next_name()
                        pgconn.send_prepare(name, numbered(statement), types)
                        prepared, before = before, before + 1
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
        if self._plans and name and not known and results[prepared].status == ExecStatus.COMMAND_OK:
            self._plans.keep(statement, types, name)  # it stays prepared even when what follows fails
        raise_failures(results)
        transformer.set_pgresult(results[before])
        self._rows = transformer.load_rows(0, results[before].ntuples, tuple)


def raise_failures(results: Sequence[PGresult]) -> None:
    for result in results:
        if result.status in FAILED:
            raise errors.error_from_result(result)


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
