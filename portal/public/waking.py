"""A web access asleep: one code is missing. Nothing here says what the dossier holds, if anything."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import signing_in
from accounts.actors import Actor
from accounts.contacts import ContactChannel
from accounts.signing_in import Asleep
from dossiers import waking
from dossiers.waking import AskedToday, Sleeping, WrongWakeCode
from portal import dates
from portal.forms import Form, posted
from portal.public.coming_in import in_or_back, in_or_next
from portal.sent_twice import answered_once, done_once
from portal.typography import french

DIGITS = 9
BY = {ContactChannel.SMS: "par SMS, au", ContactChannel.EMAIL: "par e-mail, à"}


class WakeForm(Form):
    code = forms.CharField(
        label="Code",
        help_text="9 chiffres. Avec ou sans espaces.",
        max_length=40,
        widget=forms.TextInput(
            {
                "class": "code-input wake-input",
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "spellcheck": "false",
            }
        ),
        error_messages={"required": "Recopiez les 9 chiffres du message ou de la lettre."},
    )

    def clean_code(self) -> str:
        digits = "".join(sign for sign in self.cleaned_data["code"] if sign.isdecimal())
        if len(digits) != DIGITS:
            typed = f"Vous avez tapé {len(digits)} chiffre{'s' if len(digits) > 1 else ''}."
            raise forms.ValidationError(
                f"{typed} Le code qui manque en compte {DIGITS} : il est dans l’autre message."
            )
        return digits


def arriving(request: HttpRequest, asleep: Asleep, *, at: datetime) -> Actor | None:
    """Login, password and code were right: this code may be what wakes the access. None when it is not."""
    if waking.wake_by_first_code(asleep.user_id, asleep.contact_id, by=asleep.by, at=at):
        return signing_in.woken(request, at=at)
    return None


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answered_once
def asleep(request: HttpRequest) -> HttpResponse:
    """« Il manque un code. » Typed here once, it wakes the access."""
    at = timezone.now()
    if (waiting := signing_in.asleep(request, at=at)) is None:
        return in_or_back(request, at=at)
    form = WakeForm(posted(request))
    if form.is_valid():
        try:
            waking.wake_by_code(waiting.user_id, form.cleaned_data["code"], by=waiting.by, at=at)
            return in_or_next(request, signing_in.woken(request, at=at), at=at)
        except WrongWakeCode as wrong:
            form.add_error("code", _wrong(wrong))
        except signing_in.CodeExpired:
            return redirect("public:sign_in")
    shown = waking.sleeping(waiting.user_id, at=at)
    return render(request, "public/asleep.html", {"form": form, **_said(shown)})


@never_cache
@require_POST
@done_once
def nothing_received(request: HttpRequest) -> HttpResponse:
    """« Je n'ai rien reçu »: it leaves for another known contact, or by letter, once a day."""
    at = timezone.now()
    if (waiting := signing_in.asleep(request, at=at)) is None:
        return redirect("public:sign_in")
    try:
        waking.nothing_received(waiting.user_id, by=waiting.by, at=at)
    except AskedToday as today:
        again = dates.soon(today.again_at, at=at)
        messages.warning(request, french(f"Un code est déjà parti. Vous pourrez en redemander un {again}."))
    else:
        messages.success(request, french("Un code va repartir, vers un autre contact connu ou par lettre."))
    return redirect("public:asleep")


def _wrong(wrong: WrongWakeCode) -> str:
    if wrong.tries_left == 0:
        return french("Trop d'essais. Touchez « Je n'ai rien reçu » : un autre code partira.")
    return french("Ce n'est pas ce code. Recopiez les 9 chiffres du message ou de la lettre.")


def _whole(mask: str) -> str:
    """On one line: « 06 ** ** ** 42 »."""
    return mask.replace(" ", "\u00a0")


def _said(shown: Sleeping) -> dict[str, Any]:
    """What left, when and how, in words; nothing else of this access."""
    sent = shown.sent
    letter = sent is not None and sent.channel == ContactChannel.POST
    how = ""
    if sent is not None:
        how = "par lettre" if letter else f"{BY[ContactChannel(sent.channel)]} {_whole(sent.mask)}"
    return {
        "sent_at": sent.at if sent else None,
        "how": how,
        "letter": letter,
        "on_its_way": shown.on_its_way,
        "second_visit": shown.second_visit,
        "new_rule": shown.never_asked,
    }
