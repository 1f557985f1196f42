"""The queue is a table: a job is written in the transaction of the act that wants it."""

from django.db import models
from django.db.models import Q


class State(models.TextChoices):
    READY = "ready", "à faire"
    LEASED = "leased", "en cours"
    DONE = "done", "fait"
    HELD = "held", "attend une personne"
    DEAD = "dead", "abandonné"


class Job(models.Model):
    """One thing to do for one subject. It holds identifiers and codes, never a content."""

    id = models.UUIDField(primary_key=True)
    kind = models.TextField()
    idem = models.TextField()  # what makes it the same job when it is asked for again
    subject_id = models.UUIDField()
    state = models.TextField(choices=State)
    attempts = models.PositiveSmallIntegerField()
    run_after = models.DateTimeField()
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    code = models.TextField(blank=True)  # why it waits, or how it ended
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "idem"], name="a_job_is_asked_for_once"),
            models.CheckConstraint(
                condition=Q(state=State.LEASED, lease_token__isnull=False, lease_until__isnull=False)
                | (~Q(state=State.LEASED) & Q(lease_token=None, lease_until=None)),
                name="a_lease_has_a_token_and_an_end",
            ),
            models.CheckConstraint(
                condition=Q(state=State.DONE, done_at__isnull=False)
                | (~Q(state=State.DONE) & Q(done_at=None)),
                name="only_what_is_done_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "subject_id", "-created_at"], name="jobs_of_a_subject"),
            models.Index(fields=["run_after"], name="jobs_ready", condition=Q(state=State.READY)),
            models.Index(fields=["lease_until"], name="jobs_leased", condition=Q(state=State.LEASED)),
            models.Index(
                fields=["created_at"],
                name="jobs_for_a_person",
                condition=Q(state__in=[State.HELD, State.DEAD]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
