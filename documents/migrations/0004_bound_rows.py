"""What decides in clear who reads a document is bound to its row."""

from django.db import migrations, models

GRANTS = "GRANT UPDATE (facts_mac) ON documents_document TO dmp_worker;"
REVOKES = "REVOKE UPDATE (facts_mac) ON documents_document FROM dmp_worker;"


class Migration(migrations.Migration):
    dependencies = [("documents", "0003_objects_without_a_row")]
    operations = [
        migrations.AddField("document", "facts_mac", models.BinaryField(null=True)),
        migrations.RunSQL(GRANTS, REVOKES),
    ]
