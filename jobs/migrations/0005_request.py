"""A job knows the request that asked for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0004_decisions"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="request",
            field=models.TextField(db_default=""),
        ),
    ]
