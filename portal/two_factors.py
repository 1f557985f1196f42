"""Signing in with a login, a password and the code of an application: agents at a counter, staff.

The two portals show the same three pages; each says its own name and leads to its own home.
"""

from dataclasses import dataclass

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import signing_in
from portal.doors import onward, wished, wished_page
from portal.forms import Form

CODE_REFUSED = (
    signing_in.WrongCode,
    signing_in.CodeExpired,
    signing_in.NoTriesLeft,
    signing_in.TooManyTries,
)
AS_A_PAGE = method_decorator([never_cache, require_http_methods(["GET", "HEAD", "POST"])])


class LoginForm(Form):
    login = forms.CharField(
        label="Identifiant",
        help_text="Il est nominatif : ne le prêtez à personne.",
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": "Saisissez votre identifiant."},
    )
    password = forms.CharField(
        label="Mot de passe",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={"required": "Saisissez votre mot de passe."},
    )


class CodeField(forms.RegexField):
    """Six digits, with or without the space that applications show in the middle."""

    def to_python(self, value: str | None) -> str:
        return "".join(super().to_python(value).split())


class CodeForm(Form):
    code = CodeField(
        r"^[0-9]{6}$",
        label="Code à 6 chiffres",
        help_text="Votre application d’authentification l’affiche. Il change toutes les 30 secondes.",
        widget=forms.TextInput(
            {
                "class": "code-input",
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "spellcheck": "false",
            }
        ),
        error_messages={
            "required": "Saisissez le code que l’application affiche.",
            "invalid": "Le code compte 6 chiffres.",
        },
    )


class NewPasswordForm(Form):
    password = forms.CharField(
        label="Nouveau mot de passe",
        help_text="12 signes au moins. Une phrase que vous seul connaissez convient très bien.",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        error_messages={"required": "Choisissez un mot de passe."},
    )


@dataclass(frozen=True)
class Entrance:
    """The three pages of one portal: kind of account, namespace of its routes, name of the space."""

    kind: str
    namespace: str
    space: str

    @AS_A_PAGE
    def sign_in(self, request: HttpRequest) -> HttpResponse:
        form = LoginForm(request.POST or None)
        if form.is_valid():
            try:
                pending = signing_in.begin(
                    form.cleaned_data["login"],
                    form.cleaned_data["password"],
                    at=timezone.now(),
                    origin=signing_in.origin_of(request),
                    kinds=(self.kind,),
                )
            except (signing_in.WrongCredentials, signing_in.TooManyTries) as refused:
                form.add_error(None, str(refused))
            else:
                signing_in.keep(request, pending)
                return self._on(request, "sign_in_code")
        return self._page(request, "sign_in", form)

    @AS_A_PAGE
    def code(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        pending = signing_in.pending(request, at=now)
        if pending is None:
            return self._on(request, "sign_in")
        form = CodeForm(request.POST or None)
        if form.is_valid():
            try:
                proved = signing_in.check_code(pending, form.cleaned_data["code"], at=now)
            except CODE_REFUSED as refused:
                form.add_error("code", str(refused))
            else:
                entered = signing_in.finish(request, proved, at=now)
                return self._in(request) if entered else self._on(request, "sign_in_password")
        return self._page(request, "code", form)

    @AS_A_PAGE
    def password(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        if not signing_in.awaiting_password(request, at=now):
            return self._on(request, "sign_in")
        form = NewPasswordForm(request.POST or None)
        if form.is_valid():
            try:
                signing_in.choose_password(request, form.cleaned_data["password"], at=now)
            except signing_in.WeakPassword as weak:
                form.add_error("password", weak.faults)
            else:
                return self._in(request)
        return self._page(request, "password", form)

    def _page(self, request: HttpRequest, name: str, form: Form) -> HttpResponse:
        again = onward(f"{self.namespace}:sign_in", wished(request))
        return render(request, f"two_factors/{name}.html", {"form": form, "entrance": self, "again": again})

    def _on(self, request: HttpRequest, name: str) -> HttpResponse:
        # Each page posts to its own address: the page wished for stays in it from step to step.
        return redirect(onward(f"{self.namespace}:{name}", wished(request)))

    def _in(self, request: HttpRequest) -> HttpResponse:
        return redirect(wished_page(request, otherwise=f"{self.namespace}:home"))
