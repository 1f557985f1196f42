"""Who may touch the care history: the worker writes it, the web reads it, one pinned dossier at a time."""

from django.db import migrations

WALLS = """
GRANT SELECT, INSERT ON history_statement TO dmp_worker;
GRANT UPDATE (received_at, written_on, period_start, period_end, content_mac, sealed, sealed_difference,
              superseded_at) ON history_statement TO dmp_worker;
GRANT SELECT ON history_statement TO dmp_web;
GRANT SELECT, INSERT ON history_held TO dmp_worker;
GRANT UPDATE (closed_at, sealed) ON history_held TO dmp_worker;

ALTER TABLE history_statement ENABLE ROW LEVEL SECURITY;
ALTER TABLE history_statement FORCE ROW LEVEL SECURITY;
CREATE POLICY pinned ON history_statement
    USING (dossier_id = ANY ((SELECT string_to_array(nullif(current_setting('dmp.pin', true), ''), ','))::uuid[]))
    WITH CHECK (dossier_id = ANY ((SELECT string_to_array(nullif(current_setting('dmp.pin', true), ''), ','))::uuid[]));

ALTER TABLE history_held ENABLE ROW LEVEL SECURITY;
ALTER TABLE history_held FORCE ROW LEVEL SECURITY;
CREATE POLICY pinned ON history_held
    USING (dossier_id = ANY ((SELECT string_to_array(nullif(current_setting('dmp.pin', true), ''), ','))::uuid[]))
    WITH CHECK (dossier_id = ANY ((SELECT string_to_array(nullif(current_setting('dmp.pin', true), ''), ','))::uuid[]));

-- Sealed bytes are random: compressing them is work for nothing.
ALTER TABLE history_statement ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE history_statement ALTER COLUMN sealed_difference SET STORAGE EXTERNAL;
ALTER TABLE history_held ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Staff have what was held apart forgotten without ever being let near it.
CREATE FUNCTION history_forget(of_dossier uuid, at timestamptz) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    UPDATE public.history_held SET closed_at = at, sealed = NULL
     WHERE dossier_id = of_dossier AND closed_at IS NULL;
END;
REVOKE ALL ON FUNCTION history_forget(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION history_forget(uuid, timestamptz) TO dmp_web;
"""

NO_WALLS = """
DROP FUNCTION history_forget(uuid, timestamptz);
ALTER TABLE history_held ALTER COLUMN sealed SET STORAGE EXTENDED;
ALTER TABLE history_statement ALTER COLUMN sealed_difference SET STORAGE EXTENDED;
ALTER TABLE history_statement ALTER COLUMN sealed SET STORAGE EXTENDED;
DROP POLICY pinned ON history_held;
DROP POLICY pinned ON history_statement;
ALTER TABLE history_held NO FORCE ROW LEVEL SECURITY;
ALTER TABLE history_held DISABLE ROW LEVEL SECURITY;
ALTER TABLE history_statement NO FORCE ROW LEVEL SECURITY;
ALTER TABLE history_statement DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON history_held, history_statement FROM dmp_web, dmp_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0001_initial")]
    operations = [migrations.RunSQL(WALLS, NO_WALLS)]
