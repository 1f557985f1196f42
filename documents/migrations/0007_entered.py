"""A document is read in the statement that enters its dossier: see `dossiers_entered_web`."""

from django.db import migrations

ROLES = ("web", "worker")
# The dossier, who asks, where they act, when; the document, the parts of it that are wanted.
WHOSE = "uuid, uuid, uuid, timestamptz, uuid, text[]"
DOSSIER = """holder_id uuid, opened_at timestamptz, closed_at timestamptz, sealed_identity bytea, facts_mac bytea,
    key_kind varchar, key_version smallint, kek_version integer, wrapped_key bytea,
    grant_id uuid, structure_id uuid, since timestamptz, until timestamptz, grant_facts_mac bytea"""
COLUMNS = f"""{DOSSIER},
    document_id uuid, dossier_id uuid, type_code varchar, class_code varchar, created_on date,
    deposited_at timestamptz, status varchar, masked boolean, withheld boolean,
    hidden_from_representatives boolean, author_id uuid, author_structure_id uuid, replaces_id uuid,
    document_facts_mac bytea, verdict varchar, media_type varchar, size integer, page_count smallint, sealed bytea,
    part varchar, part_size integer, part_sealed bytea, part_blob varchar"""
ENTERED = """
CREATE FUNCTION documents_entered_{role}({whose}) RETURNS TABLE ({columns}) LANGUAGE plpgsql VOLATILE ROWS 1 AS $$
BEGIN
    PERFORM set_config('role', 'dmp_{role}', true), set_config('dmp.pin', $1::text, true);
    RETURN QUERY
    SELECT entered.*,
           doc.id, doc.dossier_id, doc.type_code, doc.class_code, doc.created_on, doc.deposited_at, doc.status,
           doc.masked, doc.withheld, doc.hidden_from_representatives, doc.author_id, doc.author_structure_id,
           doc.replaces_id, doc.facts_mac, doc.verdict, doc.media_type, doc.size, doc.page_count, doc.sealed,
           content.part, content.size, content.sealed, content.blob
      FROM public.dossiers_at_the_door($1, $2, $3, $4) entered
      LEFT JOIN public.documents_document doc ON doc.dossier_id = $1 AND doc.id = $5
      LEFT JOIN public.documents_content content
        ON content.dossier_id = $1 AND content.document_id = doc.id AND content.part = ANY ($6);
END $$;
GRANT EXECUTE ON FUNCTION documents_entered_{role}({whose}) TO dmp_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0006_the_same_bytes_are_pointed_out"),
        ("dossiers", "0010_entered"),
    ]
    operations = [
        migrations.RunSQL(
            ENTERED.format(role=role, whose=WHOSE, columns=COLUMNS),
            f"DROP FUNCTION documents_entered_{role}({WHOSE})",
        )
        for role in ROLES
    ]
