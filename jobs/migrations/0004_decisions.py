"""The staff door moves a job that waits for a person, as it was seen to wait, and no other job."""

from django.db import migrations

WALLS = """
CREATE FUNCTION jobs_decide(job uuid, decision text, seen timestamptz) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    WITH moved AS (
        UPDATE public.jobs_job SET
            state = CASE decision WHEN 'retry' THEN 'ready' ELSE 'done' END,
            code = CASE decision WHEN 'retry' THEN '' ELSE 'closed' END,
            attempts = CASE decision WHEN 'retry' THEN 0 ELSE attempts END,
            run_after = statement_timestamp(),
            done_at = CASE decision WHEN 'close' THEN statement_timestamp() END
         WHERE id = job AND state IN ('held', 'dead') AND run_after = seen AND decision IN ('retry', 'close')
        RETURNING 1)
    SELECT EXISTS (SELECT FROM moved);
END;
REVOKE ALL ON FUNCTION jobs_decide(uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION jobs_decide(uuid, text, timestamptz) TO dmp_app, dmp_web;

-- The release before, still running, decides by an UPDATE of its own: it too moves only what waits for a person.
CREATE FUNCTION jobs_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'this job waits for nobody';
END $$;
REVOKE ALL ON FUNCTION jobs_refuse() FROM PUBLIC;
CREATE TRIGGER a_person_decides_of_what_waits_for_one BEFORE UPDATE ON jobs_job
    FOR EACH ROW WHEN (current_user = 'dmp_web'
        AND NOT (OLD.state IN ('held', 'dead') AND NEW.state IN ('ready', 'done')))
    EXECUTE FUNCTION jobs_refuse();
"""

NO_WALLS = """
DROP TRIGGER a_person_decides_of_what_waits_for_one ON jobs_job;
DROP FUNCTION jobs_refuse();
DROP FUNCTION jobs_decide(uuid, text, timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_urgency")]
    operations = [migrations.RunSQL(WALLS, NO_WALLS)]
