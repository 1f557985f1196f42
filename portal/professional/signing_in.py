"""Coming in with Pro Santé Connect, and saying where one practises today."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import pro_sante_connect
from accounts.actors import Capacity
from accounts.pro_sante_connect import NothingAwaited, PracticeChoice, SignInRefused
from portal.doors import wished
from portal.forms import Choices, Form
from portal.sent_twice import answered_once
from portal.typography import french

HOME = "professional:search"
AGAIN = french("Cette page de retour ne sert qu'une fois. Recommencez : rien n'est perdu.")
NOT_OUR_FAULT = {"late", "cancelled"}  # an ordinary day: the page is shown again, nothing was refused


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
    return render(request, "professional/sign_in.html", {"suite": wished(request, home=HOME), "refusal": ""})


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    page = wished(request, home=HOME)
    try:
        return redirect(pro_sante_connect.start(request, wished=page, at=timezone.now()))
    except SignInRefused as refused:
        return _sign_in_again(request, refused, page)


@never_cache
@require_safe
def come_back(request: HttpRequest) -> HttpResponse:
    """The answer of Pro Santé Connect. With one practice only, there is nothing to choose."""
    try:
        returned = pro_sante_connect.finish(request, at=timezone.now())
    except NothingAwaited:
        return _nothing_awaited(request)
    except SignInRefused as refused:
        return _sign_in_again(request, refused, "")
    match returned.choices:
        case ():
            return redirect(returned.wished or reverse(HOME))
        case (only,):
            return _enter(request, only.index)
    return redirect("professional:practice")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@answered_once
def practice(request: HttpRequest) -> HttpResponse:
    choices = pro_sante_connect.choices(request)
    if not choices:
        inside = request.actor.capacity is Capacity.PROFESSIONAL
        return redirect(HOME if inside else "professional:sign_in")
    form = PracticeForm(choices, request.POST or None)
    if not form.is_valid():
        return render(request, "professional/practice.html", {"form": form})
    return _enter(request, form.cleaned_data["practice"])


def _enter(request: HttpRequest, choice: int) -> HttpResponse:
    """To the page first asked for: the session forgets it as the professional comes in."""
    page = pro_sante_connect.wished_page(request)
    try:
        pro_sante_connect.choose_practice(request, choice, at=timezone.now())
    except SignInRefused as refused:
        return _sign_in_again(request, refused, page)
    return redirect(page or reverse(HOME))


def _nothing_awaited(request: HttpRequest) -> HttpResponse:
    """The return address, reloaded or opened from elsewhere: on to where one was, or back to the
    beginning."""
    if request.actor.capacity is Capacity.PROFESSIONAL:
        return redirect(HOME)
    if pro_sante_connect.choices(request):
        return redirect("professional:practice")
    return render(request, "professional/sign_in.html", {"refusal": AGAIN, "suite": ""})


def _sign_in_again(request: HttpRequest, refused: SignInRefused, page: str) -> HttpResponse:
    status = 200 if refused.code in NOT_OUR_FAULT else 503 if refused.silent else 403
    told = {"refusal": str(refused), "suite": page}
    return render(request, "professional/sign_in.html", told, status=status)
