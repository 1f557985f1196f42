"""Who may touch what: documents and contents are pinned to one dossier; counters have no right here at all.

Feeds put in and cannot read back: they see the columns that tell a duplicate, nothing else.
"""

from django.db import migrations

WALLS = """
ALTER TABLE documents_document ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents_document FORCE ROW LEVEL SECURITY;
CREATE POLICY pinned ON documents_document
  USING (dossier_id = ANY ((SELECT string_to_array(nullif(current_setting('dmp.pin', true), ''), ','))::uuid[]))
  WITH CHECK
    (dossier_id = ANY ((SELECT string_to_array(nullif(current_setting('dmp.pin', true), ''), ','))::uuid[]));
ALTER TABLE documents_content ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents_content FORCE ROW LEVEL SECURITY;
CREATE POLICY pinned ON documents_content
  USING (dossier_id = ANY ((SELECT string_to_array(nullif(current_setting('dmp.pin', true), ''), ','))::uuid[]))
  WITH CHECK
    (dossier_id = ANY ((SELECT string_to_array(nullif(current_setting('dmp.pin', true), ''), ','))::uuid[]));

GRANT SELECT ON documents_document, documents_content TO dmp_web;
GRANT INSERT ON documents_document, documents_content TO dmp_feed;
GRANT SELECT (id, dossier_id, unique_id_mac, content_mac) ON documents_document TO dmp_feed;
GRANT SELECT, INSERT ON documents_document, documents_content TO dmp_worker;
GRANT UPDATE (status, verdict, page_count, sealed) ON documents_document TO dmp_worker;

-- Sealed bytes are random: compressing them is work for nothing.
ALTER TABLE documents_content ALTER COLUMN sealed SET STORAGE EXTERNAL;
"""
BACK = """
ALTER TABLE documents_content ALTER COLUMN sealed SET STORAGE EXTENDED;
REVOKE ALL ON documents_document, documents_content FROM dmp_web, dmp_feed, dmp_worker;
DROP POLICY pinned ON documents_content;
ALTER TABLE documents_content NO FORCE ROW LEVEL SECURITY;
ALTER TABLE documents_content DISABLE ROW LEVEL SECURITY;
DROP POLICY pinned ON documents_document;
ALTER TABLE documents_document NO FORCE ROW LEVEL SECURITY;
ALTER TABLE documents_document DISABLE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_initial"), ("dossiers", "0002_walls")]
    operations = [migrations.RunSQL(WALLS, BACK)]
