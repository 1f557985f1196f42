"""Who may read and add keys. Nobody of the running system may change or remove one."""

from django.db import migrations

SQL = """
GRANT SELECT, INSERT ON vault_subjectkey TO dmp_app, dmp_web, dmp_counter, dmp_feed, dmp_worker;
GRANT SELECT ON vault_kekcheck TO dmp_app, dmp_web, dmp_counter, dmp_feed, dmp_worker;
"""

REVERSE = """
REVOKE ALL ON vault_subjectkey, vault_kekcheck FROM dmp_app, dmp_web, dmp_counter, dmp_feed, dmp_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("vault", "0001_initial")]
    operations = [migrations.RunSQL(SQL, REVERSE)]
