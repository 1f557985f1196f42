"""Django loads this module by its name: see ENGINE in the settings."""

import select

import psycopg
from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django asks `is_usable` before the first statement of each request (CONN_HEALTH_CHECKS)."""

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
