from django.db import models

from .keyfile import KeyName
from .subjects import SubjectKind


class SubjectKey(models.Model):
    """The one key of a subject, wrapped. To destroy it is to forget the subject."""

    subject_id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in SubjectKind])
    version = models.PositiveSmallIntegerField()
    kek_version = models.PositiveIntegerField()
    wrapped = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_subject_is_of_a_known_kind",
                condition=models.Q(kind__in=[kind.value for kind in SubjectKind]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"


class KekCheck(models.Model):
    """What recognises each version of each key, so that a wrong key is seen before it is used."""

    pk = models.CompositePrimaryKey("name", "version")
    name = models.CharField(max_length=8, choices=[(name.value, name.value) for name in KeyName])
    version = models.PositiveIntegerField()
    value = models.BinaryField()
    registered_at = models.DateTimeField(null=True)  # unknown for the versions registered first
    retired_at = models.DateTimeField(null=True)  # nothing is wrapped under it: the file may lose it

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
