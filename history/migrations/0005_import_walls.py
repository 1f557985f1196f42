"""Who may touch the state of an import; and what the jobs of the release before said of it."""

from django.db import migrations

WALLS = """
GRANT SELECT, INSERT ON history_import TO dmp_worker;
GRANT UPDATE (phase, cause, since, answered_at, retry_at) ON history_import TO dmp_worker;
GRANT SELECT ON history_import TO dmp_web;

ALTER TABLE history_import ENABLE ROW LEVEL SECURITY;
ALTER TABLE history_import FORCE ROW LEVEL SECURITY;
CREATE POLICY pinned ON history_import
    USING (dossier_id = ANY ((SELECT string_to_array(nullif(current_setting('dmp.pin', true), ''), ','))::uuid[]))
    WITH CHECK (dossier_id = ANY ((SELECT string_to_array(nullif(current_setting('dmp.pin', true), ''), ','))::uuid[]));
"""

NO_WALLS = """
DROP POLICY pinned ON history_import;
ALTER TABLE history_import NO FORCE ROW LEVEL SECURITY;
ALTER TABLE history_import DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON history_import FROM dmp_web, dmp_worker;
"""

# A job that was asked for and has not begun leaves no row: the page says « asked » of itself. The references to
# dossiers are checked at once: a table that waits for its checks cannot be altered.
FROM_JOBS = """
INSERT INTO history_import (dossier_id, phase, cause, since, answered_at, retry_at)
SELECT DISTINCT ON (j.subject_id) j.subject_id,
    CASE WHEN j.state IN ('held', 'dead') THEN 'held'
         WHEN j.state IN ('ready', 'leased') THEN 'trying_again'
         WHEN EXISTS (SELECT FROM history_statement s WHERE s.dossier_id = j.subject_id) THEN 'filed'
         WHEN j.code IN ('nothing', 'unknown') THEN 'nothing'
         ELSE 'left_out' END,
    CASE WHEN j.state IN ('held', 'dead', 'ready', 'leased') THEN left(j.code, 60) ELSE '' END,
    coalesce(j.done_at, j.created_at),
    CASE WHEN j.state IN ('held', 'done') THEN coalesce(j.done_at, j.run_after) END,
    CASE WHEN j.state IN ('ready', 'leased') THEN j.run_after END
  FROM jobs_job j JOIN dossiers_dossier d ON d.id = j.subject_id
 WHERE j.kind = 'history.import' AND NOT (j.state IN ('ready', 'leased') AND j.code = '')
 ORDER BY j.subject_id, j.created_at DESC;
SET CONSTRAINTS ALL IMMEDIATE
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0004_import")]
    operations = [
        migrations.RunSQL(FROM_JOBS, migrations.RunSQL.noop),
        migrations.RunSQL(WALLS, NO_WALLS),
    ]
