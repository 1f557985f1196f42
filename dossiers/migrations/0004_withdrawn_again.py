"""The service replays the withdrawals that a restored database lost."""

from django.db import migrations

GRANTS = "GRANT UPDATE (until, facts_mac) ON dossiers_grant TO dmp_worker;"
REVOKES = "REVOKE UPDATE (until, facts_mac) ON dossiers_grant FROM dmp_worker;"


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0003_bound_rows")]
    operations = [migrations.RunSQL(GRANTS, REVOKES)]
