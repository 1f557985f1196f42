"""Who may touch what: the register of dossiers is sealed and limited by role, not pinned.

The gate reads the dossier, its key and its grants before it can decide; nothing there is in clear
but identifiers and dates.
"""

from django.db import migrations

GRANTS = """
GRANT SELECT ON dossiers_dossier, dossiers_grant TO dmp_web, dmp_counter, dmp_feed, dmp_worker;
GRANT SELECT ON dossiers_objection TO dmp_web;
GRANT INSERT, UPDATE (until) ON dossiers_grant TO dmp_web;
GRANT SELECT ON dossiers_searchtoken TO dmp_web;
GRANT INSERT ON dossiers_dossier, dossiers_consent, dossiers_objection, dossiers_searchtoken TO dmp_counter;
GRANT SELECT, INSERT, UPDATE, DELETE ON dossiers_application TO dmp_web, dmp_counter;
GRANT SELECT (id, expires_at), DELETE ON dossiers_application TO dmp_app;
"""
REVOKES = """
REVOKE ALL ON dossiers_dossier, dossiers_consent, dossiers_objection, dossiers_grant, dossiers_searchtoken,
  dossiers_application FROM dmp_app, dmp_web, dmp_counter, dmp_feed, dmp_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0001_initial")]
    operations = [migrations.RunSQL(GRANTS, REVOKES)]
