"""Opening one's own dossier, one question a page. Every page works alone: read, keep, go on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.gate import Refused
from access.policy import Reason
from accounts import logins, signing_in
from accounts.attempts import TooManyTries
from accounts.browsers import browser_of
from accounts.contacts import ContactChannel
from accounts.insurer import InsurerUnreachable
from dossiers import enrolment, information
from dossiers.enrolment import EnrolmentState, Incomplete, Step
from portal import dates, new_password
from portal.forms import posted
from portal.public import opening_under_way, questions
from portal.sent_twice import answered_once, done_once
from portal.typography import french
from portal.wording import REFUSALS

STEPS = ("Votre identité", "Votre code", "Vos accès", "Vous joindre", "Lire et accepter")
PAGE_OF_STEP = {
    Step.IDENTITY: "public:enrol_nir",
    Step.CHANNEL: "public:enrol_channel",
    Step.CODE: "public:enrol_code",
    Step.EXISTS: "public:enrol_exists",
    Step.LOGIN: "public:enrol_login",
    Step.CONTACT: "public:enrol_contact",
    Step.CONTACT_CODE: "public:enrol_contact_code",
    Step.CONSENT: "public:enrol_information",
}

Applying = Callable[..., HttpResponse]


def applying(view: Callable[..., HttpResponse], *, after_a_letter: bool = False) -> Applying:
    """A page of an opening under way: `application` is its id. Without one, back to the start.

    Who is brought back by the cookie of a letter sees the pages that are for `after_a_letter`, until its
    code.
    """

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        under_way = opening_under_way.of(request)
        if under_way is None:
            return redirect("public:enrol")
        if under_way.came_back and not after_a_letter:
            return redirect("public:enrol_code")
        try:
            response = view(request, under_way.application, *args, **kwargs)
        except Incomplete as incomplete:
            lost = under_way.came_back and incomplete.step not in {Step.CHANNEL, Step.CODE}
            response = redirect("public:enrol" if lost else PAGE_OF_STEP[incomplete.step])
            if lost:  # there is no letter any more in this opening: its answers are not for who came back
                opening_under_way.forget(request, response)
        except Refused as refused:
            if refused.decision.reason not in {Reason.ABSENT, Reason.EXPIRED}:
                raise
            response = _gone(request)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return door


def _gone(request: HttpRequest) -> HttpResponse:
    response = render(request, "public/enrolment/gone.html", {"answer": REFUSALS[Reason.EXPIRED]}, status=403)
    opening_under_way.forget(request, response)
    return response


def _page(
    request: HttpRequest, template: str, step: int, *, back: str = "", status: int = 200, **context: Any
) -> HttpResponse:
    shared = {"steps": STEPS, "step": step, "back": reverse(back) if back else ""}
    return render(request, f"public/enrolment/{template}.html", shared | context, status=status)


# The start ------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        under_way = opening_under_way.of(request)
        came_back = under_way is not None and under_way.came_back
        return render(request, "public/enrolment/start.html", {"letter": came_back, "busy": ""})
    try:
        begun = enrolment.start(at=timezone.now(), origin=browser_of(request).network)
    except TooManyTries:
        busy = "Beaucoup d'ouvertures viennent de commencer depuis votre réseau. Recommencez dans une minute."
        shown = {"letter": False, "busy": french(busy)}
        return render(request, "public/enrolment/start.html", shown, status=429)
    opening_under_way.keep(request, begun)
    return redirect("public:enrol_nir")


@require_POST
@done_once
@partial(applying, after_a_letter=True)
def give_up(request: HttpRequest, application: UUID) -> HttpResponse:
    enrolment.give_up(application, by=enrolment.applicant(application), at=timezone.now())
    response = redirect("public:home")
    opening_under_way.forget(request, response)
    return response


# Who one is -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    form: type[questions.OpeningForm]
    template: str
    onward: str
    back: str


NIR = Question(questions.NirForm, "nir", "public:enrol_name", "public:enrol")
NAME = Question(questions.NameForm, "name", "public:enrol_birth", "public:enrol_nir")
BIRTH = Question(questions.BirthForm, "birth", "public:enrol_card", "public:enrol_name")
CARD = Question(questions.CardForm, "card", "public:enrol_review", "public:enrol_birth")


@require_http_methods(["GET", "HEAD", "POST"])
@applying
def ask(request: HttpRequest, application: UUID, question: Question) -> HttpResponse:
    by, at = enrolment.applicant(application), timezone.now()
    known = enrolment.answers(application, by=by, at=at)
    if request.method == "POST":
        form = question.form(request.POST, known=known)
        if form.is_valid():
            enrolment.answer(application, by=by, at=at, **form.answers())
            return redirect(question.onward)
    else:
        form = question.form.again(known)
    return _page(request, question.template, 1, form=form, back=question.back)


@require_http_methods(["GET", "HEAD", "POST"])
@done_once
@applying
def review(request: HttpRequest, application: UUID) -> HttpResponse:
    """The answers together, then the one question that matters, asked of the insurer."""
    by, at, wait = enrolment.applicant(application), timezone.now(), ""
    if request.method == "POST":
        try:
            enrolment.ask_insurer(application, by=by, at=at, origin=browser_of(request).network)
            return redirect("public:enrol_channel")
        except enrolment.Doubtful:
            return redirect("public:enrol_birth")
        except enrolment.GoToACounter:
            return redirect("public:enrol_counter")
        except InsurerUnreachable:
            return redirect("public:enrol_unreachable")
        except TooManyTries as tries:
            wait = too_many(tries)
    typed = enrolment.answers(application, by=by, at=at)
    if not all(name in typed for name in enrolment.ANSWERS):
        raise Incomplete(Step.IDENTITY)
    return _page(request, "review", 1, typed=typed, wait=wait, back="public:enrol_card")


@require_safe
def counter(request: HttpRequest) -> HttpResponse:
    """It cannot be done online, and nobody learns why: the page is the same for all."""
    return render(request, "public/enrolment/counter.html")


@require_safe
def unreachable(request: HttpRequest) -> HttpResponse:
    return render(request, "public/enrolment/unreachable.html")


# The code of the insurer ---------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@done_once
@partial(applying, after_a_letter=True)
def channel(request: HttpRequest, application: UUID) -> HttpResponse:
    by, at = enrolment.applicant(application), timezone.now()
    state = enrolment.state(application, by=by, at=at)
    if not state.contacts:
        raise Incomplete(state.step)
    form = questions.ChannelForm(
        posted(request), contacts=state.contacts, post_delay_hours=settings.DMP_POST_DELAY_HOURS
    )
    if form.is_valid():
        try:
            sent = enrolment.send_code(
                application,
                form.cleaned_data["contact"],
                by=by,
                at=at,
                origin=browser_of(request).network,
            )
            response = redirect("public:enrol_code")
            if sent.channel == ContactChannel.POST:
                opening_under_way.wait_for_a_letter(request, response, application)
            return response
        except enrolment.TooSoon as soon:
            form.add_error("contact", too_soon(soon))
        except TooManyTries as tries:
            form.add_error("contact", too_many(tries))
        except InsurerUnreachable:
            return redirect("public:enrol_unreachable")
    return _page(request, "channel", 2, form=form, back="public:enrol_review")


@require_http_methods(["GET", "HEAD", "POST"])
@done_once
@partial(applying, after_a_letter=True)
def code(request: HttpRequest, application: UUID) -> HttpResponse:
    by, at = enrolment.applicant(application), timezone.now()
    form = questions.CodeForm(posted(request))
    if form.is_valid():
        try:
            proved = enrolment.verify_code(
                application, form.cleaned_data["code"], by=by, at=at, origin=browser_of(request).network
            )
            response = redirect("public:enrol_exists" if proved.dossier_exists else "public:enrol_login")
            opening_under_way.proved(request, response)
            return response
        except CODE_REFUSED as refusal:
            form.add_error("code", code_refused(refusal))
    state = _at_step(application, Step.CODE)
    return _page(
        request, "code", 2, form=form, sent=state.sent, **_letter(state), back="public:enrol_channel"
    )


def _letter(state: EnrolmentState) -> dict[str, Any]:
    by_post = state.sent is not None and state.sent.channel == ContactChannel.POST
    return {"by_post": by_post, "waiting": by_post and state.sent.usable_from > timezone.now()}


@require_safe
@applying
def exists(request: HttpRequest, application: UUID) -> HttpResponse:
    """Told after the code only, to the person who holds it: they have a dossier, and this is the way in."""
    _at_step(application, Step.EXISTS)
    return _page(request, "exists", 2, form=None)


CODE_REFUSED = (enrolment.WrongCode, enrolment.CodeExpired, enrolment.NoTriesLeft, enrolment.NotYetUsable)


def code_refused(refusal: Exception) -> str:
    """What to do after a code that does not pass."""
    match refusal:
        case enrolment.WrongCode(tries_left=1):
            return french("Ce n'est pas le bon code. Il vous reste 1 essai.")
        case enrolment.WrongCode(tries_left=left):
            return french(f"Ce n'est pas le bon code. Il vous reste {left} essais.")
        case enrolment.NotYetUsable():
            return french(
                "Votre lettre n'a pas encore pu arriver. Saisissez le code quand vous l'aurez reçue."
            )
    return french("Ce code ne marche plus. Demandez-en un autre.")


def too_many(tries: TooManyTries) -> str:
    return french(
        f"Plusieurs demandes viennent d'être faites. Attendez {dates.lasting(tries.wait)}, puis continuez."
    )


def too_soon(soon: enrolment.TooSoon) -> str:
    if soon.wait is None:
        return french("Plusieurs codes sont déjà partis. Reprenez depuis le début dans une demi-heure.")
    return french(
        f"Un code vient de partir. Attendez encore {dates.lasting(soon.wait)} avant d'en demander un autre."
    )


# Ways in, ways to be told ----------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@done_once
@applying
def login(request: HttpRequest, application: UUID) -> HttpResponse:
    by, at = enrolment.applicant(application), timezone.now()
    state = enrolment.state(application, by=by, at=at)
    _proved(state)
    suggested = state.login or logins.suggest_login(state.given_name)
    form = new_password.form_of(request, questions.LoginForm, login=suggested)
    if form.is_valid():
        try:
            enrolment.choose_login(
                application, form.cleaned_data["login"], form.cleaned_data["password"], by=by, at=at
            )
            return redirect("public:enrol_contact")
        except enrolment.LoginTaken:
            form.add_error("login", "Quelqu'un utilise déjà cet identifiant. Choisissez-en un autre.")
        except enrolment.WeakPassword as weak:
            form.add_error("password", new_password.sentences(weak))
    words = new_password.page_of(
        request, form, partial(enrolment.propose_password, application, by=by, at=at)
    )
    return _page(request, "login", 3, kept={"login": form["login"].value()}, **words)


@require_http_methods(["GET", "HEAD", "POST"])
@done_once
@applying
def contact(request: HttpRequest, application: UUID) -> HttpResponse:
    by, at = enrolment.applicant(application), timezone.now()
    form = questions.ContactForm(posted(request))
    if form.is_valid():
        try:
            enrolment.give_contact(application, form.contact, by=by, at=at)
            return redirect("public:enrol_contact_code")
        except enrolment.TooSoon as soon:
            form.add_error("value", too_soon(soon))
    _proved(enrolment.state(application, by=by, at=at))
    return _page(request, "contact", 4, form=form, back="public:enrol_login")


@require_http_methods(["GET", "HEAD", "POST"])
@done_once
@applying
def contact_code(request: HttpRequest, application: UUID) -> HttpResponse:
    by, at = enrolment.applicant(application), timezone.now()
    form = questions.CodeForm(posted(request))
    if form.is_valid():
        try:
            enrolment.verify_contact(application, form.cleaned_data["code"], by=by, at=at)
            return redirect("public:enrol_information")
        except CODE_REFUSED as refusal:
            form.add_error("code", code_refused(refusal))
    state = _at_step(application, Step.CONTACT_CODE)
    return _page(request, "contact_code", 4, form=form, sent=state.sent, back="public:enrol_contact")


# Reading, agreeing -------------------------------------------------------------------------------


@require_safe
@applying
def read_information(request: HttpRequest, application: UUID) -> HttpResponse:
    _at_step(application, Step.CONSENT)
    return _page(request, "information", 5, sections=information.SECTIONS, back="public:enrol_contact")


@require_http_methods(["GET", "HEAD", "POST"])
@answered_once
@applying
def consent(request: HttpRequest, application: UUID) -> HttpResponse:
    by, at = enrolment.applicant(application), timezone.now()
    form = questions.ConsentForm(posted(request))
    if form.is_valid():
        opened = enrolment.consent(
            application, **form.cleaned_data, information_version=information.VERSION, by=by, at=at
        )
        signing_in.after_opening(request, opened.credentials.user_id, at=at)
        response = redirect("patient:home")
        opening_under_way.forget(request, response)
        return response
    _at_step(application, Step.CONSENT)
    return _page(request, "consent", 5, form=form, back="public:enrol_information")


def _at_step(application: UUID, step: Step) -> EnrolmentState:
    """Where the opening stands, which must be there. Raises Incomplete with the page to show instead."""
    state = enrolment.state(application, by=enrolment.applicant(application), at=timezone.now())
    if state.step is not step:
        raise Incomplete(state.step)
    return state


def _proved(state: EnrolmentState) -> None:
    if state.step in {Step.IDENTITY, Step.CHANNEL, Step.CODE, Step.EXISTS}:
        raise Incomplete(state.step)
