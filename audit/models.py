from django.db import models
from django.db.models import Q

# What the holder of a dossier reads first: the words that the indexes below rest on.
BY_ONESELF = ("applicant", "holder")
NO_NEWS = ("ask_history", "check", "follow", "notify", "review", "visit")


class Event(models.Model):
    """One line of the ledger.

    No foreign keys: it is verified without the rest of the database, and outlives what it mentions.
    """

    pk = models.CompositePrimaryKey("chain", "position")
    chain = models.UUIDField()
    position = models.PositiveBigIntegerField()
    form = models.PositiveSmallIntegerField(db_default=1)  # of its digests: audit.events, audit.form_1
    at = models.DateTimeField()
    kind = models.TextField()
    channel = models.TextField()
    capacity = models.TextField()
    profession = models.TextField()
    document_class = models.TextField()
    structure = models.TextField()
    body = models.BinaryField()
    commitment = models.BinaryField()
    previous = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(
                fields=["chain", "position"],
                name="news_of_a_chain",
                condition=~Q(capacity__in=BY_ONESELF) & ~Q(kind__in=NO_NEWS),
            ),
            models.Index(
                fields=["chain", "position"],
                name="visits_of_a_holder",
                condition=Q(capacity="holder", kind="visit"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.chain} #{self.position} {self.kind}"


class Head(models.Model):
    """Where a chain ends: who appends holds this row until the commit, so that a chain is one line.

    `at` is the instant of its last entry; null until something is appended to a chain of the earlier form.
    """

    chain = models.UUIDField(primary_key=True)
    position = models.PositiveBigIntegerField()
    at = models.DateTimeField(null=True)
    previous = models.BinaryField()
    hash = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.chain} #{self.position}"


class Repeat(models.Model):
    """How often a refusal already recorded came again within the hour, until one event says it."""

    pk = models.CompositePrimaryKey("key", "since")
    key = models.BinaryField()
    since = models.DateTimeField()
    chain = models.UUIDField()
    position = models.PositiveBigIntegerField()
    subject_id = models.UUIDField()
    times = models.PositiveIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["since"], name="repeats_to_summarise")]

    def __str__(self) -> str:
        return f"{self.chain} #{self.position} × {self.times}"
