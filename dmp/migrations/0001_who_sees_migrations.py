"""The running system may see which migrations were applied: it is not ready while one is missing."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True

    dependencies = []
    operations = [
        migrations.RunSQL(
            "GRANT SELECT ON django_migrations TO dmp_app",
            "REVOKE SELECT ON django_migrations FROM dmp_app",
        )
    ]
