"""Who may touch the queue."""

from django.db import migrations

WALLS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON jobs_job TO dmp_app;
GRANT SELECT, INSERT ON jobs_job TO dmp_web, dmp_counter, dmp_feed, dmp_worker;
GRANT UPDATE ON jobs_job TO dmp_worker;
-- The staff door decides what becomes of a job that waits for a person.
GRANT UPDATE (state, attempts, run_after, code, done_at) ON jobs_job TO dmp_web;
"""

NO_WALLS = "REVOKE ALL ON jobs_job FROM dmp_app, dmp_web, dmp_counter, dmp_feed, dmp_worker;"


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]
    operations = [migrations.RunSQL(WALLS, NO_WALLS)]
