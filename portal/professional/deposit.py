"""Depositing a document: the file, what it is, and who will see it."""

from functools import cache
from uuid import UUID, uuid4

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts import uploads
from accounts.actors import Capacity
from accounts.traits import normalise
from documents import deposit as deposits
from documents import nomenclature
from documents.deposit import AlreadyThere, BadDocument, TooManyWaiting
from dossiers import home
from dossiers.identity import HolderBanner
from portal.civility import civility
from portal.dates_asked import DayField, today
from portal.forms import Choices, Form

from .whom import professionals_only

LARGEST_REQUEST = deposits.MOST_BYTES + 1_000_000  # a file, and what the form says of it
PRINTED = "Imprimez-le en PDF, puis déposez cette copie : elle montre la même chose, et ne fait rien d’autre."
AGAIN = "Produisez-le de nouveau depuis le logiciel d’où il vient, puis redéposez-le."
SMALLER = "Imprimez-le en PDF en plusieurs parties, puis déposez chacune d’elles."
# Why a file was refused and what its author can do, by the verdict or by how it begins.
REFUSED = {
    "pdf.password": (
        "Il est protégé par un mot de passe.",
        "Enregistrez-en une copie sans mot de passe, puis déposez cette copie.",
    ),
    "pdf.unreadable": ("Il est abîmé : nous n’arrivons pas à le lire.", AGAIN),
    "pdf.no_page": ("Il n’a aucune page.", AGAIN),
    "pdf.too_complex": ("Il est trop lourd à lire sans danger.", SMALLER),
    "pdf.form": ("C’est un formulaire à remplir, qui change selon ce qu’on y écrit.", PRINTED),
    "pdf.changes": ("Il change ce qu’il montre dès qu’on l’ouvre.", PRINTED),
    "pdf.elsewhere": ("Il renvoie à un autre fichier, ou ouvre une adresse de lui-même.", PRINTED),
    "pdf.media": ("Il contient un son, une vidéo ou une image animée.", PRINTED),
    "pdf.": ("Il contient des actions automatiques : un document de santé ne doit que se lire.", PRINTED),
    "checks.exhausted": (
        "Il est trop lourd à lire : l’ouvrir demande trop de calcul ou de mémoire.",
        SMALLER,
    ),
    "checks.closed": (
        "Nous n’avons pas pu le vérifier. Ce n’est pas forcément la faute du fichier.",
        "Redéposez-le, ou imprimez-le en PDF et déposez cette copie.",
    ),
    "cda.": ("Ce document CDA n’est pas écrit comme il doit l’être.", AGAIN),
    "xml.": ("Ce document CDA n’est pas écrit comme il doit l’être.", AGAIN),
    "": ("Il est abîmé, ou contient ce qu’un document de santé ne doit pas contenir.", PRINTED),
}
MOST_NAMED = 8  # beyond, a list is no longer read
WAITING = (
    "Beaucoup de vos documents, ou de ceux de votre structure, attendent encore d’être vérifiés. Ce qui est "
    "déjà déposé est gardé. Celui-ci ne l’est pas encore : redéposez-le dans quelques minutes."
)
FIELD_AT_FAULT = {
    "type_code": "type",
    "visibility": None,
    "hidden_from_representatives": "shown_to_representatives",
}


@cache
def _types() -> dict[str, str]:
    """The types that can be deposited, by their label as it is compared."""
    return {normalise(kind.label): code for code, kind in nomenclature.DEPOSITABLE.items()}


# What people say, and how the nomenclature may have it.
ALSO = {"ORDONNANCE": "PRESCRIPTION", "ANALYSE": "BIOLOGIE", "RADIO": "IMAGERIE", "COURRIER": "LETTRE"}
STEM = 6  # letters: « biologie » finds « biologiques » too, and one that is not meant is not taken alone


def _says(label: str, word: str) -> bool:
    asked = (word, *(other for said, other in ALSO.items() if word.startswith(said)))
    return any(one[:STEM] in label for one in asked)


