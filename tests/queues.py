"""What was asked of the queue, as a test looks at it."""

from uuid import UUID

from jobs import queue
from jobs.models import Job


def latest(kind: str, subject_id: UUID) -> queue.JobState | None:
    """The last job of this kind asked for this subject."""
    job = Job.objects.filter(kind=kind, subject_id=subject_id).order_by("-created_at").first()
    return queue.state(job.id) if job else None
