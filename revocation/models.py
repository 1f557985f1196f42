from django.db import models


class Line(models.Model):
    """A line of the journal whose act is in this database: written in the transaction of the act.

    `number` is null while the journal could not be written; `payload` then keeps what must be written later.
    Never deleted: what is in the journal and not here was lost.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    number = models.PositiveBigIntegerField(null=True, unique=True)
    at = models.DateTimeField()
    payload = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(number__isnull=True) ^ models.Q(payload__isnull=True),
                name="a_line_is_written_or_waits_to_be",
            )
        ]
        indexes = [
            models.Index(fields=["at"], condition=models.Q(number__isnull=True), name="lines_to_write"),
        ]

    def __str__(self) -> str:
        return f"{self.number or '–'} {self.at}"