class TypeField(forms.CharField):
    """A type of the nomenclature, looked for by its words; the browser proposes those that match."""

    def clean(self, value: str | None) -> str:
        typed = normalise(super().clean(value))
        labels = _types()
        if typed in labels:
            return labels[typed]
        near = [code for label, code in labels.items() if all(_says(label, word) for word in typed.split())]
        if len(near) == 1:
            return near[0]
        if not near:
            raise forms.ValidationError(
                f"Aucun type ne contient « {value} ». Choisissez-en un dans la liste."
            )
        named = [nomenclature.DEPOSITABLE[code].label for code in near]
        if len(named) > MOST_NAMED:
            raise forms.ValidationError(
                f"« {value} » convient à {len(named)} types. Ajoutez un mot, ou choisissez dans la liste."
            )
        raise forms.ValidationError(
            f"« {value} » convient à {len(named)} types : {' ; '.join(named)}. "
            "Écrivez l’un d’eux, ou choisissez dans la liste."
        )


class Answer(forms.TypedChoiceField):
    """A question about who will see the document: answered each time, « oui » or « non »."""

    def __init__(self, label: str, *, yes: str, no: str, initial: str = "oui", **kwargs: object) -> None:
        super().__init__(
            label=label,
            choices=[("oui", "Oui"), ("non", "Non")],
            coerce=lambda value: value == "oui",
            widget=Choices(hints={"oui": yes, "non": no}),
            initial=initial,
            error_messages={"required": "Répondez par oui ou par non."},
            **kwargs,
        )


