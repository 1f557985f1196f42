"""Sign-ins begun, known browsers and allowances, each a row of its own; the printed password wears out.

The previous release runs on this schema: what it still writes (`accounts_attempt`, the codes of
`accounts_contactdevice`) stays until the next release removes it, with defaults where this one no longer writes.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

STILL_WRITTEN = """
ALTER TABLE accounts_contactdevice ALTER COLUMN tries_left SET DEFAULT 0,
    ALTER COLUMN sent_in_hour SET DEFAULT 0;
"""
NO_LONGER = """
ALTER TABLE accounts_contactdevice ALTER COLUMN tries_left DROP DEFAULT,
    ALTER COLUMN sent_in_hour DROP DEFAULT;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_what_ends_a_session")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(STILL_WRITTEN, NO_LONGER)],
            state_operations=[
                migrations.DeleteModel(name="Attempt"),
                migrations.RemoveConstraint(
                    model_name="contactdevice", name="tries_are_never_less_than_none"
                ),
                migrations.RemoveConstraint(
                    model_name="contactdevice", name="a_code_expires_after_it_is_sent"
                ),
                *(
                    migrations.RemoveField(model_name="contactdevice", name=name)
                    for name in (
                        "code_mac",
                        "code_expires_at",
                        "tries_left",
                        "sent_at",
                        "hour_began_at",
                        "sent_in_hour",
                    )
                ),
            ],
        ),
        migrations.AddField(
            model_name="user", name="first_password_from", field=models.DateTimeField(null=True)
        ),
        migrations.AddField(
            model_name="user",
            name="first_password_uses",
            field=models.SmallIntegerField(db_default=0),
        ),
        migrations.CreateModel(
            name="Allowance",
            fields=[
                ("key_mac", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("level", models.FloatField()),
                ("burst", models.FloatField()),
                ("an_hour", models.FloatField()),
                ("at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="KnownBrowser",
            fields=[
                ("browser_mac", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("seen_at", models.DateTimeField()),
                ("until", models.DateTimeField(db_index=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SignIn",
            fields=[
                ("id_mac", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("password_mac", models.BinaryField(max_length=32)),
                ("began_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(db_index=True)),
                ("contact_id", models.UUIDField(null=True)),
                ("code_mac", models.BinaryField(max_length=32, null=True)),
                ("code_expires_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("codes_sent", models.SmallIntegerField()),
                ("tries_left", models.SmallIntegerField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("tries_left__gte", 0)), name="tries_are_never_less_than_none"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("code_mac", None),
                            ("code_expires_at__gt", models.F("sent_at")),
                            _connector="OR",
                        ),
                        name="a_code_expires_after_it_is_sent",
                    ),
                ],
            },
        ),
    ]
