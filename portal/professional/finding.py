"""Finding a patient: by number, or by name and birth date. What is typed never stands in an address."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor
from accounts.birth_places import named
from accounts.identity import BadNir, parse_nir
from accounts.traits import absent, squeezed
from dossiers import finding
from dossiers.finding import Candidate, Found
from portal.dates import birth
from portal.dates_asked import BirthDateField, DoubtingForm
from portal.forms import Form
from portal.names import soft
from portal.templatetags.ui import ins_last
from portal.typography import french

from .whom import professionals_only

UNTOLD = {"autocomplete": "off", "spellcheck": "false"}


class ByNumber(Form):
    ins = forms.CharField(
        label="Numéro de sécurité sociale (INS)",
        max_length=80,
        widget=forms.TextInput(UNTOLD),  # no numeric keyboard: Corsica has its letters
        error_messages={"required": "Saisissez les 15 chiffres."},
    )

    def clean_ins(self) -> str:
        try:
            return parse_nir(self.cleaned_data["ins"]).text15
        except BadNir as bad:
            raise forms.ValidationError(french(bad.sentence)) from None

    def found(self, *, by: Actor, at: datetime) -> Found:
        return finding.by_ins(self.cleaned_data["ins"], by=by, at=at)


class ByName(DoubtingForm):
    birth_name = forms.CharField(
        label="Nom de naissance ou d’usage",
        max_length=80,
        widget=forms.TextInput(UNTOLD),
        error_messages={"required": "Saisissez le nom."},
    )
    given_name = forms.CharField(
        label="Prénom", required=False, max_length=80, widget=forms.TextInput(UNTOLD)
    )
    birth_date = BirthDateField(
        label="Date de naissance",
        error_messages={"required": "Saisissez la date de naissance."},
    )

    def clean_birth_name(self) -> str:
        name: str = self.cleaned_data["birth_name"]
        if not (absent(name) or any(map(str.isalpha, name))):
            raise forms.ValidationError(
                "Écrivez le nom avec ses lettres. Si la personne n’en a pas, écrivez un tiret."
            )
        return name

    def clean(self) -> None:
        born = self.cleaned_data.get("birth_date")
        if born is not None and born.is_lunar:
            self.doubt(
                "birth_date",
                f"{born.oddity} Corrigez la date. Si sa carte la porte ainsi, cochez la case.",
                about=born.text,
                label="C’est bien la date que porte sa carte Vitale ou sa pièce d’identité.",
            )

    def found(self, *, by: Actor, at: datetime) -> Found:
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
    found = asked.found(by=request.actor, at=timezone.now()) if asked and asked.is_valid() else None
    answers = [(candidate, facts(candidate)) for candidate in found or ()]
    page = {**forms_by_way, "asked": asked, "found": found, "answers": answers, "alike": alike(found or ())}
    return render(request, "professional/search.html", page)


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of somebody, in words; `distinct` when it tells them from who bears the same name."""

    label: str
    words: str
    distinct: bool = False


def facts(candidate: Candidate) -> list[Fact]:
    """The same facts of each, at the same place: two people are compared line by line."""
    woman = candidate.sex == "F"
    told = {
        "birth_name": ("Nom de naissance", candidate.birth_name.upper()),
        "given_names": ("Prénoms", ", ".join(map(soft, candidate.given_names))),
        "sex": ("Sexe", "Femme" if woman else "Homme"),
        "birth_date": ("Née le" if woman else "Né le", f"{birth(candidate.birth_date)} ({_age(candidate)})"),
        "birth_place": ("Lieu de naissance", named(candidate.birth_place)),
        "ins_end": ("INS", f"se termine par {ins_last(candidate.ins_end)}"),
    }
    return [Fact(label, words, name in candidate.differs) for name, (label, words) in told.items() if words]


def _age(candidate: Candidate) -> str:
    return f"{candidate.age} {'ans' if candidate.age > 1 else 'an'}"


@dataclass(frozen=True, slots=True)
class Alike:
    """People whom others call by one name."""

    count: int
    name: str

    @property
    def title(self) -> str:
        return f"{self.count} personnes nées le même jour s’appellent {self.name}"


def alike(candidates: Iterable[Candidate]) -> list[Alike]:
    """Those who are several to bear a name, and were born the same day, under the name that they share."""
    return [Alike(len(group), _shared(group)) for group in finding.namesakes(candidates)]


def _shared(group: Sequence[Candidate]) -> str:
    first, *others = group
    name = next(
        name for name in first.names if all(squeezed(name) in map(squeezed, one.names) for one in others)
    )
    return f"{soft(first.given_name)} {name.upper()}".strip()
