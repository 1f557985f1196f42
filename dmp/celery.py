"""The bell: Celery carries the identifier of a job to a worker, PostgreSQL keeps the job."""

import os
import signal

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_process_init

from dmp import children

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dmp.settings")

app = Celery("dmp")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_walls(**_: object) -> None:
    """Celery configures no logging of its own: dmp.logs already has, and lets no value through."""


@worker_init.connect
def refuse_to_start_unsound(**_: object) -> None:
    """The same refusal as the web's: no job is taken by a worker that could not finish it."""
    from dmp import checks

    checks.refuse_to_start_unsound(checks.Process.WORKER)


@worker_process_init.connect
def end_with_the_worker(**_: object) -> None:
    """A process of the pool whose master was killed takes no job more: its leases run out by themselves."""
    children.die_with(os.getppid(), signal.SIGKILL)
