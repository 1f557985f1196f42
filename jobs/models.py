"""The queue is a table: a job is written in the transaction of the act that wants it."""

from django.db import models
from django.db.models import Q

from jobs.urgency import Urgency


class State(models.TextChoices):
    READY = "ready", "à faire"
    LEASED = "leased", "en cours"
    DONE = "done", "fait"
    HELD = "held", "attend une personne"
    DEAD = "dead", "abandonné"


PENDING = Q(state__in=[State.READY, State.LEASED])


class Job(models.Model):
    """One thing to do for one subject. It holds identifiers and codes, never a content."""

    id = models.UUIDField(primary_key=True)  # made of its kind and its `idem`
    kind = models.TextField()
    urgency = models.SmallIntegerField(db_default=int(Urgency.BULK))  # a jobs.urgency.Urgency
    idem = models.TextField()  # what makes it the same job when it is asked for again
    subject_id = models.UUIDField()
    author_id = models.UUIDField(null=True)  # who asked, when what one person may have waiting is bounded
    structure_id = models.UUIDField(null=True)
    state = models.TextField(choices=State)
    attempts = models.PositiveSmallIntegerField()
    run_after = models.DateTimeField()  # by the database's clock; of what is held or dead: since when
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    code = models.TextField(blank=True)  # why it waits, or how it ended
    request = models.TextField(db_default="")  # the reference of the request that asked, as the logs have it
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
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
            models.CheckConstraint(
                condition=Q(urgency__in=[int(urgency) for urgency in Urgency]),
                name="a_job_is_of_a_known_urgency",
            ),
        ]
        indexes = [
            models.Index(
                fields=["urgency", "run_after", "id"], name="jobs_in_order", condition=Q(state=State.READY)
            ),
            models.Index(fields=["lease_until"], name="jobs_leased", condition=Q(state=State.LEASED)),
            models.Index(
                fields=["created_at"],
                name="jobs_for_a_person",
                condition=Q(state__in=[State.HELD, State.DEAD]),
            ),
            models.Index(fields=["done_at"], name="jobs_to_forget", condition=Q(state=State.DONE)),
            models.Index(
                fields=["structure_id", "author_id"],
                name="jobs_pending",
                condition=PENDING & Q(author_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
