"""Finding a patient: by number, or by birth name and birth date. What is typed never stands in an address."""

from datetime import datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor
from accounts.identity import BadNir, parse_nir
from dossiers import finding
from dossiers.finding import Candidate
from portal.dates_asked import BirthDateField, DoubtingForm
from portal.forms import Form
from portal.typography import french

from .whom import professionals_only

UNTOLD = {"autocomplete": "off", "spellcheck": "false"}


class ByNumber(Form):
    ins = forms.CharField(
        label="Numéro de sécurité sociale (INS)",
        widget=forms.TextInput(UNTOLD),  # no numeric keyboard: Corsica has its letters
        error_messages={"required": "Saisissez les 15 chiffres."},
    )

    def clean_ins(self) -> str:
        try:
            return parse_nir(self.cleaned_data["ins"]).text15
        except BadNir as bad:
            raise forms.ValidationError(french(bad.sentence)) from None

    def found(self, *, by: Actor, at: datetime) -> list[Candidate]:
        return finding.by_ins(self.cleaned_data["ins"], by=by, at=at)


class ByName(DoubtingForm):
    birth_name = forms.CharField(
        label="Nom de naissance",
        widget=forms.TextInput(UNTOLD),
        error_messages={"required": "Saisissez le nom de naissance."},
    )
    given_name = forms.CharField(label="Prénom", required=False, widget=forms.TextInput(UNTOLD))
    birth_date = BirthDateField(
        label="Date de naissance",
        error_messages={"required": "Saisissez la date de naissance."},
    )

    def clean(self) -> None:
        born = self.cleaned_data.get("birth_date")
        if born is not None and born.is_lunar:
            self.doubt(
                "birth_date",
                [f"{born.oddity} Corrigez la date. Si sa carte la porte ainsi, cochez la case."],
                about=born.text,
                label="C’est bien la date que porte sa carte Vitale ou sa pièce d’identité.",
            )

    def found(self, *, by: Actor, at: datetime) -> list[Candidate]:
        asked = self.cleaned_data
        return finding.by_name(
            asked["birth_name"], asked["birth_date"], given_name=asked["given_name"], by=by, at=at
        )


@professionals_only
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: HttpRequest) -> HttpResponse:
    """Two ways to look, on one page; the answers come on the page that asked."""
    way = request.POST.get("par", "")
    forms_by_way = {
        name: form(request.POST if name == way else None)
        for name, form in (("numero", ByNumber), ("nom", ByName))
    }
    asked = forms_by_way.get(way)
    candidates = asked.found(by=request.actor, at=timezone.now()) if asked and asked.is_valid() else None
    return render(
        request, "professional/search.html", {**forms_by_way, "asked": asked, "candidates": candidates}
    )
