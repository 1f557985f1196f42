"""Choosing a password, at every door: what is refused says why, and four words are there to be taken.

The words proposed live in the session, on our side, and never in the page's fields.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.http import HttpRequest

from accounts.passwords import SHORTEST, Fault, WeakPassword
from portal.typography import french

AForm = TypeVar("AForm", bound=forms.Form)
CHOICE, TAKE, OTHERS = "choix", "propose", "autres"
_PROPOSED = "proposed_words"

SENTENCES = {
    Fault.LONG: "Il dépasse 128 caractères. Raccourcissez-le.",
    Fault.PRINTED: "C'est celui qui était imprimé. Choisissez-en un autre.",
    Fault.NIR: "Il contient un numéro de sécurité sociale. Retirez-le, ou changez tout.",
    Fault.CARD: "Il contient le numéro de votre carte Vitale. Retirez-le, ou changez tout.",
    Fault.BIRTH: "Il contient votre date de naissance. Retirez-la, ou changez tout.",
    Fault.CONTACT: "Il contient votre numéro de téléphone ou votre adresse électronique. Retirez-les.",
    Fault.LOGIN: "Il contient votre identifiant, ou une partie. Retirez-la, ou changez tout.",
    Fault.NAME: "Il contient votre nom ou votre prénom. Retirez-le, ou changez tout.",
    Fault.COMMON: "Beaucoup de gens choisissent un mot de passe comme celui-ci : il serait vite essayé.",
    Fault.GUESSED: "Il se devine trop vite. Ajoutez des mots sans lien entre eux.",
}


def sentences(weak: WeakPassword) -> list[str]:
    """Why a password does not do, and how to mend it."""
    short = f"Il faut au moins {SHORTEST} caractères : il en manque {weak.missing}."
    return [french(short if fault is Fault.SHORT else SENTENCES[fault]) for fault in weak.faults]


def form_of(request: HttpRequest, kind: type[AForm], **initial: Any) -> AForm:
    """The form as it was sent: with the words of the page when it is them that were taken, as new when others
    were asked for."""
    if request.method != "POST":
        return kind(initial=initial)
    choice, words = request.POST.get(CHOICE), request.session.get(_PROPOSED)
    if choice == TAKE and words:
        typed = request.POST.copy()
        typed["password"] = typed["again"] = " ".join(words)
        return kind(typed)
    if choice in {TAKE, OTHERS}:
        return kind(initial=initial | {name: request.POST[name] for name in initial if name in request.POST})
    return kind(request.POST)


def page_of(request: HttpRequest, form: forms.Form, propose: Callable[[], tuple[str, ...]]) -> dict[str, Any]:
    """What the page shows: the form, and four words once a password was refused or when they were asked
    for."""
    choice = request.POST.get(CHOICE)
    if choice in {TAKE, OTHERS} or (form.has_error("password") and _PROPOSED not in request.session):
        request.session[_PROPOSED] = list(propose())
    shown = request.method == "POST" and (choice in {TAKE, OTHERS} or form.has_error("password"))
    return {"form": form, "words": request.session[_PROPOSED] if shown else ()}
