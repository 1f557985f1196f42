"""What was counted of a chain is handed over to the house's upkeep, of the chain that is pinned, and to nobody else.

Which chains wait is told as identifiers alone.
"""

from django.db import migrations

SQL = """
DROP FUNCTION audit_take_repeats(timestamptz, integer);

CREATE FUNCTION audit_chains_with_repeats(p_at timestamptz, p_limit integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT DISTINCT d.chain FROM (
        SELECT chain FROM public.audit_repeat WHERE since <= p_at - interval '1 hour' ORDER BY since LIMIT p_limit
    ) AS d;
END;

CREATE FUNCTION audit_take_repeats(p_chain uuid, p_at timestamptz)
RETURNS TABLE (
    subject_id uuid, times integer, since timestamptz, last_at timestamptz, chain uuid, kind text, channel text,
    capacity text, profession text, document_class text, structure text, body bytea
)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH taken AS (
        DELETE FROM public.audit_repeat r USING (
            SELECT d.key, d.since FROM public.audit_repeat d
            WHERE d.chain = p_chain AND d.since <= p_at - interval '1 hour'
              AND current_setting('role') = 'dmp_worker' AND current_setting('dmp.pin', true) = p_chain::text
            FOR UPDATE SKIP LOCKED
        ) AS due
        WHERE r.key = due.key AND r.since = due.since
        RETURNING r.*
    )
    SELECT t.subject_id, t.times, t.since, t.last_at, e.chain, e.kind, e.channel,
           e.capacity, e.profession, e.document_class, e.structure, e.body
    FROM taken t JOIN public.audit_event e ON e.chain = t.chain AND e.position = t.position
    WHERE t.times > 0;
END;

REVOKE ALL ON FUNCTION audit_chains_with_repeats(timestamptz, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_take_repeats(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_chains_with_repeats(timestamptz, integer) TO dmp_app;
GRANT EXECUTE ON FUNCTION audit_take_repeats(uuid, timestamptz) TO dmp_worker;

CREATE INDEX repeats_of_a_chain ON audit_repeat (chain);
"""


class Migration(migrations.Migration):
    """Not reversible: what was open to everybody does not open again."""

    dependencies = [("audit", "0003_form_2")]
    operations = [migrations.RunSQL(SQL)]
