"""A document whose check waits for a person says so in its own row: jobs are forgotten once done."""

from django.db import migrations, models
from django.db.models import Q

HELD_BEFORE = """
UPDATE documents_document d SET verdict = left(j.code, 40)
  FROM jobs_job j
 WHERE j.kind = 'documents.check' AND j.state IN ('held', 'dead') AND j.code <> ''
   AND d.dossier_id = j.subject_id AND d.id::text = j.idem AND d.status = 'quarantine';
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0004_bound_rows"), ("jobs", "0003_urgency")]
    operations = [
        migrations.RemoveConstraint("document", "a_verdict_tells_of_a_refusal"),
        migrations.AddConstraint(
            "document",
            models.CheckConstraint(
                condition=Q(status__in=["refused", "quarantine"]) | Q(verdict=""),
                name="a_verdict_tells_of_a_refusal_or_of_a_wait",
            ),
        ),
        migrations.RunSQL(HELD_BEFORE, migrations.RunSQL.noop),
    ]
