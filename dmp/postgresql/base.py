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
from psycopg.pq import Format

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

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
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

    def committed_with(self, statement: str, parameters: Sequence[Any]) -> bool:
        """Run the last statement of a transaction and COMMIT in one message, so that what it locks is given
        back without waiting for a round trip. False, and nothing was done, inside another transaction.

        Django finds nothing left to commit, and goes on with what it does after a commit. A statement that
        fails leaves COMMIT undone, and is raised as any other.
        """
        if len(self.atomic_blocks) != 1:
            return False
        # Bound on this side: a message of several commands takes no parameters.
        with self._prepare_cursor(psycopg.ClientCursor(self.connection)) as cursor:
            cursor.execute(f"{statement}; COMMIT", parameters)
        return True


def readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
