"""A document and a care history may carry another number of the holder: it is looked for among those linked."""

from django.db import migrations

GRANT = "GRANT SELECT ON dossiers_searchtoken TO dmp_worker, dmp_feed"
REVOKE = "REVOKE SELECT ON dossiers_searchtoken FROM dmp_worker, dmp_feed"


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0008_forms_of_search")]

    operations = [migrations.RunSQL(GRANT, REVOKE)]