class DepositForm(Form):
    content = forms.FileField(
        label="Fichier",
        help_text="Un PDF, ou un document CDA (XML) produit par votre logiciel.",
        widget=forms.FileInput({"accept": "application/pdf,.pdf,text/xml,application/xml,.xml"}),
        error_messages={
            "required": "Choisissez le fichier.",
            "empty": "Ce fichier est vide. Choisissez-en un autre.",
        },
    )
    type = TypeField(
        label="Type de document",
        help_text="Tapez un mot : lettre, biologie, imagerie…",
        max_length=200,
        widget=forms.TextInput({"list": "types", "autocomplete": "off"}),
        error_messages={"required": "Dites de quel type est ce document."},
    )
    title = forms.CharField(
        label="Titre",
        help_text="Facultatif. Sans titre, celui du document CDA ou le type en tient lieu.",
        required=False,
        max_length=120,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    created_on = DayField(label="Date de l’acte", error_messages={"required": "Saisissez la date de l’acte."})
    shown_to_professionals = Answer(
        "Les autres professionnels autorisés peuvent-ils le lire ?",
        yes="Chacun selon son métier.",
        no="Il est masqué : personne ne le voit, sauf le patient et vous.",
    )
    shown_to_holder = Answer("", yes="", no="")  # worded for the patient, below
    shown_to_representatives = Answer(
        "Ses représentants légaux peuvent-ils le lire ?",
        yes="Ils le voient comme les autres documents.",
        no="Le document reste secret pour eux, traces comprises.",
        initial="",
        required=False,  # the operation knows whose dossier it is, and asks again for a minor
        empty_value=None,
    )

    again = forms.BooleanField(
        label="Le déposer une deuxième fois",
        required=False,
        help_text="Choisissez de nouveau le fichier : un navigateur ne le garde pas d’un essai à l’autre.",
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, initial={"created_on": today()}, **kwargs)

    def speak_of(self, holder: HolderBanner) -> None:
        """Word the questions for the patient, and ask about representatives only for a minor."""
        who = civility(holder, minor=holder.minor)
        shown = self["shown_to_holder"]  # the bound field: a form that was checked keeps its own labels
        shown.label = f"{who.said} peut-{who.pronoun} le lire dès maintenant ?"
        shown.field.widget.hints = {
            "oui": f"{who.capital} est prévenu{who.agreement} qu’un document arrive.",
            "non": f"{who.capital} attend que vous le lui annonciez en consultation.",
        }
        if not holder.minor:
            del self.fields["shown_to_representatives"]

    def answers(self) -> list[forms.BoundField]:
        """The questions about who will see the document."""
        return [self[name] for name, field in self.fields.items() if isinstance(field, Answer)]

    def clean(self) -> dict:
        answers = super().clean()
        if answers.get("shown_to_professionals") is False and answers.get("shown_to_holder") is False:
            raise forms.ValidationError(
                "Personne d’autre que vous ne pourrait lire ce document. "
                "Laissez-le lire au patient, ou aux professionnels autorisés."
            )
        return answers

    def deposited(self) -> dict:
        """What the operation wants, from what was answered."""
        told = self.cleaned_data
        shown_to_representatives = told.get("shown_to_representatives")
        return {
            "content": told["content"].read(),
            "file_name": told["content"].name,
            "media_type": "",  # what the browser says of it comes from its name, which is looked at
            "type_code": told["type"],
            "title": told["title"] or None,
            "created_on": told["created_on"],
            "unless_there": not told["again"],
            "masked": not told["shown_to_professionals"],
            "withheld": not told["shown_to_holder"],
            "hidden_from_representatives": None
            if shown_to_representatives is None
            else not shown_to_representatives,
        }


@uploads.takes(LARGEST_REQUEST, welcome=uploads.signed_in_as(Capacity.PROFESSIONAL))
@professionals_only
@require_http_methods(["GET", "HEAD", "POST"])
def deposit(request: HttpRequest, dossier_id: UUID) -> HttpResponse:
    form, status, wait = DepositForm(request.POST or None, request.FILES or None), 200, None
    there: AlreadyThere | None = None
    sent_as = _sent_as(request)
    if uploads.was_too_large(request):
        form = DepositForm({})
        form.errors.clear()
        form.add_error("content", deposits.TOO_LARGE.sentence)
    elif form.is_valid():
        try:
            receipt = deposits.deposit(
                dossier_id, **form.deposited(), sent_as=sent_as, by=request.actor, at=timezone.now()
            )
        except AlreadyThere as found:
            there = found
            form.add_error("content", found.sentence)
        except BadDocument as bad:
            form.add_error(FIELD_AT_FAULT.get(bad.field, bad.field), bad.sentence)
        except TooManyWaiting as full:
            form.add_error(None, WAITING)
            status, wait = 429, full.retry_after
        else:
            return redirect("professional:receipt", dossier_id, receipt.document_id)
    front = home.front(dossier_id, by=request.actor, at=timezone.now())
    form.speak_of(front.holder)
    page = {
        "holder": front.holder,
        "form": form,
        "types": nomenclature.choices(),
        "civility": civility(front.holder, minor=front.holder.minor),
        "sent_as": sent_as,
        "there": there,
    }
    response = render(request, "professional/deposit.html", page, status=status)
    if wait:
        response["Retry-After"] = int(wait.total_seconds())
    return response


def _sent_as(request: HttpRequest) -> UUID:
    """The identifier of the form sent, else of the one to be shown."""
    try:
        return UUID(request.POST.get("envoi", ""))
    except ValueError:
        return uuid4()


@professionals_only
@require_safe
def receipt(request: HttpRequest, dossier_id: UUID, document_id: UUID) -> HttpResponse:
    """What became of what was just deposited, as it truly stands."""
    deposited = deposits.receipt(dossier_id, document_id, by=request.actor, at=timezone.now())
    why, advice = why_refused(deposited.verdict)
    page = {
        "holder": deposited.holder,
        "receipt": deposited,
        "why": why,
        "advice": advice,
        "civility": civility(deposited.holder, minor=deposited.holder.minor),
    }
    return render(request, "professional/receipt.html", page)


def why_refused(verdict: str) -> tuple[str, str]:
    """What is wrong with a file, and what its author can do."""
    return REFUSED[max((start for start in REFUSED if verdict.startswith(start)), key=len)]
