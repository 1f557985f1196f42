"""What a worker hears."""

from uuid import UUID

from celery import shared_task

from jobs import queue


@shared_task(name="jobs.work")
def work(*, job_ids: list[str], **_: object) -> None:
    for job_id in job_ids:
        queue.work(UUID(job_id))
