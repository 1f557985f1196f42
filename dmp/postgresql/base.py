"""Django loads this module by its name: see ENGINE in the settings."""

import select
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


def readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
