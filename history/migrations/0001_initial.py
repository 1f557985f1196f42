import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("documents", "0002_walls"),
        ("dossiers", "0002_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name="Held",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=40)),
                ("received_at", models.DateTimeField()),
                ("content_mac", models.BinaryField()),
                ("sealed", models.BinaryField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "dossier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="dossiers.dossier",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at", None)),
                        fields=("dossier", "content_mac"),
                        name="the_same_statement_is_held_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("closed_at", None), ("sealed", None), _connector="OR"),
                        name="what_is_closed_is_forgotten",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "dossier_id", "version", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("received_at", models.DateTimeField()),
                ("written_on", models.DateField()),
                ("period_start", models.DateField()),
                ("period_end", models.DateField()),
                ("line_count", models.PositiveIntegerField()),
                ("content_mac", models.BinaryField()),
                ("sealed", models.BinaryField(null=True)),
                ("sealed_difference", models.BinaryField(null=True)),
                ("superseded_at", models.DateTimeField(null=True)),
                (
                    "document",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="documents.document",
                    ),
                ),
                (
                    "dossier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="dossiers.dossier",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("superseded_at", None)),
                        fields=("dossier",),
                        name="one_current_statement_per_dossier",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("sealed__isnull", False),
                                ("sealed_difference", None),
                                ("superseded_at", None),
                            ),
                            models.Q(
                                ("sealed", None),
                                ("sealed_difference__isnull", False),
                                ("superseded_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="a_superseded_statement_is_kept_as_a_difference",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("period_end__gte", models.F("period_start"))),
                        name="a_period_ends_after_it_starts",
                    ),
                ],
            },
        ),
    ]
