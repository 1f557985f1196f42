"""Signing in happens before any gate: the running system alone touches what it leaves."""

from django.db import migrations

GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON accounts_signin, accounts_knownbrowser, accounts_allowance TO dmp_app;
GRANT UPDATE (first_password_from, first_password_uses) ON accounts_user TO dmp_app;
"""

REVOKES = """
REVOKE ALL ON accounts_signin, accounts_knownbrowser, accounts_allowance FROM dmp_app;
REVOKE UPDATE (first_password_from, first_password_uses) ON accounts_user FROM dmp_app;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_signing_in")]
    operations = [migrations.RunSQL(GRANTS, REVOKES)]
