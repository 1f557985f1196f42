"""The bell: Celery carries to a worker that a class of jobs has work, PostgreSQL keeps the jobs."""

import os
from typing import Any

from celery import Celery, bootsteps
from celery.signals import celeryd_init, setup_logging, worker_init

from dmp import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dmp.settings")

PATIENCE = 10.0  # seconds for the jobs under way, when a worker is asked to stop

broker.use()
app = Celery("dmp")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class SlotsStep(bootsteps.StartStopStep):
    """The slots of a worker: they open before Redis is asked for anything, and do without it."""

    requires = ("celery.worker.components:Pool",)

    def start(self, worker: Any) -> None:
        from jobs import slots
        from jobs.urgency import Urgency

        slots.open_here([Urgency.named(name) for name in worker.app.amqp.queues.consume_from])

    def stop(self, worker: Any) -> None:
        from jobs import slots

        slots.close_here(PATIENCE)

    terminate = stop


app.steps["worker"].add(SlotsStep)


@celeryd_init.connect
def say_nothing_of_its_own(instance: Any, **_: object) -> None:
    """No banner, no farewell: a worker's lines are ours, from the first to the last."""
    from celery.apps import worker
    from django.conf import settings

    from dmp import logs

    instance.quiet = True
    worker.safe_say = lambda *_, **__: None
    logs.configure(settings.LOGGING)


@setup_logging.connect
def keep_our_walls(**_: object) -> None:
    """Celery configures no logging of its own: dmp.logs already has, and lets no value through."""


@worker_init.connect
def refuse_to_start_unsound(**_: object) -> None:
    """The same refusal as the web's: no job is taken by a worker that could not finish it."""
    from dmp import checks

    checks.refuse_to_start_unsound(checks.Process.WORKER)
