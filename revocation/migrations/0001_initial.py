"""Which lines of the journal are in this database, and what tells one database from another."""

from django.db import migrations, models

WALLS = """
GRANT INSERT, SELECT (number) ON revocation_line TO dmp_web, dmp_worker;
GRANT SELECT, INSERT, UPDATE (number, payload) ON revocation_line TO dmp_app;

-- What became of the transaction of a line: it may not have begun yet in a database that went back.
CREATE FUNCTION revocation_fate(p_transaction xid8) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(pg_xact_status(p_transaction), 'forgotten');
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN 'future';
END $$;

-- Which database this is, on which time line, and how far it has come; nothing on a standby.
CREATE FUNCTION revocation_described(OUT system text, OUT timeline bigint, OUT database bigint, OUT wal bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT pg_is_in_recovery() THEN
        SELECT (SELECT system_identifier FROM pg_control_system())::text,
               ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint,
               (SELECT oid FROM pg_database WHERE datname = current_database())::bigint,
               (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint
        INTO system, timeline, database, wal;
    END IF;
END $$;
REVOKE ALL ON FUNCTION revocation_fate, revocation_described FROM PUBLIC;
GRANT EXECUTE ON FUNCTION revocation_fate TO dmp_app;
GRANT EXECUTE ON FUNCTION revocation_described TO dmp_app, dmp_web, dmp_worker;
"""
UNDONE = "DROP FUNCTION revocation_fate(xid8); DROP FUNCTION revocation_described();"


class Migration(migrations.Migration):
    initial = True
    dependencies = [("audit", "0002_walls")]
    operations = [
        migrations.CreateModel(
            name="Line",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveBigIntegerField(null=True, unique=True)),
                ("at", models.DateTimeField()),
                ("payload", models.JSONField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("number__isnull", True)), fields=["at"], name="lines_to_write"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("number__isnull", True), ("payload__isnull", True), _connector="XOR"
                        ),
                        name="a_line_is_written_or_waits_to_be",
                    )
                ],
            },
        ),
        migrations.RunSQL(WALLS, UNDONE),
    ]
