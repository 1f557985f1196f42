"""What a dossier contains. In clear: kinds, dates, status, visibility; everything else is sealed.

Few indexes and narrow ones: the list and each fetch are answered from one index range, led by the dossier.
"""

import struct
from datetime import date, datetime
from uuid import UUID

from django.db import models
from django.db.models import F, Q

from access.policy import Status
from dossiers.models import Dossier
from vault.binding import EPOCH, Binding

from .nomenclature import CARE_HISTORY

STATUSES = [(status.value, status.value) for status in Status]


class Document(models.Model):
    id = models.UUIDField(primary_key=True, editable=False)
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="documents", db_index=False)
    type_code = models.CharField(max_length=24)
    class_code = models.CharField(max_length=8)
    created_on = models.DateField()  # the day of the act it tells of
    deposited_at = models.DateTimeField()
    status = models.CharField(max_length=12, choices=STATUSES)
    verdict = models.CharField(max_length=40, blank=True)  # a code: why it was refused, or waits for a person
    masked = models.BooleanField()
    withheld = models.BooleanField()
    hidden_from_representatives = models.BooleanField()
    author_id = models.UUIDField()
    author_structure_id = models.UUIDField(null=True)
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    page_count = models.PositiveSmallIntegerField(default=0)
    unique_id_mac = models.BinaryField(null=True)  # keyed by the dossier: the same document comes once
    content_mac = models.BinaryField(null=True)  # of the bytes received
    replaces = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="replaced_by", db_index=False
    )
    sealed = models.BinaryField()  # title, author, file name
    facts_mac = models.BinaryField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["dossier", "created_on", "id"], name="documents_by_dossier_and_day"),
            models.Index(
                fields=["dossier", "content_mac"],
                condition=Q(content_mac__isnull=False),
                name="documents_by_their_bytes",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(masked=False) | Q(withheld=False),
                name="a_document_is_never_masked_and_withheld",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[Status.REFUSED, Status.QUARANTINE]) | Q(verdict=""),
                name="a_verdict_tells_of_a_refusal_or_of_a_wait",
            ),
            models.CheckConstraint(
                condition=Q(replaces=None) | ~Q(replaces=F("id")), name="a_document_does_not_replace_itself"
            ),
            models.UniqueConstraint(
                fields=["dossier", "unique_id_mac"],
                condition=Q(unique_id_mac__isnull=False),
                name="the_same_document_is_filed_once",
            ),
            models.UniqueConstraint(
                fields=["replaces"], condition=Q(replaces__isnull=False), name="a_version_is_replaced_once"
            ),
            models.UniqueConstraint(
                fields=["dossier"],
                condition=Q(type_code=CARE_HISTORY, status=Status.AVAILABLE),
                name="a_dossier_has_one_current_care_history",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


_FIXED = struct.Struct(">16s16s16s16siiii?????")


def _written(
    row_id: UUID,
    _dossier_id: UUID,
    type_code: str,
    class_code: str,
    created_on: date,
    deposited_at: datetime,
    status: str,
    masked: bool,
    withheld: bool,
    hidden_from_representatives: bool,
    author_id: UUID,
    author_structure_id: UUID | None,
    replaces_id: UUID | None,
) -> bytes:
    """The facts of a document as bytes: what has a length of its own, then the three codes.

    Its dossier is said by the key that makes the digest.
    """
    since = deposited_at - EPOCH
    return (
        _FIXED.pack(
            row_id.bytes,
            author_id.bytes,
            author_structure_id.bytes if author_structure_id else b"",
            replaces_id.bytes if replaces_id else b"",
            created_on.toordinal(),
            since.days,
            since.seconds,
            since.microseconds,
            masked,
            withheld,
            hidden_from_representatives,
            author_structure_id is not None,
            replaces_id is not None,
        )
        + "\0".join((type_code, class_code, status)).encode()
    )


# What decides in clear who reads a document, and how it is shown, bound to its row.
DOCUMENT = Binding(
    table="documents_document",
    subject="dossier_id",
    written=_written,
    columns=(
        "dossier_id",
        "type_code",
        "class_code",
        "created_on",
        "deposited_at",
        "status",
        "masked",
        "withheld",
        "hidden_from_representatives",
        "author_id",
        "author_structure_id",
        "replaces_id",
    ),
)


class Content(models.Model):
    """One part of a document: as received (`original`), or made from it to be read.

    Up to 64 KiB the sealed bytes are here; beyond, `blob` names the object that holds them.
    """

    pk = models.CompositePrimaryKey("dossier_id", "document_id", "part")
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="+", db_index=False)
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="parts", db_index=False)
    part = models.CharField(max_length=16)
    size = models.PositiveIntegerField()  # in clear bytes
    sealed = models.BinaryField(null=True)
    blob = models.CharField(max_length=40, null=True)  # noqa: DJ001 - absent is not the empty name

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(sealed__isnull=True, blob__isnull=False)
                | Q(sealed__isnull=False, blob__isnull=True),
                name="a_content_is_here_or_in_the_store",
            ),
            models.UniqueConstraint(
                fields=["blob"], condition=Q(blob__isnull=False), name="an_object_is_one_content"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document_id}/{self.part}"
