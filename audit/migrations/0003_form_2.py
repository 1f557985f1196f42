"""A second form of the digests: an entry is bound to its place and to its instant, and names are hashed once.

`audit_append` with ten arguments stays for the previous release, which may still run, and appends in the earlier
form; with eleven it appends in the form that its first argument names. Both follow each other in one chain.
"""

from django.db import migrations, models

# A junk entry costs its chain one line, not a page: no instant out of the calendar, no text without bound. The instant
# of an entry is never after the clock of the database: one web that is ahead would hold all the others back.
BOUNDED = """
    IF p_at IS NULL OR NOT isfinite(p_at) OR p_at < '1900-01-01 00:00:00+00' THEN
        RAISE EXCEPTION 'an entry has an instant' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF octet_length(p_body) NOT BETWEEN 1 AND 65536 OR octet_length(p_digest) <> 32
       OR octet_length(p_kind || p_channel || p_capacity || p_profession || p_document_class || p_structure) > 400 THEN
        RAISE EXCEPTION 'an entry is short' USING ERRCODE = 'invalid_parameter_value';
    END IF;
"""

# The digests are those of audit/events.py. The first append of a transaction locks the head of its chain until the
# commit. Two webs may append in another order than their clocks say: the instant is then that of the entry before.
APPEND = f"""
CREATE FUNCTION audit_place(p_chain uuid, p_position bigint, p_at timestamptz, p_previous bytea) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT uuid_send(p_chain) || int8send(p_position) || int8send((extract(epoch FROM p_at) * 1000000)::bigint)
        || p_previous
$$;

CREATE FUNCTION audit_append(
    p_form integer, p_chain uuid, p_at timestamptz, p_kind text, p_channel text, p_capacity text, p_profession text,
    p_document_class text, p_structure text, p_body bytea, p_digest bytea
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known constant timestamptz := least(p_at, clock_timestamp());
    genesis constant bytea := sha256('\\x00'::bytea || uuid_send(p_chain));
    n bigint;
    instant timestamptz;
    before bytea;
    committed bytea;
    here bytea;
BEGIN
    {BOUNDED}
    IF p_form <> 2 THEN
        RAISE EXCEPTION 'no form % of an entry', p_form USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- Nearly always the chain exists, with the instant of its last entry: an update costs half as much.
    UPDATE public.audit_head AS h SET
        position = h.position + 1,
        at = greatest(known, h.at),
        previous = h.hash,
        hash = sha256('\\x22'::bytea || public.audit_place(h.chain, h.position + 1, greatest(known, h.at), h.hash)
            || sha256('\\x21'::bytea || public.audit_place(h.chain, h.position + 1, greatest(known, h.at), h.hash)
                || p_digest))
    WHERE h.chain = p_chain AND h.at IS NOT NULL
    RETURNING h.position, h.at, h.previous, h.hash INTO n, instant, before, here;

    IF n IS NULL THEN
        INSERT INTO public.audit_head AS h (chain, position, at, previous, hash)
        SELECT p_chain, 1, known, genesis,
            sha256('\\x22'::bytea || p.place || sha256('\\x21'::bytea || p.place || p_digest))
        FROM (SELECT public.audit_place(p_chain, 1, known, genesis) AS place) AS p
        ON CONFLICT (chain) DO UPDATE SET (position, at, previous, hash) = (
            SELECT h.position + 1, q.at, h.hash,
                sha256('\\x22'::bytea || q.place || sha256('\\x21'::bytea || q.place || p_digest))
            FROM (
                SELECT t.at, public.audit_place(h.chain, h.position + 1, t.at, h.hash) AS place
                FROM (
                    SELECT greatest(known, coalesce(h.at, (
                        SELECT e.at FROM public.audit_event e
                        WHERE e.chain = h.chain AND e.position = h.position AND e.at <= clock_timestamp() AND isfinite(e.at)
                    ))) AS at
                ) AS t
            ) AS q
        )
        RETURNING h.position, h.at, h.previous, h.hash INTO n, instant, before, here;
    END IF;
    committed := sha256('\\x21'::bytea || public.audit_place(p_chain, n, instant, before) || p_digest);

    INSERT INTO public.audit_event (
        chain, position, form, at, kind, channel, capacity, profession, document_class, structure,
        body, commitment, previous, hash
    ) VALUES (
        p_chain, n, 2, instant, p_kind, p_channel, p_capacity, p_profession, p_document_class, p_structure,
        p_body, committed, before, here
    );
    RETURN n;
END $$;
"""

EARLIER_APPEND = f"""
CREATE OR REPLACE FUNCTION audit_append(
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
    {BOUNDED.replace("p_digest", "p_commitment")}
    INSERT INTO public.audit_head AS h (chain, position, at, previous, hash)
    VALUES (p_chain, 1, least(p_at, clock_timestamp()), genesis, sha256('\\x01'::bytea || genesis || int8send(1) || bound))
    ON CONFLICT (chain) DO UPDATE SET
        position = h.position + 1,
        at = least(p_at, clock_timestamp()),
        previous = h.hash,
        hash = sha256('\\x01'::bytea || h.hash || int8send(h.position + 1) || bound)
    RETURNING h.position, h.previous, h.hash INTO n, before, here;

    INSERT INTO public.audit_event (
        chain, position, form, at, kind, channel, capacity, profession, document_class, structure,
        body, commitment, previous, hash
    ) VALUES (
        p_chain, n, 1, p_at, p_kind, p_channel, p_capacity, p_profession, p_document_class, p_structure,
        p_body, p_commitment, before, here
    );
    RETURN n;
END $$;
"""

REFUSE = """
CREATE FUNCTION audit_refuse(
    p_key bytea, p_subject uuid, p_form integer,
    p_chain uuid, p_at timestamptz, p_kind text, p_channel text, p_capacity text, p_profession text,
    p_document_class text, p_structure text, p_body bytea, p_digest bytea
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known constant timestamptz := least(p_at, clock_timestamp());
    n bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(encode(p_key, 'hex'), 0));

    UPDATE public.audit_repeat SET times = times + 1, last_at = greatest(last_at, known)
    WHERE key = p_key AND since > known - interval '1 hour';
    IF FOUND THEN
        RETURN NULL;
    END IF;

    n := public.audit_append(p_form, p_chain, known, p_kind, p_channel, p_capacity, p_profession,
                             p_document_class, p_structure, p_body, p_digest);
    INSERT INTO public.audit_repeat (key, since, chain, position, subject_id, times, last_at)
    VALUES (p_key, known, p_chain, n, p_subject, 0, known);
    RETURN n;
END $$;
"""

EXECUTION = """
REVOKE ALL ON FUNCTION audit_place FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_append(integer, uuid, timestamptz, text, text, text, text, text, text, bytea, bytea)
    FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_refuse(
    bytea, uuid, integer, uuid, timestamptz, text, text, text, text, text, text, bytea, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    audit_append(integer, uuid, timestamptz, text, text, text, text, text, text, bytea, bytea),
    audit_refuse(bytea, uuid, integer, uuid, timestamptz, text, text, text, text, text, text, bytea, bytea)
    TO dmp_app, dmp_web, dmp_counter, dmp_feed, dmp_worker;
"""


class Migration(migrations.Migration):
    """Not reversible: entries of the second form would no longer be verified."""

    dependencies = [("audit", "0002_walls")]
    operations = [
        migrations.AddField("event", "form", models.PositiveSmallIntegerField(db_default=1)),
        migrations.AddField("head", "at", models.DateTimeField(null=True)),
        migrations.RunSQL(APPEND + EARLIER_APPEND + REFUSE + EXECUTION),
    ]
