"""What a newcomer is asked, one question a page, and how the answers must be typed."""

import re
from collections.abc import Mapping
from typing import Any, Self

from django import forms
from django.core.exceptions import ValidationError

from accounts import contacts, logins
from accounts.contacts import BadContact, Contact, ContactChannel, MaskedContact
from accounts.identity import BadNir, BadNumber, BirthDate, card_serial, parse_nir
from accounts.traits import absent
from dossiers import enrolment
from dossiers.enrolment import Doubt
from dossiers.identity import minor
from portal.dates_asked import BirthDateInThreeField, DoubtingForm, today
from portal.forms import Choices, DateInThree, Form
from portal.names import with_capitals
from portal.typography import french

TYPED_AS_IS = {"autocapitalize": "none", "spellcheck": "false"}
CODE = {
    "inputmode": "numeric",
    "autocomplete": "one-time-code",
    "maxlength": "12",
    "spellcheck": "false",
    "class": "code-input",
}


def missing(sentence: str) -> dict[str, str]:
    return {"required": french(sentence)}


NO_NAME = "-"  # what is typed for a name that one does not have


class OpeningForm(DoubtingForm):
    """One question of an opening; `known` is what was answered to the others."""

    def __init__(self, *args: Any, known: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = known

    def answers(self) -> dict[str, str]:
        """What is to be kept of a form that is valid."""
        return self.cleaned_data

    @classmethod
    def again(cls, known: Mapping[str, str]) -> Self:
        """The question as it is shown, with what was answered to it before."""
        return cls(initial=known, known=known)


class NirForm(OpeningForm):
    nir = forms.CharField(
        label="Numéro de sécurité sociale",
        help_text="15 chiffres, sur la carte ou sous votre photo. Avec ou sans espaces.",
        error_messages=missing("Saisissez votre numéro de sécurité sociale."),
        max_length=80,
        widget=forms.TextInput({"class": "nir-input", "autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_nir(self) -> str:
        try:
            return parse_nir(self.cleaned_data["nir"]).text15
        except BadNir as bad:
            raise ValidationError(french(bad.sentence)) from None


class NameForm(OpeningForm):
    birth_name = forms.CharField(
        label="Nom de naissance",
        help_text="Celui de votre acte de naissance, même si vous en utilisez un autre.",
        error_messages=missing(
            "Saisissez votre nom de naissance. Si votre acte de naissance n’en a pas, saisissez un tiret."
        ),
        max_length=80,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    given_name = forms.CharField(
        label="Premier prénom",
        help_text="Le premier de votre acte de naissance.",
        error_messages=missing(
            "Saisissez votre premier prénom. Si votre acte de naissance n’en a pas, saisissez un tiret."
        ),
        max_length=80,
        widget=forms.TextInput({"autocomplete": "given-name", "spellcheck": "false"}),
    )

    @classmethod
    def again(cls, known: Mapping[str, str]) -> Self:
        names = {name: known[name] or NO_NAME for name in ("birth_name", "given_name") if name in known}
        return cls(initial=names, known=known)

    def clean_birth_name(self) -> str:
        return _name(self.cleaned_data["birth_name"])

    def clean_given_name(self) -> str:
        return _name(self.cleaned_data["given_name"])


def _name(typed: str) -> str:
    """A name as it is kept: empty when a dash says that there is none."""
    return "" if absent(typed) else with_capitals(typed)


class BirthForm(OpeningForm):
    """The date of birth, compared with what the number says of it."""

    birth_date = BirthDateInThreeField(
        label="Date de naissance",
        help_text="Par exemple : jour 14, mois 3, année 1958. Si le jour ou le mois n'est pas connu, "
        "écrivez ce que porte votre carte.",
    )

    @classmethod
    def again(cls, known: Mapping[str, str]) -> Self:
        """With what is to be told of it at once, when the number was changed meanwhile."""
        born = known.get("birth_date", "")
        if born and enrolment.doubts(known):
            day, month, year = DateInThree().decompress(born)
            typed = {"birth_date_jour": day, "birth_date_mois": month, "birth_date_annee": year}
            return cls(typed, known=known)
        return super().again(known)

    def clean(self) -> None:
        if not (text := self.cleaned_data.get("birth_date")):
            return
        born = BirthDate(text)
        answered = {**self.known, "birth_date": text}
        found = enrolment.doubts({**answered, enrolment.CONFIRMED: ""})
        facts = [_doubted(doubt, born, self.known.get("nir", "")) for doubt in found]
        if minor(text, on=today()):
            # A wrong date is likelier than a child who types: what contradicts it is said first.
            facts += ["Si la date est fausse, corrigez-la."] if facts else []
            self.add_error("birth_date", french(" ".join((*facts, TOO_YOUNG))))
        elif facts:
            self.doubt(
                "birth_date",
                " ".join((*facts, "Corrigez la date. Si elle est juste, cochez la case.")),
                about=enrolment.confirmation(answered),
                label="Je viens de relire : c’est bien ce que porte ma carte ou ma pièce d’identité.",
            )

    def answers(self) -> dict[str, str]:
        answered = {**self.known, **self.cleaned_data}
        return {**self.cleaned_data, enrolment.CONFIRMED: enrolment.confirmation(answered)}


TOO_YOUNG = (
    "Avant 18 ans, un dossier ne s’ouvre pas en ligne. Un jeune qui a une carte Vitale à son nom peut "
    "l’ouvrir à un guichet. Son père, sa mère ou son tuteur vient avec lui. Un enfant sans carte à son nom "
    "ne peut pas encore en avoir."
)


def _doubted(doubt: Doubt, born: BirthDate, nir: str) -> str:
    """Why a date of birth is doubted."""
    match doubt:
        case Doubt.NO_SUCH_DAY:
            return born.oddity
        case Doubt.OTHER_DATE_IN_NUMBER:
            number = parse_nir(nir)
            said = f"{number.spaced[:7]}…, dit {number.birth_said}"
            return f"Votre numéro de sécurité sociale, {said}. S’il est faux, revenez en arrière le corriger."


class CardForm(OpeningForm):
    vitale_serial = forms.CharField(
        label="Numéro de série de la carte Vitale",
        help_text="Les chiffres écrits en petit, sous la puce. Avec ou sans espaces.",
        error_messages=missing("Saisissez le numéro de série de votre carte Vitale."),
        max_length=80,
        widget=forms.TextInput(
            {"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false", "class": "nir-input"}
        ),
    )

    def clean_vitale_serial(self) -> str:
        try:
            return card_serial(self.cleaned_data["vitale_serial"], nir=self.known.get("nir", ""))
        except BadNumber as bad:
            raise ValidationError(french(bad.sentence)) from None


class ChannelForm(Form):
    """Which of the contacts the insurer knows; they are masked, their owner recognises them."""

    contact = forms.ChoiceField(
        label="", error_messages=missing("Choisissez où recevoir votre code."), widget=Choices()
    )

    def __init__(
        self, *args: Any, contacts: tuple[MaskedContact, ...], post_delay_hours: int, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["contact"]
        field.choices = [(one.id, _channel_label(one)) for one in contacts]
        field.widget.hints = {one.id: _channel_hint(one, post_delay_hours) for one in contacts}
        if len(contacts) == 1:
            self.initial["contact"] = contacts[0].id


def _channel_label(contact: MaskedContact) -> str:
    match contact.channel:
        case ContactChannel.SMS:
            return f"Par SMS au {contact.mask}"
        case ContactChannel.EMAIL:
            return f"Par courriel à {contact.mask}"
    return "Par courrier, à l'adresse connue de l'Assurance Maladie"


def _channel_hint(contact: MaskedContact, post_delay_hours: int) -> str:
    if contact.channel != ContactChannel.POST:
        return "Le code arrive en moins d'une minute."
    if post_delay_hours:
        hours = f"{post_delay_hours} heures"
        return f"Comptez quelques jours. Le code s'utilise {hours} au plus tôt après la demande."
    return "Le code s’utilise dès que la lettre est arrivée."


class CodeForm(Form):
    code = forms.CharField(
        label="Code reçu",
        help_text="6 chiffres. Vous pouvez le coller.",
        error_messages=missing("Saisissez le code reçu."),
        max_length=12,
        widget=forms.TextInput(CODE),
    )

    def clean_code(self) -> str:
        digits = re.sub(r"\s+", "", self.cleaned_data["code"])
        if not (digits.isdecimal() and len(digits) == 6):
            raise ValidationError("Le code compte 6 chiffres. Recopiez-le en entier.")
        return digits


class NewPasswordForm(Form):
    """A password that somebody chooses, typed twice. What it may be is not judged here."""

    password = forms.CharField(
        label="Mot de passe",
        help_text="12 caractères ou plus. Une phrase va très bien, avec ses espaces et ses accents.",
        error_messages=missing("Choisissez un mot de passe."),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="Le même mot de passe, une seconde fois",
        error_messages=missing("Saisissez le mot de passe une seconde fois."),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def clean(self) -> None:
        password, again = self.cleaned_data.get("password"), self.cleaned_data.get("again")
        if password and again and password != again:
            self.add_error("again", "Les deux mots de passe diffèrent. Saisissez le même.")


class LoginForm(NewPasswordForm):
    login = forms.CharField(
        label="Identifiant",
        help_text="Vous le taperez à chaque connexion. Gardez celui-ci, ou choisissez-en un "
        "de 8 caractères au moins.",
        error_messages=missing("Choisissez un identifiant."),
        max_length=80,
        widget=forms.TextInput({"autocomplete": "username", **TYPED_AS_IS}),
    )
    field_order = ("login", "password", "again")

    def clean_login(self) -> str:
        login = self.cleaned_data["login"].strip()
        if faults := logins.login_faults(login):
            raise ValidationError(faults)
        return login


class ContactForm(Form):
    channel = forms.ChoiceField(
        label="",
        choices=[(ContactChannel.SMS, "Par SMS"), (ContactChannel.EMAIL, "Par courriel")],
        error_messages=missing("Choisissez comment recevoir vos codes."),
        widget=Choices(
            hints={
                ContactChannel.SMS: "Sur votre téléphone mobile.",
                ContactChannel.EMAIL: "Dans une boîte que personne d’autre ne lit.",
            }
        ),
    )
    value = forms.CharField(
        label="Numéro de mobile ou adresse électronique",
        error_messages=missing("Saisissez votre numéro de mobile ou votre adresse électronique."),
        max_length=254,
        widget=forms.TextInput({"autocomplete": "on", **TYPED_AS_IS}),
    )

    def clean(self) -> None:
        channel, value = self.cleaned_data.get("channel"), self.cleaned_data.get("value")
        if channel and value:
            try:
                self.contact: Contact = contacts.validate(channel, value)
            except BadContact as bad:
                self.add_error("value", bad.sentence)


class ConsentForm(Form):
    agreed = forms.BooleanField(
        label="J'ai lu l'information. Je demande l'ouverture de mon dossier médical partagé.",
        error_messages=missing(
            "Cochez cette case pour ouvrir votre dossier. Sinon, renoncez : rien ne sera gardé."
        ),
    )
    # The official guide asks for both boxes ticked to begin with, each refusable alone.
    break_glass = forms.BooleanField(
        label="Un professionnel de santé peut lire mon dossier, s'il écrit pourquoi",
        help_text="Seulement si je ne peux pas m'exprimer et que ma santé court un risque immédiat.",
        required=False,
        initial=True,
    )
    regulation = forms.BooleanField(
        label="Le médecin régulateur peut lire mon dossier",
        help_text="Seulement quand on appelle le centre 15 pour moi.",
        required=False,
        initial=True,
    )
