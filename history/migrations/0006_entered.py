"""A care history is read in the statement that enters its dossier: see `dossiers_entered_web`."""

from django.db import migrations

ROLES = ("web", "worker")
WHOSE = "uuid, uuid, uuid, timestamptz"  # the dossier, who asks, where they act, when
DOSSIER = """holder_id uuid, opened_at timestamptz, closed_at timestamptz, sealed_identity bytea, facts_mac bytea,
    key_kind varchar, key_version smallint, kek_version integer, wrapped_key bytea,
    grant_id uuid, structure_id uuid, since timestamptz, until timestamptz, grant_facts_mac bytea"""
COLUMNS = f"""{DOSSIER},
    version integer, filed_as uuid, received_at timestamptz, written_on date, period_start date, period_end date,
    line_count integer, content_mac bytea, statement_sealed bytea,
    phase varchar, cause varchar, phase_since timestamptz, answered_at timestamptz, retry_at timestamptz,
    document_id uuid, dossier_id uuid, type_code varchar, class_code varchar, created_on date,
    deposited_at timestamptz, status varchar, masked boolean, withheld boolean,
    hidden_from_representatives boolean, author_id uuid, author_structure_id uuid, replaces_id uuid,
    document_facts_mac bytea, verdict varchar, media_type varchar, size integer, page_count smallint, sealed bytea"""
ENTERED = """
CREATE FUNCTION history_entered_{role}({whose}) RETURNS TABLE ({columns}) LANGUAGE plpgsql VOLATILE ROWS 1 AS $$
BEGIN
    PERFORM set_config('role', 'dmp_{role}', true), set_config('dmp.pin', $1::text, true);
    RETURN QUERY
    SELECT entered.*,
           s.version, s.document_id, s.received_at, s.written_on, s.period_start, s.period_end,
           s.line_count, s.content_mac, s.sealed,
           i.phase, i.cause, i.since, i.answered_at, i.retry_at,
           doc.id, doc.dossier_id, doc.type_code, doc.class_code, doc.created_on, doc.deposited_at, doc.status,
           doc.masked, doc.withheld, doc.hidden_from_representatives, doc.author_id, doc.author_structure_id,
           doc.replaces_id, doc.facts_mac, doc.verdict, doc.media_type, doc.size, doc.page_count, doc.sealed
      FROM public.dossiers_at_the_door($1, $2, $3, $4) entered
      LEFT JOIN public.history_statement s ON s.dossier_id = $1 AND s.superseded_at IS NULL
      LEFT JOIN public.history_import i ON i.dossier_id = $1
      LEFT JOIN public.documents_document doc ON doc.dossier_id = $1 AND doc.id = s.document_id;
END $$;
GRANT EXECUTE ON FUNCTION history_entered_{role}({whose}) TO dmp_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0005_import_walls"),
        ("documents", "0006_the_same_bytes_are_pointed_out"),
        ("dossiers", "0010_entered"),
    ]
    operations = [
        migrations.RunSQL(
            ENTERED.format(role=role, whose=WHOSE, columns=COLUMNS),
            f"DROP FUNCTION history_entered_{role}({WHOSE})",
        )
        for role in ROLES
    ]
