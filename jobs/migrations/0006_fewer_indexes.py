"""A job is inserted with each deposit: an index less is a tenth of a millisecond less, each time.

A job is asked for once by its key, which is made of its kind and of what makes it the same. Nobody looks for the
jobs of a subject. What waits of an author is counted within a structure.
"""

from django.db import migrations, models
from django.db.models import Q

PENDING = Q(state__in=["ready", "leased"])


class Migration(migrations.Migration):
    dependencies = [("jobs", "0005_request")]
    operations = [
        migrations.RemoveConstraint("job", "a_job_is_asked_for_once"),
        migrations.RemoveIndex("job", "jobs_of_a_subject"),
        migrations.RemoveIndex("job", "jobs_pending_of_an_author"),
        migrations.RemoveIndex("job", "jobs_pending_of_a_structure"),
        migrations.AddIndex(
            "job",
            models.Index(
                fields=["structure_id", "author_id"],
                name="jobs_pending",
                condition=PENDING & Q(author_id__isnull=False),
            ),
        ),
    ]
