"""Signing in learns whether an access is awake; only the roles of the gate make or change one."""

from django.db import migrations

GRANTS = """
GRANT SELECT ON accounts_webaccess TO dmp_app;
GRANT SELECT, INSERT, UPDATE (sealed, tries_left) ON accounts_webaccess TO dmp_web, dmp_counter, dmp_worker;
GRANT SELECT, INSERT, DELETE ON accounts_wakecode TO dmp_web, dmp_worker, dmp_counter;
GRANT SELECT (id, expires_at), DELETE ON accounts_wakecode TO dmp_app;
GRANT SELECT, INSERT ON accounts_typedcontact TO dmp_counter;
GRANT SELECT (id, person_id, dossier_id, must_change_password), UPDATE (first_password_from)
    ON accounts_user TO dmp_worker;
"""
REVOKES = """
REVOKE ALL ON accounts_webaccess, accounts_wakecode, accounts_typedcontact
    FROM dmp_app, dmp_web, dmp_counter, dmp_worker;
REVOKE SELECT (id, person_id, dossier_id, must_change_password), UPDATE (first_password_from)
    ON accounts_user FROM dmp_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_web_access")]
    operations = [migrations.RunSQL(GRANTS, REVOKES)]
