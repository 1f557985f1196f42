"""Where the import of each dossier is, in a row of its own: jobs are forgotten once done."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("history", "0003_forget_the_pinned"), ("jobs", "0004_decisions")]
    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "dossier",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="dossiers.dossier",
                    ),
                ),
                (
                    "phase",
                    models.CharField(
                        choices=[
                            ("trying_again", "l’assureur n’a pas répondu"),
                            ("nothing", "l’assureur ne connaît aucun soin"),
                            ("filed", "versé"),
                            ("held", "une personne regarde"),
                            ("left_out", "laissé dehors par une personne"),
                        ],
                        max_length=16,
                    ),
                ),
                ("cause", models.CharField(max_length=60)),
                ("since", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                ("retry_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(phase="trying_again", retry_at__isnull=False)
                        | (~Q(phase="trying_again") & Q(retry_at=None)),
                        name="only_a_silent_insurer_is_asked_again",
                    ),
                ],
            },
        ),
    ]
