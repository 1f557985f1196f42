"""Whether an object of the store is named by a row, told to whoever tidies it up, who sees no row."""

from django.db import migrations, models

WALLS = """
CREATE FUNCTION documents_unnamed(objects text[]) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT object FROM unnest(objects) AS object
     WHERE NOT EXISTS (SELECT 1 FROM public.documents_content
                        WHERE blob = object AND blob IS NOT NULL);
END;
REVOKE ALL ON FUNCTION documents_unnamed(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION documents_unnamed(text[]) TO dmp_app;
"""
BACK = "DROP FUNCTION documents_unnamed(text[]);"


class Migration(migrations.Migration):
    dependencies = [("documents", "0002_walls")]
    operations = [
        migrations.AddConstraint(
            model_name="content",
            constraint=models.UniqueConstraint(
                condition=models.Q(blob__isnull=False), fields=["blob"], name="an_object_is_one_content"
            ),
        ),
        migrations.RunSQL(WALLS, BACK),
    ]
