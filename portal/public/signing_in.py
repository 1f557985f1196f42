"""A holder comes in: login and password, then a code sent to a contact they chose."""

from datetime import datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import signing_in
from accounts.actors import Capacity
from accounts.contacts import MaskedContact
from portal.doors import SIGN_IN, onward, wished, wished_page
from portal.forms import Choices, Form, posted
from portal.public.questions import TYPED_AS_IS, CodeForm, NewPasswordForm, missing
from portal.typography import french

SENT = "code_sent"  # what the code page says of the code under way: no secret


class SignInForm(Form):
    login = forms.CharField(
        label="Identifiant",
        help_text="Il figure sur la fiche remise à l'ouverture de votre dossier.",
        error_messages=missing("Saisissez votre identifiant."),
        max_length=80,
        widget=forms.TextInput({"autocomplete": "username", **TYPED_AS_IS}),
    )
    password = forms.CharField(
        label="Mot de passe",
        error_messages=missing("Saisissez votre mot de passe."),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )


class WhereForm(Form):
    contact = forms.ChoiceField(
        label="", error_messages=missing("Choisissez où recevoir votre code."), widget=Choices()
    )

    def __init__(self, *args: object, contacts: tuple[MaskedContact, ...], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["contact"].choices = [
            (str(one.id), f"Par SMS au {one.mask}" if one.channel == "sms" else f"Par courriel à {one.mask}")
            for one in contacts
        ]


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    at, form = timezone.now(), SignInForm(posted(request))
    if form.is_valid():
        try:
            return _begin(request, at=at, **form.cleaned_data)
        except (signing_in.WrongCredentials, signing_in.TooManyTries) as refusal:
            form.add_error(None, str(refusal))
        except signing_in.TooSoon as soon:
            form.add_error(None, _too_soon(soon, at))
    suite = request.POST.get("suite") or request.GET.get("suite", "")
    return render(request, "public/sign_in.html", {"form": form, "suite": suite})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def where(request: HttpRequest) -> HttpResponse:
    """Somebody with two contacts says which one, and anybody asks for another code."""
    at = timezone.now()
    if (pending := signing_in.pending(request, at=at)) is None:
        return _onward(request, "public:sign_in")
    form = WhereForm(posted(request), contacts=pending.contacts)
    if form.is_valid():
        try:
            return _send(request, pending, at=at, contact=form.cleaned_data["contact"])
        except signing_in.TooSoon as soon:
            form.add_error("contact", _too_soon(soon, at))
    return render(request, "public/sign_in_where.html", {"form": form, "suite": request.GET.get("suite", "")})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    at, form = timezone.now(), CodeForm(posted(request))
    if (pending := signing_in.pending(request, at=at)) is None:
        return _onward(request, "public:sign_in")
    if form.is_valid():
        try:
            proved = signing_in.check_code(pending, form.cleaned_data["code"], at=at)
        except signing_in.WrongCode as wrong:
            left = wrong.tries_left
            form.add_error(
                "code",
                french(f"Ce n'est pas le bon code. Il vous reste {left} essai{'s' if left > 1 else ''}."),
            )
        except (signing_in.CodeExpired, signing_in.NoTriesLeft):
            form.add_error("code", "Ce code ne marche plus. Demandez-en un autre.")
        except signing_in.TooManyTries as tried:
            form.add_error(None, str(tried))
        else:
            actor = signing_in.finish(request, proved, at=at)
            return (
                redirect(wished_page(request, otherwise="patient:home"))
                if actor
                else redirect("public:first_password")
            )
    sent = request.session.get(SENT) or {}
    context = {
        "form": form,
        "mask": sent.get("mask"),
        "channel": sent.get("channel"),
        "suite": request.GET.get("suite", ""),
    }
    context["until"] = parse_datetime(sent["until"]) if sent else None
    return render(request, "public/sign_in_code.html", context)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def first_password(request: HttpRequest) -> HttpResponse:
    """Whoever comes with the printed password chooses their own before going further."""
    at = timezone.now()
    if not signing_in.awaiting_password(request, at=at):
        return redirect("public:sign_in")
    form = NewPasswordForm(posted(request))
    if form.is_valid():
        try:
            signing_in.choose_password(request, form.cleaned_data["password"], at=at)
            return redirect("patient:home")
        except signing_in.WeakPassword as weak:
            form.add_error("password", weak.faults)
    return render(request, "public/first_password.html", {"form": form})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Everybody leaves by the same door, and sees that they have left."""
    left = request.actor.capacity
    signing_in.sign_out(request, at=timezone.now())
    return redirect(
        SIGN_IN.get(left, "public:sign_in") if left is not Capacity.HOLDER else "public:signed_out"
    )


def _begin(request: HttpRequest, *, login: str, password: str, at: datetime) -> HttpResponse:
    """The password is right: a code leaves at once, unless there are several places where it could go."""
    origin = signing_in.origin_of(request)
    pending = signing_in.begin(login, password, at=at, origin=origin, kinds=("holder",))
    signing_in.keep(request, pending)
    if len(pending.contacts) == 1:
        return _send(request, pending, at=at)
    return _onward(request, "public:sign_in_where")


def _send(
    request: HttpRequest, pending: signing_in.PendingSignIn, *, at: datetime, contact: str | None = None
) -> HttpResponse:
    sent = signing_in.send_code(pending, contact, at=at)
    request.session[SENT] = {"channel": sent.channel, "mask": sent.mask, "until": sent.expires_at.isoformat()}
    return _onward(request, "public:sign_in_code")


def _onward(request: HttpRequest, name: str) -> HttpResponse:
    return redirect(onward(name, wished(request)))


def _too_soon(soon: signing_in.TooSoon, at: datetime) -> str:
    seconds = max(1, int((soon.again_at - at).total_seconds()))
    return french(
        f"Un code vient de partir. Attendez encore {seconds} secondes avant d'en demander un autre."
    )
