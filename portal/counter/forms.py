"""What the agent answers for the person who stands there."""

from typing import Any

from django import forms

from access.waking import Chosen
from accounts import contacts
from accounts.contacts import BadContact
from dossiers.counter import NOTHING, Answers, Visit, Wish
from portal.civility import Civility
from portal.forms import Form

NO_CONTACT = "rien"
OWN, RELATIVE, NO_LETTER = "elle", "proche", "sans-lettre"


class AgreementForm(Form):
    """One box that stands as proof; two answers for emergencies; how to be reached, each answer a button.

    For a minor, a representative answers, and there is no access on the web yet. For a dossier that exists
    only the contact is asked.
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
    regulation = forms.BooleanField(
        label="Le médecin régulateur du 15 peut lire son dossier", required=False, initial=True
    )
    break_glass = forms.BooleanField(
        label="Un professionnel de santé peut l’ouvrir, s’il écrit pourquoi", required=False, initial=True
    )
    other = forms.CharField(
        label="Ce qu’on vous dit",
        help_text="Un mobile ou une adresse électronique.",
        required=False,
        max_length=254,
        widget=forms.TextInput(
            {
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "inputmode": "email",
            }
        ),
    )

    def __init__(self, *args: Any, visit: Visit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.visit = visit
        self.wish = NOTHING
        if visit.exists:
            left_out = ["representative", "agreed", "regulation", "break_glass"]
        else:
            left_out = ["other"] if visit.minor else ["representative"]
        for name in left_out:
            del self.fields[name]

    def speak_of(self, person: Civility, *, version: str) -> None:
        """Word the box that stands as proof: who agreed, and what is recorded with it."""
        if "agreed" not in self.fields:
            return
        box = self["agreed"]  # the bound field: a form that was checked already keeps its own labels
        if "representative" in self.fields:
            box.label = "Cette personne a dit oui, après avoir été informée"
        else:
            box.label = f"{person.said} a dit oui, après avoir été informé{person.agreement}"
        recorded = f"votre nom, l’heure et le texte lu (version {version})"
        box.help_text = f"Cocher vaut preuve : {recorded} sont enregistrés."

    def clean(self) -> dict[str, Any]:
        answers = super().clean()
        if "other" in self.fields:
            self.wish = self._wish()
        return answers

    def _wish(self) -> Wish:
        """What the button pressed says."""
        pressed, whose = self.data.get("contact", ""), self.data.get("a_qui", "")
        if pressed == NO_CONTACT:
            return NOTHING
        if pressed:
            return Wish(Chosen.KNOWN, contact_id=pressed)
        if whose not in (OWN, RELATIVE, NO_LETTER):
            self.add_error("other", "Dites à qui il est : « C’est le sien », ou « C’est celui d’un proche ».")
            return NOTHING
        try:
            contact = contacts.typed_anew(self.cleaned_data.get("other", ""))
        except BadContact as bad:
            self.add_error("other", self._without_contact() if not self.data.get("other") else bad.sentence)
            return NOTHING
        chosen = Chosen.NO_LETTER if whose == NO_LETTER else Chosen.TYPED
        return Wish(chosen, contact=contact, relative=whose == RELATIVE)

    def _without_contact(self) -> str:
        if self.data.get("a_qui") == NO_LETTER:
            return "Écrivez le téléphone ou l’adresse qu’on vous dit : il sera redemandé au second passage."
        return "Écrivez le téléphone mobile ou l’adresse électronique qu’on vous dit."

    def answers(self) -> Answers:
        """What was agreed to, from what was answered."""
        given = self.cleaned_data
        return Answers(
            agreed=given.get("agreed", True),
            break_glass=given.get("break_glass", True),
            regulation=given.get("regulation", True),
            representative=given.get("representative", ""),
        )


class CounterCodeForm(Form):
    code = forms.CharField(
        label="Les 6 chiffres qu’on vous lit",
        help_text="Ce code ne sert qu’ici, aujourd’hui. Il ne permet pas de se connecter.",
        max_length=12,
        widget=forms.TextInput(
            {"class": "code-input", "inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"}
        ),
        error_messages={"required": "Écrivez les six chiffres, ou passez par « Le code n’arrive pas »."},
    )

    def clean_code(self) -> str:
        digits = "".join(sign for sign in self.cleaned_data["code"] if sign.isdecimal())
        if len(digits) != 6:
            raise forms.ValidationError("Le code compte 6 chiffres. Faites-le relire, chiffre par chiffre.")
        return digits
