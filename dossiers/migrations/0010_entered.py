"""A dossier is entered and read in one statement.

The rights of a statement are checked before it runs: one that took a role and read the dossier itself would
read it as the login. A function that takes the role first reads with the rights of that role, behind its pin.
There is one for each role, because PostgreSQL forgets the plan of what another role asked last.
"""

from django.db import migrations

ROLES = ("web", "counter", "feed", "worker")
WHOSE = "uuid, uuid, uuid, timestamptz"  # the dossier, who asks, where they act, when
COLUMNS = """holder_id uuid, opened_at timestamptz, closed_at timestamptz, sealed_identity bytea, facts_mac bytea,
    key_kind varchar, key_version smallint, kek_version integer, wrapped_key bytea,
    grant_id uuid, structure_id uuid, since timestamptz, until timestamptz, grant_facts_mac bytea"""

READ = f"""
CREATE FUNCTION dossiers_at_the_door({WHOSE}) RETURNS TABLE ({COLUMNS}) LANGUAGE sql STABLE AS $$
    SELECT d.holder_id, d.opened_at, d.closed_at, d.sealed_identity, d.facts_mac,
           k.kind, k.version, k.kek_version, k.wrapped, g.id, g.structure_id, g.since, g.until, g.facts_mac
      FROM public.dossiers_dossier d
      JOIN public.vault_subjectkey k ON k.subject_id = d.id
      LEFT JOIN public.dossiers_grant g ON g.dossier_id = d.id AND g.grantee_id = $2
       AND g.structure_id IS NOT DISTINCT FROM $3 AND g.since <= $4 AND g.until > $4
     WHERE d.id = $1
$$;
GRANT EXECUTE ON FUNCTION dossiers_at_the_door({WHOSE}) TO dmp_web, dmp_counter, dmp_feed, dmp_worker;
"""
ENTERED = """
CREATE FUNCTION dossiers_entered_{role}({whose}) RETURNS TABLE ({columns}) LANGUAGE plpgsql VOLATILE ROWS 1 AS $$
BEGIN
    PERFORM set_config('role', 'dmp_{role}', true), set_config('dmp.pin', $1::text, true);
    RETURN QUERY SELECT * FROM public.dossiers_at_the_door($1, $2, $3, $4);
END $$;
GRANT EXECUTE ON FUNCTION dossiers_entered_{role}({whose}) TO dmp_app;
"""


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0009_numbers_of_one_person"), ("vault", "0001_initial")]
    operations = [
        migrations.RunSQL(READ, f"DROP FUNCTION dossiers_at_the_door({WHOSE})"),
        *(
            migrations.RunSQL(
                ENTERED.format(role=role, whose=WHOSE, columns=COLUMNS),
                f"DROP FUNCTION dossiers_entered_{role}({WHOSE})",
            )
            for role in ROLES
        ),
    ]
