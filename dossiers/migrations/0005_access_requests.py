import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One visit for somebody before an agent; a web access asked for without a letter."""

    dependencies = [("dossiers", "0004_withdrawn_again"), ("accounts", "0008_web_access_walls")]

    operations = [
        migrations.AddField(
            model_name="application",
            name="visit_mac",
            field=models.BinaryField(max_length=32, null=True),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.UniqueConstraint(
                fields=["visit_mac"], name="somebody_before_an_agent_is_one_visit"
            ),
        ),
        migrations.CreateModel(
            name="AccessRequest",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("asked_at", models.DateTimeField()),
                ("sealed", models.BinaryField()),
                (
                    "dossier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="access_requests",
                        to="dossiers.dossier",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(
            "GRANT SELECT, INSERT ON dossiers_accessrequest TO dmp_counter;"
            "GRANT SELECT, INSERT, UPDATE, DELETE ON dossiers_application TO dmp_worker;",
            "REVOKE ALL ON dossiers_accessrequest FROM dmp_counter;"
            "REVOKE ALL ON dossiers_application FROM dmp_worker;",
        ),
    ]
