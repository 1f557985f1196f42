"""The holder's own page compares the text they agreed to with today's."""

from django.db import migrations

GRANT = "GRANT SELECT (dossier_id, information_version, given_at) ON dossiers_consent TO dmp_web"
REVOKE = "REVOKE SELECT (dossier_id, information_version, given_at) ON dossiers_consent FROM dmp_web"


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0006_accesses_opened_before")]
    operations = [migrations.RunSQL(GRANT, REVOKE)]
