"""A holder comes in: login and password, then a code sent to a contact they chose."""

from datetime import datetime
from functools import partial

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import signing_in
from accounts.actors import Capacity
from accounts.contacts import MaskedContact
from accounts.signing_in import PendingSignIn, Step, browser_of
from portal import new_password, sign_in_words
from portal.doors import SIGN_IN, wished
from portal.forms import Choices, Form, posted
from portal.public import waking
from portal.public.coming_in import HOME, in_or_back, in_or_next, on_to
from portal.public.questions import TYPED_AS_IS, CodeForm, NewPasswordForm, missing
from portal.sent_twice import answered_once, done_once

HOLDER = "holder"


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
    at, form, status = timezone.now(), SignInForm(posted(request)), 200
    browser = browser_of(request)
    if request.method != "POST" and "autre" not in request.GET and _code_waits(request, at=at):
        return on_to(request, "public:sign_in_code")
    if form.is_valid():
        try:
            pending = signing_in.begin(**form.cleaned_data, at=at, browser=browser, kinds=(HOLDER,))
        except sign_in_words.REFUSED as refusal:
            form.add_error(None, sign_in_words.said(refusal, kind=HOLDER, at=at))
            status = 503 if isinstance(refusal, signing_in.HashingBusy) else 200
        else:
            return _send_or_ask_where(request, pending, at=at)
    return render(
        request, "public/sign_in.html", {"form": form, "suite": wished(request, home=HOME)}, status=status
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@done_once
def where(request: HttpRequest) -> HttpResponse:
    """Somebody with two contacts says which one, and anybody asks for another code."""
    at = timezone.now()
    pending = signing_in.pending(request, at=at)
    if pending is None or not pending.said:
        return on_to(request, "public:sign_in")
    form = WhereForm(posted(request), contacts=pending.contacts)
    if form.is_valid():
        try:
            signing_in.send_code(
                pending, form.cleaned_data["contact"], browser=browser_of(request), at=at, again=True
            )
            return on_to(request, "public:sign_in_code")
        except signing_in.TooSoon as refusal:
            form.add_error("contact", sign_in_words.said(refusal, kind=HOLDER, at=at))
        except signing_in.CodeExpired:
            return on_to(request, "public:sign_in")
    return _ask_where(request, form)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answered_once
def code(request: HttpRequest) -> HttpResponse:
    at, form = timezone.now(), CodeForm(posted(request))
    if (pending := signing_in.pending(request, at=at)) is None:
        return in_or_back(request, at=at)
    if form.is_valid():
        try:
            proved = signing_in.check_code(
                pending, form.cleaned_data["code"], browser=browser_of(request), at=at
            )
            actor = signing_in.finish(request, proved, at=at)
            if (asleep := signing_in.asleep(request, at=at)) is not None:
                actor = waking.arriving(request, asleep, at=at)
            return in_or_next(request, actor, at=at)
        except sign_in_words.CODE_REFUSED as refusal:
            form.add_error("code", sign_in_words.said(refusal, kind=HOLDER, at=at))
    context = {
        "form": form,
        "said": pending.said,
        "sent": signing_in.code_under_way(pending, at=at) if pending.said else None,
        "suite": wished(request, home=HOME),
    }
    return render(request, "public/sign_in_code.html", context)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answered_once
def first_password(request: HttpRequest) -> HttpResponse:
    """Whoever comes with the printed password chooses their own before going further."""
    at = timezone.now()
    if signing_in.next_step(request, at=at) is not Step.PASSWORD:
        return in_or_back(request, at=at)
    form = new_password.form_of(request, NewPasswordForm)
    if form.is_valid():
        try:
            actor = signing_in.choose_password(request, form.cleaned_data["password"], at=at)
            return in_or_next(request, actor, at=at)
        except signing_in.WeakPassword as weak:
            form.add_error("password", new_password.sentences(weak))
        except signing_in.CodeExpired:
            return on_to(request, "public:sign_in")
    context = new_password.page_of(request, form, partial(signing_in.propose_password, request, at=at))
    return render(request, "public/first_password.html", context)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Everybody leaves by the same door, and sees that they have left."""
    left = request.actor.capacity
    signing_in.sign_out(request, at=timezone.now())
    answer = redirect(
        SIGN_IN.get(left, "public:sign_in") if left is not Capacity.HOLDER else "public:signed_out"
    )
    answer["Clear-Site-Data"] = '"storage"'  # htmx notes there the last address; pages are kept nowhere
    return answer


def _code_waits(request: HttpRequest, *, at: datetime) -> bool:
    """Whether a code can still be typed: somebody closed the page and comes back."""
    pending = signing_in.pending(request, at=at)
    return pending is not None and signing_in.code_may_live(pending, at=at)


def _send_or_ask_where(request: HttpRequest, pending: PendingSignIn, *, at: datetime) -> HttpResponse:
    """A code leaves at once, unless there are several places where it could go."""
    signing_in.keep(request, pending)
    if not pending.said:
        return on_to(request, "public:sign_in_code")
    if len(pending.contacts) > 1 and not signing_in.code_under_way(pending, at=at):
        return on_to(request, "public:sign_in_where")
    try:
        signing_in.send_code(pending, browser=browser_of(request), at=at)
    except signing_in.TooSoon as refusal:
        form = WhereForm({"contact": pending.contacts[0].id}, contacts=pending.contacts)
        form.add_error("contact", sign_in_words.said(refusal, kind=HOLDER, at=at))
        return _ask_where(request, form)
    return on_to(request, "public:sign_in_code")


def _ask_where(request: HttpRequest, form: WhereForm) -> HttpResponse:
    return render(request, "public/sign_in_where.html", {"form": form, "suite": wished(request, home=HOME)})
