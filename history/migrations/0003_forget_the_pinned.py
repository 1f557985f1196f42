"""What was held apart is forgotten of the dossier that is pinned, and of no other."""

from django.db import migrations

PINNED = """
CREATE OR REPLACE FUNCTION history_forget(of_dossier uuid, at timestamptz) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    UPDATE public.history_held SET closed_at = at, sealed = NULL
     WHERE dossier_id = of_dossier AND closed_at IS NULL
       AND current_setting('role') = 'dmp_web' AND current_setting('dmp.pin', true) = of_dossier::text;
END;
"""


class Migration(migrations.Migration):
    """Not reversible: what was open to everybody does not open again."""

    dependencies = [("history", "0002_walls")]
    operations = [migrations.RunSQL(PINNED)]
