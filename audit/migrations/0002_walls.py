"""The ledger only grows: by role, by function, by trigger.

* No role of the running system may write in these tables; all may execute `audit_append`, which runs as the owner.
* The triggers fire ALWAYS: a session in replica mode does not silence them, and no setting does.
* What a superuser does after disabling them is named by `verify_ledger`.
"""

from django.db import migrations

TABLES = """
ALTER TABLE audit_head SET (fillfactor = 70);
ALTER TABLE audit_event ALTER COLUMN body SET STORAGE EXTERNAL;

ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_event FORCE ROW LEVEL SECURITY;
CREATE POLICY pinned ON audit_event
    USING (chain = ANY ((SELECT string_to_array(nullif(current_setting('dmp.pin', true), ''), ','))::uuid[]))
    WITH CHECK (chain = ANY ((SELECT string_to_array(nullif(current_setting('dmp.pin', true), ''), ','))::uuid[]));
GRANT SELECT ON audit_event TO dmp_web;
"""

# The first append of a transaction locks the head of its chain until the commit: positions follow each other without
# a hole, and no two entries are ever bound to the same one. The digests are those of audit/events.py.
APPEND = """
CREATE FUNCTION audit_append(
    p_chain uuid, p_at timestamptz, p_kind text, p_channel text, p_capacity text, p_profession text,
    p_document_class text, p_structure text, p_body bytea, p_commitment bytea
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    bound constant bytea := uuid_send(p_chain)
        || int8send((extract(epoch FROM p_at) * 1000000)::bigint)
        || int4send(octet_length(p_kind)) || convert_to(p_kind, 'UTF8')
        || int4send(octet_length(p_channel)) || convert_to(p_channel, 'UTF8')
        || int4send(octet_length(p_capacity)) || convert_to(p_capacity, 'UTF8')
        || int4send(octet_length(p_profession)) || convert_to(p_profession, 'UTF8')
        || int4send(octet_length(p_document_class)) || convert_to(p_document_class, 'UTF8')
        || int4send(octet_length(p_structure)) || convert_to(p_structure, 'UTF8')
        || p_commitment;
    genesis constant bytea := sha256('\\x00'::bytea || uuid_send(p_chain));
    n bigint;
    before bytea;
    here bytea;
BEGIN
    INSERT INTO public.audit_head AS h (chain, position, previous, hash)
    VALUES (p_chain, 1, genesis, sha256('\\x01'::bytea || genesis || int8send(1) || bound))
    ON CONFLICT (chain) DO UPDATE SET
        position = h.position + 1,
        previous = h.hash,
        hash = sha256('\\x01'::bytea || h.hash || int8send(h.position + 1) || bound)
    RETURNING h.position, h.previous, h.hash INTO n, before, here;

    INSERT INTO public.audit_event (
        chain, position, at, kind, channel, capacity, profession, document_class, structure,
        body, commitment, previous, hash
    ) VALUES (
        p_chain, n, p_at, p_kind, p_channel, p_capacity, p_profession, p_document_class, p_structure,
        p_body, p_commitment, before, here
    );
    RETURN n;
END $$;
"""

# A refusal that comes again within the hour is counted; `audit_take_repeats` hands over, once, what has been counted,
# so that one event says it. Concurrent refusals of the same key take turns.
REFUSE = """
CREATE FUNCTION audit_refuse(
    p_key bytea, p_subject uuid,
    p_chain uuid, p_at timestamptz, p_kind text, p_channel text, p_capacity text, p_profession text,
    p_document_class text, p_structure text, p_body bytea, p_commitment bytea
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(encode(p_key, 'hex'), 0));

    UPDATE public.audit_repeat SET times = times + 1, last_at = greatest(last_at, p_at)
    WHERE key = p_key AND since > p_at - interval '1 hour';
    IF FOUND THEN
        RETURN NULL;
    END IF;

    n := public.audit_append(p_chain, p_at, p_kind, p_channel, p_capacity, p_profession,
                             p_document_class, p_structure, p_body, p_commitment);
    INSERT INTO public.audit_repeat (key, since, chain, position, subject_id, times, last_at)
    VALUES (p_key, p_at, p_chain, n, p_subject, 0, p_at);
    RETURN n;
END $$;

CREATE FUNCTION audit_take_repeats(p_at timestamptz, p_limit integer)
RETURNS TABLE (
    subject_id uuid, times integer, since timestamptz, last_at timestamptz, chain uuid, kind text, channel text,
    capacity text, profession text, document_class text, structure text, body bytea
)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH taken AS (
        DELETE FROM public.audit_repeat r USING (
            SELECT d.key, d.since FROM public.audit_repeat d
            WHERE d.since <= p_at - interval '1 hour'
            ORDER BY d.since LIMIT p_limit FOR UPDATE SKIP LOCKED
        ) AS due
        WHERE r.key = due.key AND r.since = due.since
        RETURNING r.*
    )
    SELECT t.subject_id, t.times, t.since, t.last_at, e.chain, e.kind, e.channel,
           e.capacity, e.profession, e.document_class, e.structure, e.body
    FROM taken t JOIN public.audit_event e ON e.chain = t.chain AND e.position = t.position
    WHERE t.times > 0
$$;
"""

EXECUTION = """
REVOKE ALL ON FUNCTION audit_append FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_refuse FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_take_repeats FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_append, audit_refuse TO dmp_app, dmp_web, dmp_counter, dmp_feed, dmp_worker;
GRANT EXECUTE ON FUNCTION audit_take_repeats TO dmp_app, dmp_worker;
"""

TRIGGERS = """
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION audit_head_only_advances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.chain = OLD.chain AND NEW.position = OLD.position + 1 AND NEW.previous = OLD.hash THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_head only advances' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER is_never_emptied BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER only_advances BEFORE UPDATE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION audit_head_only_advances();
CREATE TRIGGER only_grows BEFORE DELETE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER is_never_emptied BEFORE TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();

ALTER TABLE audit_event ENABLE ALWAYS TRIGGER only_grows;
ALTER TABLE audit_event ENABLE ALWAYS TRIGGER is_never_emptied;
ALTER TABLE audit_head ENABLE ALWAYS TRIGGER only_advances;
ALTER TABLE audit_head ENABLE ALWAYS TRIGGER only_grows;
ALTER TABLE audit_head ENABLE ALWAYS TRIGGER is_never_emptied;
"""


class Migration(migrations.Migration):
    """Not reversible: a ledger that can lose its walls has none."""

    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunSQL(TABLES + APPEND + REFUSE + EXECUTION + TRIGGERS)]
