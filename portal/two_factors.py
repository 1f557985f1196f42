"""Signing in with a login, a password and the code of an application: agents at a counter, staff.

The two portals show the same three pages; each says its own name and leads to its own home.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import signing_in
from accounts.actors import Actor
from accounts.signing_in import Step, browser_of
from portal import new_password, sign_in_words
from portal.doors import onward, wished, wished_page
from portal.forms import Form, posted
from portal.sent_twice import answered_once

AS_A_PAGE = method_decorator([never_cache, require_http_methods(["GET", "HEAD", "POST"])])


class LoginForm(Form):
    login = forms.CharField(
        label="Identifiant",
        help_text="Il est nominatif : ne le prêtez à personne.",
        max_length=80,
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": "Saisissez votre identifiant."},
    )
    password = forms.CharField(
        label="Mot de passe",
        max_length=200,
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
        max_length=12,
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
        max_length=200,
        help_text="12 caractères au moins. Une phrase va très bien, avec ses espaces et ses accents.",
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

    @property
    def home(self) -> str:
        return f"{self.namespace}:home"

    @AS_A_PAGE
    def sign_in(self, request: HttpRequest) -> HttpResponse:
        at, form, status = timezone.now(), LoginForm(posted(request)), 200
        browser = browser_of(request)
        if form.is_valid():
            try:
                pending = signing_in.begin(**form.cleaned_data, at=at, browser=browser, kinds=(self.kind,))
            except sign_in_words.REFUSED as refused:
                form.add_error(None, sign_in_words.said(refused, kind=self.kind, at=at))
                status = 503 if isinstance(refused, signing_in.HashingBusy) else 200
            else:
                signing_in.keep(request, pending)
                return self._on(request, "sign_in_code")
        return self._page(request, "sign_in", form, status=status)

    @AS_A_PAGE
    @method_decorator(answered_once)
    def code(self, request: HttpRequest) -> HttpResponse:
        at = timezone.now()
        pending = signing_in.pending(request, at=at)
        if pending is None or pending.kind != self.kind:
            return self._in_or_back(request, at=at)
        form = CodeForm(posted(request))
        if form.is_valid():
            try:
                proved = signing_in.check_code(
                    pending, form.cleaned_data["code"], browser=browser_of(request), at=at
                )
                return self._in_or_next(request, signing_in.finish(request, proved, at=at))
            except sign_in_words.CODE_REFUSED as refused:
                form.add_error("code", sign_in_words.said(refused, kind=self.kind, at=at))
        return self._page(request, "code", form, said=pending.said)

    @AS_A_PAGE
    @method_decorator(answered_once)
    def password(self, request: HttpRequest) -> HttpResponse:
        at = timezone.now()
        if signing_in.next_step(request, at=at) is not Step.PASSWORD:
            return self._in_or_back(request, at=at)
        form = new_password.form_of(request, NewPasswordForm)
        if form.is_valid():
            try:
                actor = signing_in.choose_password(request, form.cleaned_data["password"], at=at)
                return self._in_or_next(request, actor)
            except signing_in.WeakPassword as weak:
                form.add_error("password", new_password.sentences(weak))
            except signing_in.CodeExpired:
                return self._on(request, "sign_in")
        words = new_password.page_of(request, form, partial(signing_in.propose_password, request, at=at))
        return self._page(request, "password", form, words=words["words"])

    def _page(
        self, request: HttpRequest, name: str, form: Form, *, status: int = 200, **context: Any
    ) -> HttpResponse:
        again = onward(f"{self.namespace}:sign_in", wished(request, home=self.home))
        context |= {"form": form, "entrance": self, "again": again}
        return render(request, f"two_factors/{name}.html", context, status=status)

    def _on(self, request: HttpRequest, name: str) -> HttpResponse:
        # Each page posts to its own address: the page wished for stays in it from step to step.
        return redirect(onward(f"{self.namespace}:{name}", wished(request, home=self.home)))

    def _in_or_back(self, request: HttpRequest, *, at: datetime) -> HttpResponse:
        """Nothing is awaited on this page. Whoever came back to it with the browser's own button goes on
        where they are; whoever typed something here signs in again."""
        back = request.method != "POST"
        if back and request.actor.capacity == self.kind:
            return redirect(wished_page(request, home=self.home))
        if back and signing_in.next_step(request, at=at) is Step.PASSWORD:
            return self._on(request, "sign_in_password")
        return self._on(request, "sign_in")

    def _in_or_next(self, request: HttpRequest, actor: Actor | None) -> HttpResponse:
        if actor is None:
            return self._on(request, "sign_in_password")
        return redirect(wished_page(request, home=self.home))
