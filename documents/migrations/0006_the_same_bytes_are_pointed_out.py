"""Who deposits again what they deposited before is told so: a feed learns when its own author did.

`author_id`, `deposited_at` and `status` join the columns that tell a duplicate. The bytes of documents filed
before without an identifier of their own are not known: they are not pointed out.
"""

from django.db import migrations, models
from django.db.models import Q

COLUMNS = "(author_id, deposited_at, status)"


class Migration(migrations.Migration):
    dependencies = [("documents", "0005_a_check_may_wait")]
    operations = [
        migrations.RunSQL(
            f"GRANT SELECT {COLUMNS} ON documents_document TO dmp_feed;",
            f"REVOKE SELECT {COLUMNS} ON documents_document FROM dmp_feed;",
        ),
        migrations.AddIndex(
            "document",
            models.Index(
                fields=["dossier", "content_mac"],
                condition=Q(content_mac__isnull=False),
                name="documents_by_their_bytes",
            ),
        ),
    ]
