import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("key_mac", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("failures", models.IntegerField()),
                ("last_at", models.DateTimeField(db_index=True)),
                ("wait_until", models.DateTimeField()),
                ("known_until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=16)),
                ("user_id", models.UUIDField(null=True)),
                ("dossier_id", models.UUIDField(null=True)),
                ("sealed", models.BinaryField(null=True)),
                ("created_at", models.DateTimeField(db_index=True)),
                ("sent_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("ins_mac", models.BinaryField(max_length=32, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Professional",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("rpps_mac", models.BinaryField(max_length=32, unique=True)),
                ("sealed", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Program",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("sealed", models.BinaryField()),
                ("keys", models.JSONField()),
                ("scopes", models.CharField(max_length=200)),
                ("active", models.BooleanField()),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Structure",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("number_mac", models.BinaryField(max_length=32, unique=True)),
                ("sealed", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="UsedAssertion",
            fields=[
                ("jti_mac", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="AccessToken",
            fields=[
                ("token_mac", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("scopes", models.CharField(max_length=200)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.program"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                ("id_mac", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("owner_id", models.UUIDField(db_index=True, null=True)),
                ("sealed", models.BinaryField()),
                ("began_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("idle_until", models.DateTimeField(db_index=True)),
                ("ends_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("idle_until__lte", models.F("ends_at"))),
                        name="a_session_ends_whatever_is_done_in_it",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="program",
            name="structure",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="programs",
                to="accounts.structure",
            ),
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("login_mac", models.BinaryField(max_length=32, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("holder", "Titulaire"),
                            ("agent", "Agent d’accueil"),
                            ("staff", "Équipe du service"),
                        ],
                        max_length=8,
                    ),
                ),
                ("dossier_id", models.UUIDField(null=True)),
                ("sealed", models.BinaryField()),
                ("active", models.BooleanField()),
                ("must_change_password", models.BooleanField()),
                ("created_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="users",
                        to="accounts.person",
                    ),
                ),
                (
                    "structure",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.structure",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TotpDevice",
            fields=[
                ("confirmed", models.BooleanField(default=True, help_text="Is this device ready for use?")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(blank=True, max_length=64)),
                ("sealed", models.BinaryField()),
                ("last_step", models.BigIntegerField()),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="totp",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ContactDevice",
            fields=[
                ("confirmed", models.BooleanField(default=True, help_text="Is this device ready for use?")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(blank=True, max_length=64)),
                (
                    "channel",
                    models.CharField(choices=[("sms", "SMS"), ("courriel", "Courriel")], max_length=8),
                ),
                ("sealed", models.BinaryField()),
                ("code_mac", models.BinaryField(max_length=32, null=True)),
                ("code_expires_at", models.DateTimeField(null=True)),
                ("tries_left", models.SmallIntegerField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("hour_began_at", models.DateTimeField(null=True)),
                ("sent_in_hour", models.SmallIntegerField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contacts",
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
                            ("code_mac", None), ("code_expires_at__gt", models.F("sent_at")), _connector="OR"
                        ),
                        name="a_code_expires_after_it_is_sent",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Practice",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("profession", models.CharField(max_length=4)),
                ("specialty", models.CharField(blank=True, max_length=8)),
                ("seen_at", models.DateTimeField()),
                (
                    "professional",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="practices",
                        to="accounts.professional",
                    ),
                ),
                (
                    "structure",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="practices",
                        to="accounts.structure",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("professional", "structure", "profession", "specialty"),
                        name="a_practice_is_told_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("dossier_id__isnull", False), ("kind", "holder"), ("person__isnull", False)),
                    models.Q(
                        models.Q(("kind", "holder"), _negated=True), ("dossier_id", None), ("person", None)
                    ),
                    _connector="OR",
                ),
                name="a_login_opens_a_dossier_when_it_is_its_holders",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(fields=("dossier_id",), name="a_dossier_has_one_login"),
        ),
    ]
