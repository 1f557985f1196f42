"""The dossier and its circle: who holds it, what they agreed to, whom they let in."""

from uuid import UUID

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce

from accounts.models import Person
from vault.binding import Binding

NOWHERE = Value(UUID(int=0), output_field=models.UUIDField())  # equal to itself, as NULL is not


class PeriodRange(Func):
    """[since, until[ as PostgreSQL sees it."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class Dossier(models.Model):
    """One person's record. Who the person is lies sealed under the dossier's own key."""

    id = models.UUIDField(primary_key=True, editable=False)
    holder = models.OneToOneField(Person, on_delete=models.PROTECT, related_name="dossier")
    opened_at = models.DateTimeField()
    opened_through = models.CharField(max_length=12)  # online, counter: counted without any key
    closed_at = models.DateTimeField(null=True)
    sealed_identity = models.BinaryField()
    facts_mac = models.BinaryField(null=True)
    # Which form of search tokens it has. The release before writes none, and says nothing.
    search_form = models.PositiveSmallIntegerField(db_default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(closed_at__gte=F("opened_at")),
                name="a_dossier_closes_after_it_opens",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Consent(models.Model):
    """What the holder agreed to, after which text, captured by whom (sealed)."""

    id = models.UUIDField(primary_key=True, editable=False)
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="consents")
    information_version = models.CharField(max_length=20)
    given_at = models.DateTimeField()
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return str(self.pk)


class Objection(models.Model):
    """The holder refuses that the dossier be opened in emergencies of one kind."""

    class To(models.TextChoices):
        BREAK_GLASS = "break_glass", "Bris de glace"
        REGULATION = "regulation", "Centre de régulation (centre 15)"

    id = models.UUIDField(primary_key=True, editable=False)
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="objections")
    to = models.CharField(max_length=12, choices=To.choices)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    facts_mac = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="an_objection_ends_after_it_begins"
            ),
            models.UniqueConstraint(
                fields=["dossier", "to"], condition=Q(until=None), name="one_objection_of_each_kind_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Grant(models.Model):
    """The holder lets one professional read, from an instant until another, excluded.

    An agreement is declared in a place of practice and serves there only: `structure_id`, empty for who
    practises in none.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="grants")
    grantee_id = models.UUIDField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    structure_id = models.UUIDField(null=True)
    sealed = models.BinaryField()  # who the grantee is, as shown to the holder
    facts_mac = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="a_grant_ends_after_it_begins"),
            ExclusionConstraint(
                name="one_grant_at_a_time_for_each_professional_and_place",
                expressions=[
                    ("dossier", RangeOperators.EQUAL),
                    ("grantee_id", RangeOperators.EQUAL),
                    (Coalesce("structure_id", NOWHERE), RangeOperators.EQUAL),
                    (PeriodRange("since", "until", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


# What decides a right in clear, bound to its row under the dossier's key.
DOSSIER = Binding(table="dossiers_dossier", subject="id", columns=("holder_id", "opened_at", "closed_at"))
OBJECTION = Binding(
    table="dossiers_objection", subject="dossier_id", columns=("dossier_id", "to", "since", "until")
)
GRANT = Binding(
    table="dossiers_grant",
    subject="dossier_id",
    columns=("dossier_id", "grantee_id", "structure_id", "since", "until"),
)


class SearchToken(models.Model):
    """A composite of birth date and name, keyed: candidates are then unsealed and compared.

    Those of one dossier are all of one form (`Dossier.search_form`, `accounts.name_search.FORM`).
    """

    pk = models.CompositePrimaryKey("token", "dossier_id")
    token = models.BinaryField()
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, db_index=False)

    def __str__(self) -> str:
        return str(self.dossier_id)


class Application(models.Model):
    """Before consent nothing exists but this row, sealed under a key of its own, deleted at the end.

    One for somebody opening their dossier online, one for somebody standing at a counter.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    owner_id = models.UUIDField()
    visit_mac = models.BinaryField(max_length=32, null=True)  # this person before this agent, at a counter
    wrapped_key = models.BinaryField()
    sealed = models.BinaryField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["visit_mac"], name="somebody_before_an_agent_is_one_visit")
        ]

    def __str__(self) -> str:
        return str(self.pk)


class AccessRequest(models.Model):
    """A web access asked for at a counter by somebody whom no letter must reach: a second visit may open it.

    Sealed under the dossier's key: the structure, the agent, a digest of the contact given.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="access_requests")
    asked_at = models.DateTimeField()
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return str(self.pk)
