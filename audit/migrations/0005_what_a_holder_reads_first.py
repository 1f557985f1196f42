from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """What others did lately, and the last visit, are found whatever the holder read in between."""

    dependencies = [("audit", "0004_repeats_of_one_chain")]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=~Q(capacity__in=("applicant", "holder"))
                & ~Q(kind__in=("ask_history", "check", "follow", "notify", "review", "visit")),
                fields=["chain", "position"],
                name="news_of_a_chain",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=Q(capacity="holder", kind="visit"),
                fields=["chain", "position"],
                name="visits_of_a_holder",
            ),
        ),
    ]
