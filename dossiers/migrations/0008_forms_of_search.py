"""Which form of search tokens a dossier has; a counter may tell that somebody else has the same name and day.

Dossiers of before have form 1, and are still found; `complete_search` gives them the tokens of today.
"""

from django.db import migrations, models

GRANT = "GRANT SELECT ON dossiers_searchtoken TO dmp_counter"
REVOKE = "REVOKE SELECT ON dossiers_searchtoken FROM dmp_counter"


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0007_what_was_told")]
    operations = [
        migrations.AddField(
            model_name="dossier",
            name="search_form",
            field=models.PositiveSmallIntegerField(db_default=1),
        ),
        migrations.RunSQL(GRANT, REVOKE),
    ]
