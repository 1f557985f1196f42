"""Who may touch what. The running system signs people in; the roles of the gate open accounts."""

from django.db import migrations

GRANTS = """
-- Signing in, before any gate.
GRANT SELECT, INSERT, UPDATE (password, must_change_password, active) ON accounts_user TO dmp_app;
GRANT SELECT, UPDATE (code_mac, code_expires_at, tries_left, sent_at, hour_began_at, sent_in_hour)
    ON accounts_contactdevice TO dmp_app;
GRANT SELECT, INSERT, UPDATE (last_step) ON accounts_totpdevice TO dmp_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON accounts_session, accounts_attempt TO dmp_app;

-- The directory, told by Pro Santé Connect at each sign-in.
GRANT SELECT, INSERT, UPDATE (sealed) ON accounts_professional, accounts_structure TO dmp_app;
GRANT SELECT, INSERT, UPDATE (seen_at) ON accounts_practice TO dmp_app;

-- Programs.
GRANT SELECT, INSERT, UPDATE (active) ON accounts_program TO dmp_app;
GRANT SELECT, INSERT, DELETE ON accounts_accesstoken, accounts_usedassertion TO dmp_app;

-- Notices: every act may leave one, the running system alone reads and sends them.
GRANT SELECT, INSERT, UPDATE (sealed, sent_at), DELETE ON accounts_notice TO dmp_app;
GRANT INSERT ON accounts_notice TO dmp_web, dmp_counter, dmp_feed, dmp_worker;

-- Opening a dossier: its holder, their login and where their codes go. Nothing that was written is read back.
GRANT SELECT, INSERT ON accounts_person TO dmp_web, dmp_counter;
GRANT INSERT, SELECT (id, login_mac, kind, person_id, dossier_id) ON accounts_user TO dmp_web, dmp_counter;
GRANT INSERT ON accounts_contactdevice TO dmp_web, dmp_counter;
"""

REVOKES = """
REVOKE ALL ON accounts_user, accounts_contactdevice, accounts_totpdevice, accounts_session, accounts_attempt,
    accounts_professional, accounts_structure, accounts_practice, accounts_program, accounts_accesstoken,
    accounts_usedassertion, accounts_notice, accounts_person
    FROM dmp_app, dmp_web, dmp_counter, dmp_feed, dmp_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(GRANTS, REVOKES)]
