"""What the agent answers for the person who stands there."""

from typing import Any

from django import forms

from accounts import contacts
from accounts.contacts import BadContact, ContactChannel
from dossiers.counter import IdentityDocument
from portal.civility import Civility
from portal.forms import Choices, Form

NO_CONTACT = "aucun"


class IdentityForm(Form):
    shown = forms.ChoiceField(
        label="Ce que vous avez regardé",
        choices=[
            (document.name, document.value[:1].upper() + document.value[1:]) for document in IdentityDocument
        ],
        widget=Choices,
        error_messages={"required": "Dites ce que vous avez regardé pour vérifier l’identité."},
    )


class AgreementForm(Form):
    """One box that stands as proof; two answers for emergencies, given as the guide wants; how to be reached.

    For a minor, a representative answers, and there is no access on the web yet.
    """

    representative = forms.CharField(
        label="Qui donne son accord ?",
        help_text="Prénom, nom, et lien avec l’enfant : « Anne Tessa, sa mère ».",
        max_length=120,
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": "Écrivez qui donne son accord pour l’enfant."},
    )
    agreed = forms.BooleanField(
        label="La personne a dit oui, après avoir été informée",
        error_messages={
            "required": "Sans accord, aucun dossier ne s’ouvre. Cochez la case, ou laissez réfléchir."
        },
    )
    regulation = forms.BooleanField(label="Par le Samu, quand on appelle le 15", required=False, initial=True)
    break_glass = forms.BooleanField(
        label="Par un médecin présent",
        help_text="Décochez ce qui est refusé : on peut accepter l’un et refuser l’autre.",
        required=False,
        initial=True,
    )
    channel = forms.ChoiceField(
        label="Où recevoir les codes de connexion ?",
        choices=[
            (ContactChannel.SMS.value, "Par SMS"),
            (ContactChannel.EMAIL.value, "Par courriel"),
            (NO_CONTACT, "Ni téléphone, ni courriel"),
        ],
        widget=Choices(
            hints={NO_CONTACT: "Le dossier s’ouvre sans accès par Internet. Les soignants s’en servent."}
        ),
        error_messages={
            "required": "Choisissez comment recevoir les codes, ou « ni téléphone, ni courriel »."
        },
    )
    phone = forms.CharField(
        label="Téléphone mobile",
        help_text="À remplir pour les SMS.",
        required=False,
        widget=forms.TextInput({"type": "tel", "inputmode": "tel", "autocomplete": "off", "class": "short"}),
    )
    email = forms.CharField(
        label="Adresse électronique",
        help_text="À remplir pour les courriels.",
        required=False,
        widget=forms.TextInput(
            {"type": "email", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, minor: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("channel", "phone", "email") if minor else ("representative",):
            del self.fields[name]

    def speak_of(self, person: Civility, *, brochure: str) -> None:
        """Word the box that stands as proof: who agreed, and what is recorded with it."""
        box = self["agreed"]  # the bound field: a form that was checked already keeps its own labels
        if "representative" in self.fields:
            box.label = "Cette personne a dit oui, après avoir été informée"
        else:
            box.label = f"{person.said} a dit oui, après avoir été informé{person.agreement}"
        recorded = f"votre nom, l’heure et la brochure remise (version {brochure})"
        box.help_text = f"Cocher vaut preuve : {recorded} sont enregistrés."

    def clean(self) -> dict[str, Any]:
        answers = super().clean()
        field = {ContactChannel.SMS: "phone", ContactChannel.EMAIL: "email"}.get(answers.get("channel"))
        if field:
            try:
                answers["contact"] = contacts.validate(answers["channel"], answers.get(field, ""))
            except BadContact as bad:
                self.add_error(field, bad.sentence)
        return answers

    def told(self) -> dict[str, Any]:
        """What the operation wants, from what was answered."""
        answers = self.cleaned_data
        return {
            "agreed": answers["agreed"],
            "break_glass": answers["break_glass"],
            "regulation": answers["regulation"],
            "contact": answers.get("contact"),
            "representative": answers.get("representative", ""),
        }
