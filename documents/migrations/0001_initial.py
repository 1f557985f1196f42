import django.db.models.deletion
from django.db import migrations, models

import access.policy


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("dossiers", "0002_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name="Document",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("type_code", models.CharField(max_length=24)),
                ("class_code", models.CharField(max_length=8)),
                ("created_on", models.DateField()),
                ("deposited_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("quarantine", "quarantine"),
                            ("available", "available"),
                            ("refused", "refused"),
                            ("superseded", "superseded"),
                        ],
                        max_length=12,
                    ),
                ),
                ("verdict", models.CharField(blank=True, max_length=40)),
                ("masked", models.BooleanField()),
                ("withheld", models.BooleanField()),
                ("hidden_from_representatives", models.BooleanField()),
                ("author_id", models.UUIDField()),
                ("author_structure_id", models.UUIDField(null=True)),
                ("media_type", models.CharField(max_length=40)),
                ("size", models.PositiveIntegerField()),
                ("page_count", models.PositiveSmallIntegerField(default=0)),
                ("unique_id_mac", models.BinaryField(null=True)),
                ("content_mac", models.BinaryField(null=True)),
                ("sealed", models.BinaryField()),
                (
                    "dossier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="documents",
                        to="dossiers.dossier",
                    ),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="documents.document",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Content",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "dossier_id",
                        "document_id",
                        "part",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("part", models.CharField(max_length=16)),
                ("size", models.PositiveIntegerField()),
                ("sealed", models.BinaryField(null=True)),
                ("blob", models.CharField(max_length=40, null=True)),
                (
                    "dossier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="dossiers.dossier",
                    ),
                ),
                (
                    "document",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parts",
                        to="documents.document",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="document",
            index=models.Index(fields=["dossier", "created_on", "id"], name="documents_by_dossier_and_day"),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.CheckConstraint(
                condition=models.Q(("masked", False), ("withheld", False), _connector="OR"),
                name="a_document_is_never_masked_and_withheld",
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status", access.policy.Status["REFUSED"]), ("verdict", ""), _connector="OR"
                ),
                name="a_verdict_tells_of_a_refusal",
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("replaces", None), models.Q(("replaces", models.F("id")), _negated=True), _connector="OR"
                ),
                name="a_document_does_not_replace_itself",
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.UniqueConstraint(
                condition=models.Q(("unique_id_mac__isnull", False)),
                fields=("dossier", "unique_id_mac"),
                name="the_same_document_is_filed_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.UniqueConstraint(
                condition=models.Q(("replaces__isnull", False)),
                fields=("replaces",),
                name="a_version_is_replaced_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", access.policy.Status["AVAILABLE"]), ("type_code", "REMB")),
                fields=("dossier",),
                name="a_dossier_has_one_current_care_history",
            ),
        ),
        migrations.AddConstraint(
            model_name="content",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("blob__isnull", False), ("sealed__isnull", True)),
                    models.Q(("blob__isnull", True), ("sealed__isnull", False)),
                    _connector="OR",
                ),
                name="a_content_is_here_or_in_the_store",
            ),
        ),
    ]
