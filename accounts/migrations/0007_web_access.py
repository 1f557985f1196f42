import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Whether a holder's web access is awake, the codes that may wake it, the contacts typed at counters."""

    dependencies = [("accounts", "0006_bound_rows")]

    operations = [
        migrations.CreateModel(
            name="WebAccess",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="web_access",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("sealed", models.BinaryField()),
                ("tries_left", models.SmallIntegerField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("tries_left__gte", 0)),
                        name="tries_to_wake_are_never_less_than_none",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WakeCode",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("code_mac", models.BinaryField(max_length=32)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="wake_codes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TypedContact",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "contact_mac", "rank", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("contact_mac", models.BinaryField(max_length=32)),
                ("rank", models.SmallIntegerField()),
                ("pair_mac", models.BinaryField(max_length=32, unique=True)),
            ],
        ),
    ]
