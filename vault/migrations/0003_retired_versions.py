"""A version of a key can be retired: nothing is wrapped under it any more."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vault", "0002_walls"),
    ]

    operations = [
        migrations.AddField(
            model_name="kekcheck",
            name="registered_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="kekcheck",
            name="retired_at",
            field=models.DateTimeField(null=True),
        ),
    ]
