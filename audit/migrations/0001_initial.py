from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "chain", "position", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("chain", models.UUIDField()),
                ("position", models.PositiveBigIntegerField()),
                ("at", models.DateTimeField()),
                ("kind", models.TextField()),
                ("channel", models.TextField()),
                ("capacity", models.TextField()),
                ("profession", models.TextField()),
                ("document_class", models.TextField()),
                ("structure", models.TextField()),
                ("body", models.BinaryField()),
                ("commitment", models.BinaryField()),
                ("previous", models.BinaryField()),
                ("hash", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Head",
            fields=[
                ("chain", models.UUIDField(primary_key=True, serialize=False)),
                ("position", models.PositiveBigIntegerField()),
                ("previous", models.BinaryField()),
                ("hash", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Repeat",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "key", "since", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.BinaryField()),
                ("since", models.DateTimeField()),
                ("chain", models.UUIDField()),
                ("position", models.PositiveBigIntegerField()),
                ("subject_id", models.UUIDField()),
                ("times", models.PositiveIntegerField()),
                ("last_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["since"], name="repeats_to_summarise")],
            },
        ),
    ]
