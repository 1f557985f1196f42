"""Notices of one dossier are gathered: whoever leaves one learns when it may go, and reads nothing."""

from django.db import migrations, models
from django.db.models import Q

FUNCTION = """
CREATE FUNCTION accounts_gather_notice(p_id uuid, p_kind text, p_dossier uuid) RETURNS interval
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here timestamptz;
    before timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('accounts_notice ' || p_dossier::text, 0));
    here := clock_timestamp();
    SELECT max(coalesce(n.leaves_at, n.created_at)) INTO before FROM public.accounts_notice n
    WHERE n.dossier_id = p_dossier AND n.kind = p_kind AND n.seen_at IS NULL;
    IF before > here THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.accounts_notice (id, kind, dossier_id, created_at, leaves_at)
    VALUES (p_id, p_kind, p_dossier, here, greatest(here, before + interval '1 day'));
    RETURN greatest(here, before + interval '1 day') - here;
END $$;

REVOKE ALL ON FUNCTION accounts_gather_notice FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_gather_notice TO dmp_app, dmp_web, dmp_counter, dmp_feed, dmp_worker;
GRANT UPDATE (seen_at) ON accounts_notice TO dmp_app;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_web_access_walls")]

    operations = [
        migrations.AddField("notice", "leaves_at", models.DateTimeField(null=True)),
        migrations.AddField("notice", "seen_at", models.DateTimeField(null=True)),
        migrations.AddIndex(
            "notice",
            models.Index(fields=["dossier_id"], name="notices_not_seen", condition=Q(seen_at=None)),
        ),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION accounts_gather_notice(uuid, text, uuid)"),
    ]
