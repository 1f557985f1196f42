"""The care history as it is kept: one sealed row per version, whatever the number of lines."""

from django.db import models
from django.db.models import F, Q

from documents.models import Document
from dossiers.models import Dossier


class Statement(models.Model):
    """One version of a dossier's care history. The current one holds every line; the one it replaced
    keeps only what is needed, beside it, to be made again."""

    pk = models.CompositePrimaryKey("dossier_id", "version")
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.PositiveIntegerField()
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="+", db_index=False)
    received_at = models.DateTimeField()
    written_on = models.DateField()
    period_start = models.DateField()
    period_end = models.DateField()
    line_count = models.PositiveIntegerField()
    content_mac = models.BinaryField()  # of the bytes received, keyed by the dossier
    sealed = models.BinaryField(null=True)
    sealed_difference = models.BinaryField(null=True)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dossier"], condition=Q(superseded_at=None), name="one_current_statement_per_dossier"
            ),
            models.CheckConstraint(
                condition=Q(superseded_at=None, sealed__isnull=False, sealed_difference=None)
                | Q(superseded_at__isnull=False, sealed=None, sealed_difference__isnull=False),
                name="a_superseded_statement_is_kept_as_a_difference",
            ),
            models.CheckConstraint(
                condition=Q(period_end__gte=F("period_start")), name="a_period_ends_after_it_starts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dossier_id}/{self.version}"


class ImportPhase(models.TextChoices):
    """Where the import of a dossier is, once the insurer was first asked."""

    TRYING_AGAIN = "trying_again", "l’assureur n’a pas répondu"
    NOTHING = "nothing", "l’assureur ne connaît aucun soin"
    FILED = "filed", "versé"
    HELD = "held", "une personne regarde"
    LEFT_OUT = "left_out", "laissé dehors par une personne"


class Import(models.Model):
    """Where a dossier's import is, as pages tell it. A dossier without a row has asked at its opening, and
    nothing happened yet."""

    dossier = models.OneToOneField(Dossier, on_delete=models.PROTECT, related_name="+", primary_key=True)
    phase = models.CharField(max_length=16, choices=ImportPhase)
    cause = models.CharField(max_length=60)  # the code of a silence, of a refusal; empty when filed
    since = models.DateTimeField()  # this phase
    answered_at = models.DateTimeField(null=True)  # the insurer's last answer
    retry_at = models.DateTimeField(null=True)  # when it is asked again

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(phase=ImportPhase.TRYING_AGAIN, retry_at__isnull=False)
                | (~Q(phase=ImportPhase.TRYING_AGAIN) & Q(retry_at=None)),
                name="only_a_silent_insurer_is_asked_again",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dossier_id}: {self.phase}"


class Held(models.Model):
    """What came and could not be filed, kept apart until a person has looked. No page shows it."""

    id = models.UUIDField(primary_key=True, editable=False)
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=40)
    received_at = models.DateTimeField()
    content_mac = models.BinaryField()
    sealed = models.BinaryField(null=True)  # forgotten when the case is closed
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dossier", "content_mac"],
                condition=Q(closed_at=None),
                name="the_same_statement_is_held_once",
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(sealed=None), name="what_is_closed_is_forgotten"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
