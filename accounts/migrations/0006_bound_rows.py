"""Whose account it is and what it opens, what a program may do: bound to their rows."""

from django.db import migrations, models

GRANTS = "GRANT UPDATE (facts_mac) ON accounts_user, accounts_program TO dmp_app;"
REVOKES = "REVOKE UPDATE (facts_mac) ON accounts_user, accounts_program FROM dmp_app;"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_signing_in_walls")]
    operations = [
        migrations.AddField("user", "facts_mac", models.BinaryField(null=True)),
        migrations.AddField("program", "facts_mac", models.BinaryField(null=True)),
        migrations.AddField("accesstoken", "facts_mac", models.BinaryField(null=True)),
        migrations.RunSQL(GRANTS, REVOKES),
    ]
