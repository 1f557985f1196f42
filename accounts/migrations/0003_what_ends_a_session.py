"""What the gate asks of an account: at which password it is, whether the directory still knows its owner."""

from django.db import migrations, models

GRANTS = """
GRANT UPDATE (password_epoch) ON accounts_user TO dmp_app;
GRANT UPDATE (struck_off_at) ON accounts_professional TO dmp_app;
"""
REVOKES = """
REVOKE UPDATE (password_epoch) ON accounts_user FROM dmp_app;
REVOKE UPDATE (struck_off_at) ON accounts_professional FROM dmp_app;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_walls")]
    operations = [
        migrations.AddField("user", "password_epoch", models.IntegerField(db_default=0)),
        migrations.AddField("professional", "struck_off_at", models.DateTimeField(null=True)),
        migrations.RunSQL(GRANTS, REVOKES),
    ]
