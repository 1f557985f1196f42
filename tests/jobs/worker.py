"""A real worker with one more kind of job, whose effect the tests can count."""

import time

from django.db import connection, transaction

from dmp.celery import app
from jobs.handlers import handles
from jobs.urgency import Urgency

__all__ = ["app"]

KIND = "test.effect"
HELD = "held"  # how the name of a job begins that cannot end while somebody has the row of `hold`


@handles(KIND, urgency=Urgency.BULK)
def write_the_effect(lease):
    """Slow, so that it can be killed at any point; the effect and its end share one transaction."""
    time.sleep(0.05)
    with transaction.atomic(), connection.cursor() as cursor:
        if lease.idem.startswith(HELD):
            cursor.execute("SELECT FROM hold FOR UPDATE")
        cursor.execute("INSERT INTO effect (idem) VALUES (%s)", [lease.idem])
        time.sleep(0.05)
        lease.done()
    time.sleep(0.02)
