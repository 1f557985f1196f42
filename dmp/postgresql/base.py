"""Django loads this module by its name: see ENGINE in the settings."""

import select
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg import postgres
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format, TransactionStatus

from dmp.postgresql.messages import OneMessage, Plans

INSTANT = postgres.types["timestamptz"].oid


class Instants(Loader):
    """psycopg's own reading of an instant, far quicker than the one Django puts in its place: that one gives
    it any time zone, and a connection of ours only ever speaks UTC."""

    timezone = UTC  # where Django looks for what a connection reads

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        reading = psycopg.adapters.get_loader(oid, Format.TEXT)
        assert reading is not None
        self._reading = reading(oid, context)
        self.load = self._reading.load  # type: ignore[method-assign]

    def load(self, data: Buffer) -> datetime:
        return self._reading.load(data)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django asks `is_usable` before the first statement of each request (CONN_HEALTH_CHECKS)."""

    _plans: Plans | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        # Nothing is kept prepared behind a pooler that gives one connection to several.
        self._plans = Plans() if connection.prepare_threshold is not None else None
        if self.timezone is UTC:
            connection.adapters.register_loader(INSTANT, Instants)
        return connection

    def is_usable(self) -> bool:
        """A server that ended a connection left a word or an end on it: looking costs no round trip.

        Nothing to read: the connection is as it was left. Something to read, or a request that failed on it:
        a statement tells.
        """
        if self.errors_occurred:
            return bool(super().is_usable())
        try:
            descriptor = self.connection.fileno()
        except psycopg.Error:
            return False
        return not readable(descriptor) or bool(super().is_usable())

    def _rollback(self) -> None:
        # A COMMIT that fails leaves nothing to roll back: psycopg does nothing, and forgets nothing.
        began = (
            self.connection is not None and self.connection.info.transaction_status != TransactionStatus.IDLE
        )
        super()._rollback()  # type: ignore[misc]
        if began:
            self._throw_plans_away()

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]
        self._throw_plans_away()

    def _throw_plans_away(self) -> None:
        """psycopg has everything forgotten that was prepared, after any ROLLBACK."""
        if self._plans is not None:
            with self.wrap_database_errors:
                self._plans.throw_away(self.connection)

    def begun_with(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """BEGIN and the first statement of a transaction in one message: a round trip less. Its rows.

        Inside another transaction, or when something was done in this one, it is a statement like another.
        """
        self.ensure_connection()
        raw = self.connection
        first = raw.pgconn.transaction_status == TransactionStatus.IDLE and not self.get_autocommit()
        cursor = (
            self._prepare_cursor(OneMessage(raw, before=b"BEGIN", plans=self._plans))
            if first
            else self.cursor()
        )
        with cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall()  # type: ignore[no-any-return]

    def committed_with(self, statement: str, parameters: Sequence[Any]) -> bool:
        """Run the last statement of a transaction and COMMIT in one message, so that what it locks is given
        back without waiting for a round trip. False, and nothing was done, inside another transaction.

        Django finds nothing left to commit, and goes on with what it does after a commit. A statement that
        fails leaves COMMIT undone, and is raised as any other.
        """
        if len(self.atomic_blocks) != 1:
            return False
        with self._prepare_cursor(OneMessage(self.connection, after=b"COMMIT", plans=self._plans)) as cursor:
            cursor.execute(statement, parameters)
        return True


def readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
