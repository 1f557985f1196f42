"""What decides in clear is bound to its row; an agreement says where it was declared."""

from uuid import UUID

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
from django.db import migrations, models
from django.db.models.functions import Coalesce

import dossiers.models

GRANTS = "GRANT UPDATE (facts_mac) ON dossiers_grant TO dmp_web;"
REVOKES = "REVOKE UPDATE (facts_mac) ON dossiers_grant FROM dmp_web;"
NOWHERE = models.Value(UUID(int=0), output_field=models.UUIDField())


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0002_walls")]
    operations = [
        migrations.AddField("dossier", "facts_mac", models.BinaryField(null=True)),
        migrations.AddField("objection", "facts_mac", models.BinaryField(null=True)),
        migrations.AddField("grant", "facts_mac", models.BinaryField(null=True)),
        migrations.AddField("grant", "structure_id", models.UUIDField(null=True)),
        migrations.RemoveConstraint("grant", "one_grant_at_a_time_for_each_professional"),
        migrations.AddConstraint(
            "grant",
            django.contrib.postgres.constraints.ExclusionConstraint(
                name="one_grant_at_a_time_for_each_professional_and_place",
                expressions=[
                    ("dossier", "="),
                    ("grantee_id", "="),
                    (Coalesce("structure_id", NOWHERE), "="),
                    (
                        dossiers.models.PeriodRange(
                            "since", "until", django.contrib.postgres.fields.ranges.RangeBoundary()
                        ),
                        "&&",
                    ),
                ],
            ),
        ),
        migrations.RunSQL(GRANTS, REVOKES),
    ]
