"""Coming in with Pro Santé Connect, and saying where one practises today."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import pro_sante_connect
from accounts.pro_sante_connect import PracticeChoice, SignInRefused
from portal.forms import Choices, Form


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
    return render(request, "professional/sign_in.html")


@require_POST
def start(request: HttpRequest) -> HttpResponse:
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
    pro_sante_connect.choose_practice(request, choices[0].index, at=timezone.now())
    return redirect("professional:search")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def practice(request: HttpRequest) -> HttpResponse:
    choices = pro_sante_connect.choices(request)
    if not choices:
        return redirect("professional:sign_in")
    form = PracticeForm(choices, request.POST or None)
    if not form.is_valid():
        return render(request, "professional/practice.html", {"form": form})
    try:
        pro_sante_connect.choose_practice(request, form.cleaned_data["practice"], at=timezone.now())
    except SignInRefused as refused:
        return _sign_in_again(request, refused)
    return redirect("professional:search")


def _sign_in_again(request: HttpRequest, refused: SignInRefused) -> HttpResponse:
    return render(request, "professional/sign_in.html", {"refusal": str(refused)}, status=403)
