"""People, how they prove who they are, and the sessions and tokens they hold.

Nothing here is readable without a key: numbers are kept as keyed MACs, names and contacts are
sealed under the key of their subject (the account, the professional, the structure).
"""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django_otp.models import Device

from vault.binding import Binding


class UserManager(BaseUserManager["User"]):
    """Accounts are made by accounts.logins and accounts.directory, never by a form."""

    use_in_migrations = False


class Person(models.Model):
    """Somebody with a national health identity; the same in every capacity they take."""

    id = models.UUIDField(primary_key=True, editable=False)
    ins_mac = models.BinaryField(max_length=32, unique=True)

    def __str__(self) -> str:
        return str(self.pk)


class User(AbstractBaseUser):
    """A login: a holder's, an agent's or a staff member's. Professionals come from Pro Santé Connect."""

    class Kind(models.TextChoices):
        HOLDER = "holder", "Titulaire"
        AGENT = "agent", "Agent d’accueil"
        STAFF = "staff", "Équipe du service"

    last_login = None  # the ledger knows it

    id = models.UUIDField(primary_key=True, editable=False)
    login_mac = models.BinaryField(max_length=32, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="users")
    dossier_id = models.UUIDField(null=True)  # what a holder's login opens; the dossier lies above
    structure = models.ForeignKey("Structure", null=True, on_delete=models.PROTECT, related_name="+")
    sealed = models.BinaryField()  # login, name
    active = models.BooleanField()
    must_change_password = models.BooleanField()  # the password is the printed one
    first_password_from = models.DateTimeField(null=True)  # when its days begin; with the account, by default
    first_password_uses = models.SmallIntegerField(db_default=0)  # sign-ins begun with it
    password_epoch = models.IntegerField(db_default=0)  # how many times another password was chosen
    facts_mac = models.BinaryField(null=True)
    created_at = models.DateTimeField()

    objects = UserManager()

    USERNAME_FIELD = "login_mac"
    REQUIRED_FIELDS = []

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="holder", person__isnull=False, dossier_id__isnull=False)
                | Q(~Q(kind="holder"), person=None, dossier_id=None),
                name="a_login_opens_a_dossier_when_it_is_its_holders",
            ),
            models.UniqueConstraint(fields=["dossier_id"], name="a_dossier_has_one_login"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_active(self) -> bool:
        return self.active


class Structure(models.Model):
    """A place where professionals practise, or from which agents receive."""

    id = models.UUIDField(primary_key=True, editable=False)
    number_mac = models.BinaryField(max_length=32, unique=True)  # FINESS, or the directory's own number
    sealed = models.BinaryField()  # number, name

    def __str__(self) -> str:
        return str(self.pk)


class Professional(models.Model):
    """A health professional, as the national directory knows them."""

    id = models.UUIDField(primary_key=True, editable=False)
    rpps_mac = models.BinaryField(max_length=32, unique=True)
    sealed = models.BinaryField()  # number, name
    struck_off_at = models.DateTimeField(null=True)  # the directory no longer knows them as one

    def __str__(self) -> str:
        return str(self.pk)


class Practice(models.Model):
    """One profession exercised in one place; a professional acts in one of theirs at a time."""

    id = models.UUIDField(primary_key=True, editable=False)
    professional = models.ForeignKey(Professional, on_delete=models.PROTECT, related_name="practices")
    structure = models.ForeignKey(Structure, null=True, on_delete=models.PROTECT, related_name="practices")
    profession = models.CharField(max_length=4)  # TRE_G15
    specialty = models.CharField(max_length=8, blank=True)  # TRE_R01
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["professional", "structure", "profession", "specialty"],
                nulls_distinct=False,
                name="a_practice_is_told_once",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class ContactDevice(Device):
    """A mobile phone or a mailbox that receives codes of six digits.

    Codes are sent and accepted by accounts.begun only: django-otp's own `verify_token` refuses,
    because it knows neither the instant nor the sign-in a code was made for.
    """

    class Channel(models.TextChoices):
        SMS = "sms", "SMS"
        EMAIL = "courriel", "Courriel"

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="contacts")
    name = models.CharField(max_length=64, blank=True)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    sealed = models.BinaryField()  # the contact

    def __str__(self) -> str:
        return str(self.pk)


class TotpDevice(Device):
    """An application that makes codes from a secret shared once."""

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="totp")
    name = models.CharField(max_length=64, blank=True)
    sealed = models.BinaryField()  # the secret
    last_step = models.BigIntegerField()  # the last step accepted: a code serves once

    def __str__(self) -> str:
        return str(self.pk)


