"""What a newcomer is asked, one question a page, and how the answers must be typed."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts import contacts, logins
from accounts.contacts import BadContact, Contact, ContactChannel, MaskedContact
from accounts.identity import BadBirthDate, BadNir, BirthDate, parse_nir
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


class NirForm(Form):
    nir = forms.CharField(
        label="Numéro de sécurité sociale",
        help_text="15 chiffres, sur la carte ou sous votre photo. Avec ou sans espaces.",
        error_messages=missing("Saisissez votre numéro de sécurité sociale."),
        max_length=40,
        widget=forms.TextInput({"class": "nir-input", "autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_nir(self) -> str:
        try:
            return parse_nir(self.cleaned_data["nir"]).text15
        except BadNir as bad:
            raise ValidationError(bad.sentence) from None


class NameForm(Form):
    birth_name = forms.CharField(
        label="Nom de naissance",
        help_text="Celui de votre acte de naissance, même si vous en utilisez un autre.",
        error_messages=missing("Saisissez votre nom de naissance."),
        max_length=80,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    given_name = forms.CharField(
        label="Premier prénom",
        help_text="Le premier de votre acte de naissance.",
        error_messages=missing("Saisissez votre premier prénom."),
        max_length=80,
        widget=forms.TextInput({"autocomplete": "given-name", "spellcheck": "false"}),
    )

    def clean_birth_name(self) -> str:
        return with_capitals(self.cleaned_data["birth_name"])

    def clean_given_name(self) -> str:
        return with_capitals(self.cleaned_data["given_name"])


class BirthDateField(forms.MultiValueField):
    """YYYYMMDD, lunar dates included; the three parts are judged together."""

    def __init__(self, **kwargs: Any) -> None:
        parts = [forms.CharField(required=False) for _ in DateInThree.parts]
        super().__init__(
            parts, widget=DateInThree(complete="bday"), require_all_fields=False, required=False, **kwargs
        )

    def compress(self, data_list: list[str]) -> str:
        day, month, year = data_list or ("", "", "")
        try:
            return BirthDate.from_fields(day, month, year, on=timezone.localdate()).text
        except BadBirthDate as bad:
            raise ValidationError(bad.sentence) from None


class BirthForm(Form):
    birth_date = BirthDateField(
        label="Date de naissance",
        help_text="Par exemple : jour 14, mois 3, année 1958. Si le jour ou le mois n'est pas connu, "
        "écrivez ce que porte votre carte.",
    )


class CardForm(Form):
    vitale_serial = forms.CharField(
        label="Numéro de série de la carte Vitale",
        help_text="Les chiffres écrits en petit, sous la puce. Avec ou sans espaces.",
        error_messages=missing("Saisissez le numéro de série de votre carte Vitale."),
        max_length=40,
        widget=forms.TextInput(
            {"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false", "class": "nir-input"}
        ),
    )

    def clean_vitale_serial(self) -> str:
        typed = re.sub(r"[\s.\-]+", "", self.cleaned_data["vitale_serial"])
        if not typed.isdecimal():
            raise ValidationError("Le numéro de série ne contient que des chiffres.")
        return typed


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
        label="J'ai lu l'information qui précède et je demande l'ouverture de mon dossier médical partagé.",
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
