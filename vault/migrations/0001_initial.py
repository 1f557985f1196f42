from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="KekCheck",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "name", "version", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        choices=[("kek", "kek"), ("blind", "blind"), ("mac", "mac")], max_length=8
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("value", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="SubjectKey",
            fields=[
                ("subject_id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("dossier", "dossier"),
                            ("account", "account"),
                            ("professional", "professional"),
                            ("structure", "structure"),
                            ("system", "system"),
                        ],
                        max_length=16,
                    ),
                ),
                ("version", models.PositiveSmallIntegerField()),
                ("kek_version", models.PositiveIntegerField()),
                ("wrapped", models.BinaryField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["dossier", "account", "professional", "structure", "system"])
                        ),
                        name="a_subject_is_of_a_known_kind",
                    )
                ],
            },
        ),
    ]