class WebAccess(models.Model):
    """Whether the web access of a holder is awake, and what it waits for: sealed. No row: asleep."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.PROTECT, related_name="web_access")
    sealed = models.BinaryField()
    tries_left = models.SmallIntegerField()  # of the nine digits, until the next sending

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(tries_left__gte=0), name="tries_to_wake_are_never_less_than_none"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class WakeCode(models.Model):
    """Nine digits on their way to a contact that the insurer knows; kept as a keyed digest."""

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="wake_codes")
    code_mac = models.BinaryField(max_length=32)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.pk)


class TypedContact(models.Model):
    """A telephone or a mailbox typed at counters for somebody's dossier: three people at most, by rank.

    Two keyed digests, so that the table says neither the contact nor whose dossier.
    """

    pk = models.CompositePrimaryKey("contact_mac", "rank")
    contact_mac = models.BinaryField(max_length=32)
    rank = models.SmallIntegerField()
    pair_mac = models.BinaryField(max_length=32, unique=True)  # this contact for this person

    def __str__(self) -> str:
        return str(self.rank)


class Session(models.Model):
    """One visit. Its identifier is kept as a MAC: a copy of this table opens nothing."""

    id_mac = models.BinaryField(max_length=32, primary_key=True)
    owner_id = models.UUIDField(null=True, db_index=True)  # the user or the professional, once signed in
    sealed = models.BinaryField()
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    idle_until = models.DateTimeField(db_index=True)
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(idle_until__lte=F("ends_at")), name="a_session_ends_whatever_is_done_in_it"
            )
        ]

    def __str__(self) -> str:
        return str(self.owner_id)


class SignIn(models.Model):
    """A sign-in begun with a right password in one browser; the code that waits there, if one was sent."""

    id_mac = models.BinaryField(max_length=32, primary_key=True)  # of the account and the browser
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    password_mac = models.BinaryField(
        max_length=32
    )  # of the password it was begun with: it holds for no other
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)
    contact_id = models.UUIDField(null=True)  # where the code was sent
    code_mac = models.BinaryField(max_length=32, null=True)
    code_expires_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    codes_sent = models.SmallIntegerField()
    tries_left = models.SmallIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(tries_left__gte=0), name="tries_are_never_less_than_none"),
            models.CheckConstraint(
                condition=Q(code_mac=None) | Q(code_expires_at__gt=F("sent_at")),
                name="a_code_expires_after_it_is_sent",
            ),
        ]

    def __str__(self) -> str:
        return str(self.user_id)


class KnownBrowser(models.Model):
    """A login has signed in from this browser, with both factors. Never a factor itself."""

    browser_mac = models.BinaryField(max_length=32, primary_key=True)  # of the browser's secret and the login
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    seen_at = models.DateTimeField()
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.user_id)


class Allowance(models.Model):
    """How much of an allowance of tries is used: a bucket that empties with time."""

    key_mac = models.BinaryField(max_length=32, primary_key=True)
    level = models.FloatField()
    burst = models.FloatField()
    an_hour = models.FloatField()
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.level}"


class Program(models.Model):
    """A program of a structure: it proves itself with a private key, of which we hold the public half."""

    id = models.UUIDField(primary_key=True, editable=False)
    structure = models.ForeignKey(Structure, null=True, on_delete=models.PROTECT, related_name="programs")
    sealed = models.BinaryField()  # name, under the system's key
    keys = models.JSONField()  # JWKS, public
    scopes = models.CharField(max_length=200)
    active = models.BooleanField()
    created_at = models.DateTimeField()
    facts_mac = models.BinaryField(null=True)

    def __str__(self) -> str:
        return str(self.pk)


class AccessToken(models.Model):
    """What a program shows at each call, kept as a MAC."""

    token_mac = models.BinaryField(max_length=32, primary_key=True)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="+")
    scopes = models.CharField(max_length=200)
    expires_at = models.DateTimeField(db_index=True)
    facts_mac = models.BinaryField(null=True)

    def __str__(self) -> str:
        return str(self.program_id)


class UsedAssertion(models.Model):
    """An assertion that served: it never serves again."""

    jti_mac = models.BinaryField(max_length=32, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.expires_at)


class Notice(models.Model):
    """A short message on its way. What it says of a person is sealed and wiped once sent."""

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=16)
    user_id = models.UUIDField(null=True)
    dossier_id = models.UUIDField(null=True)
    sealed = models.BinaryField(null=True)  # a code, and where to when no account has the contact
    created_at = models.DateTimeField(db_index=True)
    leaves_at = models.DateTimeField(null=True)  # of one that is gathered: not before
    seen_at = models.DateTimeField(null=True)  # the holder came since: it has nothing left to tell
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["dossier_id"], name="notices_not_seen", condition=Q(seen_at=None)),
        ]

    def __str__(self) -> str:
        return self.kind


# What decides in clear whose account it is and what it opens, bound to its row: a login under its own key,
# what programs show under the house's.
USER = Binding(
    table="accounts_user",
    subject="id",
    columns=("kind", "person_id", "dossier_id", "structure_id", "active"),
)
PROGRAM = Binding(
    table="accounts_program",
    subject=None,
    columns=("structure_id", "keys", "scopes", "active"),
    structured=frozenset({"keys"}),
)
ACCESS_TOKEN = Binding(
    table="accounts_accesstoken",
    key="token_mac",
    subject=None,
    columns=("program_id", "scopes", "expires_at"),
)
