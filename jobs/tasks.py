"""What a worker hears."""

from uuid import UUID

from celery import shared_task

from jobs import queue


@shared_task(name="jobs.work")
def work(*, job_id: str, **_: object) -> None:
    queue.work(UUID(job_id))
