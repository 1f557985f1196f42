"""Each job has an urgency, and says who asked for it when what one person may have waiting is bounded."""

from django.db import migrations, models
from django.db.models import Q

PENDING = Q(state__in=["ready", "leased"])

# The release before, still running, names no urgency: its jobs wait with those that nobody waits for, until
# this release's workers take them.
CLASSES = """
UPDATE jobs_job SET urgency = CASE kind WHEN 'history.import' THEN 1 WHEN 'documents.check' THEN 2 ELSE 3 END;
"""

# A queue is a table that is always new: its dead rows are removed by number, not by share.
TUNED = """
ALTER TABLE jobs_job SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
                          autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000);
"""
NOT_TUNED = """
ALTER TABLE jobs_job RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
                            autovacuum_analyze_scale_factor, autovacuum_analyze_threshold);
"""


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_walls")]
    operations = [
        migrations.AddField("job", "urgency", models.SmallIntegerField(db_default=3)),
        migrations.AddField("job", "author_id", models.UUIDField(null=True)),
        migrations.AddField("job", "structure_id", models.UUIDField(null=True)),
        migrations.RunSQL(CLASSES, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "job",
            models.CheckConstraint(condition=Q(urgency__in=[0, 1, 2, 3]), name="a_job_is_of_a_known_urgency"),
        ),
        migrations.RemoveIndex("job", "jobs_ready"),
        migrations.AddIndex(
            "job",
            models.Index(
                fields=["urgency", "run_after", "id"], name="jobs_in_order", condition=Q(state="ready")
            ),
        ),
        migrations.AddIndex(
            "job", models.Index(fields=["done_at"], name="jobs_to_forget", condition=Q(state="done"))
        ),
        migrations.AddIndex(
            "job",
            models.Index(
                fields=["author_id"],
                name="jobs_pending_of_an_author",
                condition=PENDING & Q(author_id__isnull=False),
            ),
        ),
        migrations.AddIndex(
            "job",
            models.Index(
                fields=["structure_id"],
                name="jobs_pending_of_a_structure",
                condition=PENDING & Q(structure_id__isnull=False),
            ),
        ),
        migrations.RunSQL(TUNED, NOT_TUNED),
    ]
