"""Coming in with Pro Santé Connect, and saying where one practises today."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import pro_sante_connect
from accounts.pro_sante_connect import PracticeChoice, SignInRefused
from portal.doors import wished
from portal.forms import Choices, Form

WISHED = "wished_page"  # found to be ours before it goes into the session


class PracticeForm(Form):
    practice = forms.TypedChoiceField(
        label="",
        coerce=int,
        widget=Choices,
        error_messages={"required": "Choisissez où vous exercez."},
    )

    def __init__(self, choices: tuple[PracticeChoice, ...], data: dict | None = None) -> None:
        super().__init__(data)
        self.fields["practice"].choices = [
            (choice.index, choice.structure or "Sans structure") for choice in choices
        ]
        self.fields["practice"].widget.hints = {
            str(choice.index): choice.profession_label for choice in choices
        }


@require_safe
def sign_in(request: HttpRequest) -> HttpResponse:
    return render(request, "professional/sign_in.html", {"suite": wished(request)})


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    request.session[WISHED] = wished(request)
    try:
        return redirect(pro_sante_connect.start(request, at=timezone.now()))
    except SignInRefused as refused:
        return _sign_in_again(request, refused)


@never_cache
@require_safe
def come_back(request: HttpRequest) -> HttpResponse:
    """The answer of Pro Santé Connect. With one practice only, there is nothing to choose."""
    try:
        choices = pro_sante_connect.finish(request, at=timezone.now())
    except SignInRefused as refused:
        return _sign_in_again(request, refused)
    if len(choices) != 1:
        return redirect("professional:practice")
    return _enter(request, choices[0].index)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def practice(request: HttpRequest) -> HttpResponse:
    choices = pro_sante_connect.choices(request)
    if not choices:
        return redirect("professional:sign_in")
    form = PracticeForm(choices, request.POST or None)
    if not form.is_valid():
        return render(request, "professional/practice.html", {"form": form})
    return _enter(request, form.cleaned_data["practice"])


def _enter(request: HttpRequest, choice: int) -> HttpResponse:
    """To the page first asked for: the session forgets it as the professional comes in."""
    page = request.session.get(WISHED) or reverse("professional:search")
    try:
        pro_sante_connect.choose_practice(request, choice, at=timezone.now())
    except SignInRefused as refused:
        return _sign_in_again(request, refused)
    return redirect(page)


def _sign_in_again(request: HttpRequest, refused: SignInRefused) -> HttpResponse:
    told = {"refusal": str(refused), "suite": request.session.get(WISHED, "")}
    return render(request, "professional/sign_in.html", told, status=403)
